package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// exchange is a request and the writer of its response, used again and again, so
// that the loop itself allocates nothing.
type exchange struct {
	c       *workload.Case
	handler http.Handler
	req     http.Request
	header  http.Header
	body    reader
	resp    response
}

func newExchange(c *workload.Case, h http.Handler) *exchange {
	ex := &exchange{c: c, handler: h, header: workload.Header(), body: reader{Reader: bytes.NewReader(c.Body), all: c.Body}, resp: response{header: http.Header{}}}
	target, err := url.Parse(workload.Path)
	if err != nil {
		panic(err) // a constant
	}
	ex.req = http.Request{
		Method: c.Method, URL: target, RequestURI: workload.Path,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "core:8080", RemoteAddr: "10.0.0.7:50000", ContentLength: int64(len(c.Body)),
	}
	if c.Body == nil {
		delete(ex.header, "Content-Type")
	}
	return ex
}

func (ex *exchange) serve() error {
	clear(ex.resp.header)
	ex.resp.size = 0
	req := ex.req // what a middleware does to its request is gone with it
	req.Header, req.Body = ex.header, http.NoBody
	if ex.c.Body != nil {
		ex.body.Reset(ex.body.all)
		req.Body = &ex.body
	}
	if ex.c.Panics {
		return ex.recovered(&req)
	}
	ex.handler.ServeHTTP(&ex.resp, &req)
	if ex.resp.size != ex.c.Size || ex.body.Len() != 0 {
		return fmt.Errorf("%d of %d bytes were answered, %d not read", ex.resp.size, ex.c.Size, ex.body.Len())
	}
	return nil
}

// recovered serves a request whose handler panics, as the server does.
func (ex *exchange) recovered(req *http.Request) (err error) {
	defer func() {
		if v := recover(); v != workload.Boom {
			err = fmt.Errorf("the panic came out as %v", v)
		}
	}()
	ex.handler.ServeHTTP(&ex.resp, req)
	return errors.New("the panic was swallowed")
}

type reader struct {
	*bytes.Reader
	all []byte
}

func (*reader) Close() error { return nil }

// response is a writer with the abilities of the server's own. It takes bytes for
// nothing, and files too, as with sendfile they cost the process almost nothing.
type response struct {
	header http.Header
	size   int64
}

func (r *response) Header() http.Header { return r.header }
func (r *response) WriteHeader(int)     {}
func (r *response) Flush()              {}

func (r *response) Write(p []byte) (int, error) {
	r.size += int64(len(p))
	return len(p), nil
}

func (r *response) WriteString(s string) (int, error) {
	r.size += int64(len(s))
	return len(s), nil
}

func (r *response) ReadFrom(src io.Reader) (int64, error) {
	if l, ok := src.(*io.LimitedReader); ok {
		if f, ok := l.R.(*os.File); ok {
			n := l.N
			_, err := f.Seek(n, io.SeekCurrent)
			l.N = 0
			r.size += n
			return n, err
		}
	}
	n, err := io.Copy(io.Discard, src)
	r.size += n
	return n, err
}
