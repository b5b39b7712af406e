// Package workload holds the requests by which costs are measured and the handlers
// that answer them: what an API, an event stream and a download do, and a panic.
package workload

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Case is a request and what answers it.
type Case struct {
	Slug   string // for command lines
	Name   string // for people
	Method string
	Body   []byte // of the request, JSON; nil for none
	Size   int64  // bytes of the response's body
	Panics bool   // the handler does
	// Weight is about how many times as much work the case is as a small one: a run
	// has so many times fewer of it.
	Weight int
	// Pause is how long a connection rests between two requests. Two bodies of 64 KB
	// each are so much that clients without rests bring more than one core can read and
	// mask, which a recorder can only answer by dropping.
	Pause time.Duration
	// Handler answers. It keeps nothing and may run in several goroutines.
	Handler http.Handler
}

// Path is the target of every request.
const Path = "/v1/items?page=2&token=abcdef"

const (
	chunk    = 16 << 10
	chunks   = 64
	fileSize = 10 << 20
)

// Servers are the cases of the server side. The folder takes a file of 10 MB. size is
// that of each body of the case "post", 1024 for the tables.
func Servers(dir string, size int) ([]Case, error) {
	file, err := recording(dir)
	if err != nil {
		return nil, err
	}
	small, posted, large, lines := Payload(1024), Payload(size), Payload(64<<10), lines(chunk)
	return []Case{
		{Slug: "get-204", Name: "GET 204", Method: "GET", Weight: 1, Handler: http.HandlerFunc(noContent)},
		{Slug: "get", Name: "GET 1 KB", Method: "GET", Size: int64(len(small)), Weight: 1, Handler: answer(small)},
		{
			Slug: "post", Name: "POST " + bytesName(size), Method: "POST", Body: posted, Size: int64(len(posted)),
			Weight: 1 + size/2048, Handler: answer(posted),
		},
		{
			Slug: "post-64k", Name: "POST 64 KB", Method: "POST", Body: large, Size: int64(len(large)),
			Weight: 40, Pause: 8 * time.Millisecond, Handler: answer(large),
		},
		{Slug: "stream", Name: "1 MB streamed", Method: "GET", Size: chunk * chunks, Weight: 40, Handler: stream(lines)},
		{Slug: "file", Name: "10 MB file", Method: "GET", Size: fileSize, Weight: 100, Handler: serveFile(file)},
		{Slug: "panic", Name: "panic", Method: "GET", Panics: true, Weight: 2, Handler: http.HandlerFunc(panics)},
	}, nil
}

// recording is the name of the file of 10 MB in dir, which is written once.
func recording(dir string) (string, error) {
	file := filepath.Join(dir, "recording.mp4")
	if st, err := os.Stat(file); err == nil && st.Size() == fileSize {
		return file, nil
	}
	content := make([]byte, fileSize)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(content); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, content, 0o600)
}

// Find returns the case of that slug.
func Find(all []Case, slug string) (Case, error) {
	i := slices.IndexFunc(all, func(c Case) bool { return c.Slug == slug })
	if i < 0 {
		return Case{}, fmt.Errorf("there is no case %q", slug)
	}
	return all[i], nil
}

func bytesName(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%d KB", n/1024)
	}
	return fmt.Sprintf("%d B", n)
}

// Header returns the headers that every request has, as an API gets them from an
// app's page.
func Header() http.Header {
	return http.Header{
		"Accept": {"application/json"}, "Authorization": {"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODEyIn0.c2lnbmF0dXJl"},
		"Content-Type": contentType(), "Cookie": {"sid=0f1e2d3c4b5a; theme=dark"}, "Referer": {"https://shop.example/items"},
		"User-Agent":    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5"},
		"X-Client-User": {"8812"}, "X-Request-Id": {"5f2c1c1e"},
	}
}
