package sanitize_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What a policy remembers of the keys it saw changes nothing: documents whose keys
// begin alike, end alike and come in any order give the same from one that has seen
// thousands of them and from one that has seen nothing.
func TestKeyCache(t *testing.T) {
	keys := []string{
		"id", "i", "", "a", "ab", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "pin", "pint", "password", "passwords", "pass", "otp", "ot",
		"password_count", "user_password", "accessToken", "accessTokenType", "access_token_expires_in", "abcdefghijklmnop", "abcdefghijklmnopq",
		"abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz0123456",
		"비밀번호", "이름", `p\u0069n`, `a\"b`, `a\\`, `a\\\"`, "name", "value", "kim@example.kr", "a=b", `a\",\"b`, "password:x",
	}
	warm, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return keys[rng.IntN(len(keys))] }
	for range 400 {
		// Keys of other grammars share the cache.
		warm.AppendBody(nil, []byte(`a","b=1&pass":"word=2&`+pick()+`=3`), sanitize.Input{Kind: sanitize.KindForm}, nil)
		warm.Text(`"`+pick()+`": 1, "a","b": 2`, nil)
		var b strings.Builder
		b.WriteByte('[')
		row := []string{pick(), pick(), pick(), pick()}
		for i := range 4 {
			if i > 0 {
				b.WriteByte(',')
				row[rng.IntN(4)] = pick()
			}
			b.WriteByte('{')
			for j, k := range row {
				if j > 0 {
					b.WriteByte(',')
				}
				switch rng.IntN(5) {
				case 0:
					fmt.Fprintf(&b, `"%s" : 12`, k)
				case 1:
					fmt.Fprintf(&b, `"%s":{"%s":"%s"}`, k, pick(), pick())
				default:
					fmt.Fprintf(&b, `"%s":"v%d"`, k, rng.IntN(9))
				}
			}
			b.WriteByte('}')
		}
		b.WriteByte(']')
		doc := []byte(b.String())
		doc = doc[:len(doc)-rng.IntN(2)*rng.IntN(len(doc))]
		cold, err := sanitize.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		in := sanitize.Input{Kind: sanitize.KindJSON, Truncated: rng.IntN(2) == 0}
		got, res := warm.AppendBody(nil, doc, in, nil)
		want, wantRes := cold.AppendBody(nil, doc, in, nil)
		if string(got) != string(want) || res != wantRes {
			t.Fatalf("%s\nwarm %s %+v\ncold %s %+v", doc, got, res, want, wantRes)
		}
	}
}
