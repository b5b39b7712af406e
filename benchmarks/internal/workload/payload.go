package workload

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Payload makes a JSON document of size bytes, at least 200, with the secrets that
// such documents have in them.
func Payload(size int) []byte {
	type item struct {
		ID    int    `json:"id"`
		Name  string `json:"name"`
		Price int    `json:"price"`
	}
	doc := struct {
		User     string `json:"user"`
		Password string `json:"password"`
		Token    string `json:"access_token"`
		Items    []item `json:"items"`
		Memo     string `json:"memo"`
	}{User: "8812", Password: "correct horse", Token: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}
	used := 0
	for {
		b, err := json.Marshal(doc)
		if err != nil {
			panic(err) // a struct of strings and numbers
		}
		switch missing := size - len(b); {
		case missing <= 0:
			return b
		case missing < 80:
			doc.Memo = strings.Repeat("x", missing)
		default:
			// As many as fit for sure, then some more.
			for range max(1, missing/80) {
				used++
				doc.Items = append(doc.Items, item{used, "아이템 of the shop", 1200})
			}
		}
	}
}

// lines makes size bytes of JSON lines.
func lines(size int) []byte {
	var b bytes.Buffer
	for b.Len() < size-400 {
		b.Write(Payload(200 + b.Len()%150))
		b.WriteByte('\n')
	}
	b.Write(Payload(max(200, size-b.Len()-1)))
	b.WriteByte('\n')
	return b.Bytes()
}
