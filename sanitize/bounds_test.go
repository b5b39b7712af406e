package sanitize_test

import (
	"bytes"
	"compress/gzip"
	"runtime"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// compressed returns n bytes of spaces and then a secret, gzipped.
func compressed(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	pad := bytes.Repeat([]byte(" "), 1<<20)
	for range n >> 20 {
		if _, err := w.Write(pad); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = w.Write([]byte(`{"password":"hunter2"}`))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// A bomb of 64 MiB costs no more memory than the bounds allow.
func TestBomb(t *testing.T) {
	bomb := compressed(t, 64<<20)
	for _, tc := range []struct {
		o      sanitize.Options
		reason string
		most   uint64
	}{
		{sanitize.Options{}, "size bound", 32 << 20},
		{sanitize.Options{MaxDecoded: 512 << 20}, "ratio bound", 64 << 20},
		{sanitize.Options{MaxRatio: 1 << 20}, "size bound", 48 << 20},
		{sanitize.Options{MaxRatio: 1 << 20, MaxDecoded: 64 << 10}, "size bound", 4 << 20},
	} {
		p, err := sanitize.New(&tc.o)
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		var res sanitize.Result
		n := allocated(func() {
			out, res = p.AppendBody(nil, bomb, sanitize.Input{ContentType: "application/json", ContentEncoding: "gzip"}, nil)
		})
		if res.Reason != tc.reason || !res.Truncated || bytes.Contains(out, []byte("hunter2")) {
			t.Errorf("%+v: %d bytes out, %+v", tc.o, len(out), res)
		}
		if n > tc.most {
			t.Errorf("%+v: %d MiB allocated", tc.o, n>>20)
		}
	}
}

// A long stream of captured prefixes does not make the pooled state grow.
func TestMemoryStaysBounded(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := page(64<<10, true)
	dst := make([]byte, 0, 1<<20)
	in := sanitize.Input{ContentType: "application/json", Truncated: true}
	p.AppendBody(dst, body, in, nil)
	n := allocated(func() {
		for range 256 { // 16 MiB
			dst, _ = p.AppendBody(dst[:0], body, in, nil)
		}
	})
	if n > 8<<20 {
		t.Errorf("%d KiB allocated for 16 MiB", n>>10)
	}
}

func TestTooManyEncodings(t *testing.T) {
	var p *sanitize.Policy
	out, res := p.AppendBody(nil, []byte("x"), sanitize.Input{ContentEncoding: strings.Repeat("gzip,", 9)}, nil)
	if len(out) != 0 || res.Reason != "too many encodings" {
		t.Errorf("%q %+v", out, res)
	}
}
