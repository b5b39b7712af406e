package outbound

import (
	"bytes"
	"io"
	"os"
	"reflect"
	"strings"
)

// net/http sends a small body in the same write as the headers, resends it
// unasked, and uses sendfile, only while it can see what the body is: a
// bytes.Buffer, bytes.Reader, strings.Reader or os.File, bare or in an
// io.NopCloser (net/http's isKnownInMemoryReader and unwrapBody). Such bodies are
// therefore never wrapped; their bytes are looked at beforehand, without moving
// their position.
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

// peeked is what a body that lies in memory or in a file looks like.
type peeked struct {
	size int64       // what is left to be read
	mem  []byte      // its bytes, or
	from io.ReaderAt // where to read them, beginning
	at   int64       // here, without moving the position
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
	return peeked{size: max(info.Size()-at, 0), from: f, at: at}, true
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
