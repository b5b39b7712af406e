package sanitize_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/txtrail/txtrail/sanitize"
)

// compressed returns n bytes of spaces and then a secret, encoded.
func compressed(t *testing.T, encoding string, n int) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw deflate":
		f, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		w = f
	case "br":
		w = brotli.NewWriterLevel(&b, 5)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	pad := bytes.Repeat([]byte(" "), 1<<20)
	for range n >> 20 {
		if _, err := w.Write(pad); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write([]byte(`{"password":"hunter2"}`)); err != nil {
		t.Fatal(err)
	}
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

// A bomb of 64 MiB costs no more memory than the bounds allow, in any encoding,
// and neither does one inside another.
func TestBomb(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate", "raw deflate", "br", "zstd"} {
		bomb := compressed(t, encoding, 64<<20)
		t.Logf("%s: 64 MiB in %d bytes", encoding, len(bomb))
		t.Run(encoding, func(t *testing.T) { defuse(t, bomb, strings.TrimPrefix(encoding, "raw ")) })
	}
	var twice bytes.Buffer
	w := gzip.NewWriter(&twice)
	if _, err := w.Write(compressed(t, "gzip", 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("gzip, gzip", func(t *testing.T) { defuse(t, twice.Bytes(), "gzip, gzip") })
	t.Run("undeclared", func(t *testing.T) { defuse(t, twice.Bytes(), "") })
}

func defuse(t *testing.T, bomb []byte, encoding string) {
	for _, tc := range []struct {
		o    sanitize.Options
		most uint64 // allocated
	}{
		{sanitize.Options{}, 32 << 20},
		{sanitize.Options{MaxDecoded: 512 << 20}, 64 << 20},
		{sanitize.Options{MaxRatio: 1 << 20}, 48 << 20},
		{sanitize.Options{MaxRatio: 1 << 20, MaxDecoded: 64 << 10}, 20 << 20},
	} {
		p, err := sanitize.New(&tc.o)
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		var res sanitize.Result
		n := allocated(func() {
			out, res = p.AppendBody(nil, bomb, sanitize.Input{ContentType: "application/json", ContentEncoding: encoding}, nil)
		})
		// Which bound comes first depends on how small the encoding makes it.
		bound := tc.o.MaxDecoded
		if bound == 0 {
			bound = 4 << 20
		}
		switch {
		case res.Reason == "size bound" && len(out) <= bound:
		case res.Reason == "ratio bound" && len(out) == 0:
		default:
			t.Errorf("%+v: %d bytes out, %+v", tc.o, len(out), res)
		}
		if !res.Truncated || bytes.Contains(out, []byte("hunter2")) {
			t.Errorf("%+v: %+v, %d bytes out", tc.o, res, len(out))
		}
		if n > tc.most {
			t.Errorf("%+v: %d MiB allocated", tc.o, n>>20)
		}
		t.Logf("MaxDecoded %d, MaxRatio %d: %s, %d KiB allocated", tc.o.MaxDecoded, tc.o.MaxRatio, res.Reason, n>>10)
	}
}

func TestTooManyEncodings(t *testing.T) {
	var p *sanitize.Policy
	out, res := p.AppendBody(nil, []byte("x"), sanitize.Input{ContentEncoding: strings.Repeat("gzip,", 9)}, nil)
	if len(out) != 0 || res.Reason != "too many encodings" {
		t.Errorf("%q %+v", out, res)
	}
}
