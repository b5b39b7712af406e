package outbound

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
)

// net/http sends a small body in the same write as the headers, a chunked one in one
// chunk, sees a wrong ContentLength before anything has left, and uses sendfile, only
// while it can see what the body is: a bytes.Buffer, bytes.Reader, strings.Reader or
// os.File, bare or in an io.NopCloser (net/http's isKnownInMemoryReader and
// unwrapBody). Such bodies are therefore not wrapped where that makes a difference; their
// bytes are looked at beforehand, without moving their position. Request.GetBody is not
// used for that: some clients' GetBody rewinds the very payload that is being sent.
//
// How much was sent of these is what the hooks and the answer tell. Nothing in net/http
// promises that WroteRequest comes before the answer, although it nearly always does over
// HTTP/1: a body in memory of up to believedSize that was answered, and whose write did
// not fail, is believed to have been sent. Of a larger one, and of a file, the answer
// alone proves nothing: the rest may have been given up.
//
// Larger ones and files are therefore wrapped where HTTP/2 may carry them, whose answer
// is there before the hook in one call of fifteen, and whose writes are the same either
// way. So is what waits for "100 Continue", of which nothing may be sent: its headers are
// flushed anyhow.

// The two types that io.NopCloser returns. Their only field is the reader.
var nopCloserTypes = [...]reflect.Type{
	reflect.TypeOf(io.NopCloser(struct{ io.Reader }{})), // without WriterTo
	reflect.TypeOf(io.NopCloser((*bytes.Buffer)(nil))),  // with WriterTo
}

// unwrapNopCloser returns the reader inside an io.NopCloser. The types have no
// name outside package io, and their method WriteTo consumes, so the field is read
// by reflection, as net/http itself does (transfer.go); a Go release that changes
// the types makes this report false, and the body is wrapped like any other.
func unwrapNopCloser(body io.Reader) (io.Reader, bool) {
	t := reflect.TypeOf(body)
	if t != nopCloserTypes[0] && t != nopCloserTypes[1] {
		return nil, false
	}
	v := reflect.ValueOf(body)
	if v.Kind() != reflect.Struct || v.NumField() != 1 || !v.Field(0).CanInterface() {
		return nil, false
	}
	r, ok := v.Field(0).Interface().(io.Reader)
	return r, ok
}

// believedSize is up to which size an answer is taken for a proof that a body in memory
// was sent, in bytes: what the buffers of a connection and the first window of an HTTP/2
// stream (RFC 9113, section 6.9.2) take at once, before a server has read any of it.
const believedSize = 64<<10 - 1

// untouched returns what the body of out looks like where it is to be sent as it is; n
// is its declared length, -1 if none.
func (c *call) untouched(out *http.Request, n int64) (peeked, bool) {
	if len(out.Header["Expect"]) > 0 {
		return peeked{}, false
	}
	p, ok := peek(out.Body)
	if !ok {
		return peeked{}, false
	}
	c.reqPlain = c.plain(out)
	switch {
	case p.file:
		if !c.reqPlain || n < 0 || p.size < n {
			return peeked{}, false // there is no sendfile, or not of all that was declared
		}
	case !c.reqPlain && p.size > believedSize && (n < 0 || n == p.size):
		return peeked{}, false
	}
	if n >= 0 {
		c.reqWrong = p.size != n
		p.size = min(p.size, n) // net/http sends no more
	}
	c.reqBelieved = !p.file && p.size <= believedSize
	return p, true
}

// plain reports whether out goes over HTTP/1 without TLS. Over TLS it may be HTTP/2.
func (c *call) plain(out *http.Request) bool {
	if out.URL.Scheme != "http" {
		return false
	}
	tr, ok := c.t.base.(*http.Transport)
	return !ok || tr.Protocols == nil || tr.Protocols.HTTP1() || !tr.Protocols.UnencryptedHTTP2()
}

// peeked is what a body that lies in memory or in a file looks like.
type peeked struct {
	size int64       // what is left to be read
	mem  []byte      // its bytes, or
	from io.ReaderAt // where to read them, beginning
	at   int64       // here, without moving the position
	file bool
}

// peek looks at a body without touching it; false if it is of another kind.
func peek(body io.ReadCloser) (peeked, bool) {
	var r io.Reader = body
	for inner, ok := unwrapNopCloser(r); ok; inner, ok = unwrapNopCloser(r) {
		r = inner
	}
	switch v := r.(type) {
	case *bytes.Buffer:
		if v != nil {
			return peeked{size: int64(v.Len()), mem: v.Bytes()}, true
		}
	case *bytes.Reader:
		if v != nil {
			return peeked{size: int64(v.Len()), from: v, at: v.Size() - int64(v.Len())}, true
		}
	case *strings.Reader:
		if v != nil {
			return peeked{size: int64(v.Len()), from: v, at: v.Size() - int64(v.Len())}, true
		}
	case *os.File:
		if v != nil {
			return peekFile(v)
		}
	}
	return peeked{}, false
}

// peekFile looks at a regular file: pread leaves its position alone.
func peekFile(f *os.File) (peeked, bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return peeked{}, false
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return peeked{}, false
	}
	return peeked{size: max(info.Size()-at, 0), from: f, at: at, file: true}, true
}

// read reads into dst what is to be read offset bytes from now. Of a file that was
// cut meanwhile there is less.
func (p *peeked) read(dst []byte, offset int64) int {
	if p.from == nil {
		return copy(dst, p.mem[min(offset, int64(len(p.mem))):])
	}
	n, _ := p.from.ReadAt(dst, p.at+offset)
	return n
}
