package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"
)

// batch is how many requests run before the contestant may settle. A loop without
// rests would fill any queue, and measure how cheap dropping is.
const batch = 256

// sample is what one round of a contestant took, per request.
type sample struct {
	path, process time.Duration
	allocs        float64
}

func measure(c contestant, body []byte, requests int) (sample, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := c.start(handler(body))
	if err != nil {
		return sample{}, err
	}
	ex := newExchange(body)
	for range batch { // pools, maps and branches warm up
		ex.serve(r.handler)
	}
	if err := r.settle(); err != nil {
		return sample{}, err
	}
	runtime.GC()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	process, err := processTime()
	if err != nil {
		return sample{}, err
	}
	var path time.Duration
	served := 0
	for served < requests {
		n := min(batch, requests-served)
		start, err := threadTime()
		if err != nil {
			return sample{}, err
		}
		for range n {
			ex.serve(r.handler)
		}
		end, err := threadTime()
		if err != nil {
			return sample{}, err
		}
		path += end - start
		served += n
		if err := r.settle(); err != nil {
			return sample{}, err
		}
	}
	if err := r.stop(int64(served + batch)); err != nil {
		return sample{}, err
	}
	end, err := processTime()
	if err != nil {
		return sample{}, err
	}
	runtime.ReadMemStats(&after)
	n := time.Duration(served)
	return sample{
		path:    path / n,
		process: (end - process) / n,
		allocs:  float64(after.Mallocs-before.Mallocs) / float64(served),
	}, ex.err
}

// handler reads the request and answers, as an API does.
func handler(answer []byte) http.Handler {
	buf := make([]byte, 4<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := r.Body.Read(buf); err != nil {
				break
			}
		}
		w.Header()["Content-Type"] = contentType
		_, _ = w.Write(answer)
	})
}

var contentType = []string{"application/json"}

var headerNames = []string{"Accept", "Authorization", "Content-Type", "Cookie", "Referer", "User-Agent", "X-Client-User", "X-Request-Id"}

// exchange is a request and the writer of its response, used again and again, so
// that the loop itself allocates nothing.
type exchange struct {
	req    http.Request
	header http.Header
	body   reader
	resp   response
	err    error
}

func newExchange(body []byte) *exchange {
	ex := &exchange{body: reader{Reader: bytes.NewReader(body), all: body}, resp: response{header: http.Header{}}}
	ex.header = http.Header{
		"Accept": {"application/json"}, "Authorization": {"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4ODEyIn0.c2lnbmF0dXJl"},
		"Content-Type": contentType, "Cookie": {"sid=0f1e2d3c4b5a; theme=dark"}, "Referer": {"https://shop.example/items"},
		"User-Agent":    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 26.3.5"},
		"X-Client-User": {"8812"}, "X-Request-Id": {"5f2c1c1e"},
	}
	ex.req = http.Request{
		Method: "POST", URL: &url.URL{Path: "/v1/items", RawQuery: "page=2&token=abcdef"}, RequestURI: "/v1/items?page=2&token=abcdef",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "core:8080", RemoteAddr: "10.0.0.7:50000", ContentLength: int64(len(body)),
	}
	return ex
}

func (ex *exchange) serve(h http.Handler) {
	ex.body.Reset(ex.body.all)
	clear(ex.resp.header)
	ex.resp.status, ex.resp.size = 0, 0
	req := ex.req // what a middleware does to its request is gone with it
	req.Header, req.Body = ex.header, &ex.body
	h.ServeHTTP(&ex.resp, &req)
	if ex.resp.size != len(ex.body.all) || ex.body.Len() != 0 {
		ex.err = io.ErrShortWrite
	}
}

type reader struct {
	*bytes.Reader
	all []byte
}

func (*reader) Close() error { return nil }

// response is a writer with the abilities of the server's own.
type response struct {
	header       http.Header
	status, size int
}

func (r *response) Header() http.Header { return r.header }
func (r *response) WriteHeader(s int)   { r.status = s }
func (r *response) Flush()              {}

func (r *response) Write(p []byte) (int, error) {
	r.size += len(p)
	return len(p), nil
}

func (r *response) WriteString(s string) (int, error) {
	r.size += len(s)
	return len(s), nil
}

func (r *response) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(io.Discard, src)
	r.size += int(n)
	return n, err
}

// payload makes a JSON document of about size bytes, with the secrets that such
// documents have in them.
func payload(size int) []byte {
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
	for {
		b, err := json.Marshal(doc)
		if err != nil {
			panic(err) // a struct of strings and numbers
		}
		switch missing := size - len(b); {
		case missing <= 0:
			return b
		case missing < 60:
			doc.Memo = strings.Repeat("x", missing)
			size = 0
		default:
			doc.Items = append(doc.Items, item{len(doc.Items) + 1, "아이템 of the shop", 1200})
		}
	}
}
