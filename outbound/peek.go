package outbound

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
)

// net/http sends a small body in the same write as the headers, resends it
// unasked, and uses sendfile, only while it can see what the body is: a
// bytes.Buffer, bytes.Reader, strings.Reader or os.File, bare or in an
// io.NopCloser (net/http's isKnownInMemoryReader and unwrapBody). Such bodies are
// therefore not wrapped where that makes a difference; their bytes are looked at
// beforehand, without moving their position.
//
// It makes one for a body that goes out in the same write as its headers, and for a
// file that net/http hands to sendfile. How much was sent of these is known: the
// former are in net/http's buffer whole before the first byte leaves it, so that
// WroteRequest comes before any answer can. Every other body is wrapped, which says how
// much of it was read to be sent: a larger one may have been answered, and given up,
// before its end, and one that waits for "100 Continue" may never be sent.
//
// Request.GetBody is not used for that: some clients' GetBody rewinds the very
// payload that is being sent.

// The two types that io.NopCloser returns. Their only field is the reader.
var nopCloserTypes = [...]reflect.Type{
	reflect.TypeOf(io.NopCloser(struct{ io.Reader }{})), // without WriterTo
	reflect.TypeOf(io.NopCloser((*bytes.Buffer)(nil))),  // with WriterTo
}

// unwrapNopCloser returns the reader inside an io.NopCloser. The types have no
// name outside package io, and their method WriteTo consumes, so the field is read
// by reflection, as net/http itself does (transfer.go); a Go release that changes
// the types makes this report false, and the body is wrapped like any other.
func unwrapNopCloser(body io.ReadCloser) (io.Reader, bool) {
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

// defaultWriteBuffer is what net/http's Transport writes from, in bytes
// (transport.go, writeBufferSize).
const defaultWriteBuffer = 4 << 10

// writeBuffer is how much a base transport writes at once.
func writeBuffer(base http.RoundTripper) int {
	if tr, ok := base.(*http.Transport); ok && tr.WriteBufferSize > 0 {
		return tr.WriteBufferSize
	}
	return defaultWriteBuffer
}

// ownHeaders is more than the fields take that net/http adds itself, in bytes: Host,
// User-Agent, Content-Length, Accept-Encoding, those for a proxy.
const ownHeaders = 512

// untouched returns what the body of out looks like where it is to be sent as it is; n
// is its declared length, -1 if none.
func (c *call) untouched(out *http.Request, n int64) (peeked, bool) {
	if n < 0 || len(out.Header["Expect"]) > 0 {
		return peeked{}, false
	}
	p, ok := peek(out.Body)
	if !ok || p.size < n {
		return peeked{}, false
	}
	p.size = n // net/http sends no more
	if p.file {
		return p, out.URL.Scheme == "http" // over TLS there is no sendfile
	}
	room := int64(c.t.writeBuffer-ownHeaders-len(out.Method)-len(c.rec.HTTP.URL)) - n
	for i := range c.rec.Request.Headers {
		h := &c.rec.Request.Headers[i]
		room -= int64(len(h.Name) + len(h.Value) + len(": \r\n"))
	}
	return p, room >= 0
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
	if inner, ok := unwrapNopCloser(body); ok {
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
