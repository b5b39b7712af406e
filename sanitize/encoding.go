package sanitize

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// decoders are kept by a run: making one costs up to tens of kilobytes.
type decoders struct {
	in   bytes.Reader
	gz   *gzip.Reader
	fl   io.ReadCloser
	zl   io.ReadCloser
	br   *brotli.Reader
	zs   *zstd.Decoder
	out  []byte
	tmp  []byte
	utf8 []byte
}

// wipe clears what was decoded in this call.
func (t *decoders) wipe() {
	if len(t.out)+len(t.tmp)+len(t.utf8) == 0 && t.in.Size() == 0 {
		return // as with nearly every call
	}
	for _, b := range [...]*[]byte{&t.out, &t.tmp, &t.utf8} {
		if len(*b) == 0 {
			continue
		}
		clear(*b)
		if cap(*b) > maxKeep {
			*b = nil
		} else {
			*b = (*b)[:0]
		}
	}
	t.in.Reset(nil)
}

var (
	errBound = errors.New("size bound")
	errRatio = errors.New("ratio bound")
)

// minRatioSize is how much any body may decompress to before the ratio counts.
const minRatioSize = 64 << 10

// maxEncodings bounds the list of encodings that are undone.
const maxEncodings = 4

// decodeContent undoes the content encodings of src, the last one first. It
// returns what could be decoded, whether that is all, and, when it is not, why.
// A reason with nothing decoded means that nothing may be shown.
func (r *run) decodeContent(src []byte, encodings string) (out []byte, whole bool, reason string) {
	list := strings.FieldsFunc(encodings, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' })
	if len(list) > maxEncodings {
		return nil, false, "too many encodings"
	}
	whole = true
	out = src
	for i := len(list) - 1; i >= 0; i-- {
		name := strings.ToLower(list[i])
		if name == "identity" || name == "chunked" {
			continue
		}
		if plainAlready(out, name) {
			continue
		}
		dec, err := r.decodeOne(out, name)
		if err == nil {
			out = dec
			continue
		}
		switch {
		case errors.Is(err, errUnknown):
			return nil, false, "unknown encoding"
		case errors.Is(err, errRatio):
			return nil, false, "ratio bound"
		case errors.Is(err, errBound):
			out, whole, reason = dec, false, "size bound"
		case errors.Is(err, io.ErrUnexpectedEOF) && len(dec) > 0 && r.trunc:
			out, whole, reason = dec, false, "truncated"
		default:
			return nil, false, "undecodable " + cleanName(name)
		}
	}
	// Compressed without saying so.
	for range 2 {
		name := magic(out)
		if name == "" {
			break
		}
		dec, err := r.decodeOne(out, name)
		if err != nil && !(errors.Is(err, errBound) || errors.Is(err, io.ErrUnexpectedEOF) && r.trunc) || len(dec) == 0 {
			if errors.Is(err, errRatio) {
				return nil, false, "ratio bound"
			}
			return nil, false, "undecodable " + name
		}
		if err != nil {
			whole, reason = false, "truncated"
			if errors.Is(err, errBound) {
				reason = "size bound"
			}
		}
		out = dec
	}
	return out, whole, reason
}

// cleanName keeps a hostile encoding name out of a reason.
func cleanName(name string) string {
	switch name {
	case "gzip", "x-gzip":
		return "gzip"
	case "br", "zstd", "deflate":
		return name
	}
	return "encoding"
}

// plainAlready reports a body that carries an encoding's label but was decoded
// on its way: transports do that to gzip and keep the header.
func plainAlready(src []byte, name string) bool {
	if name != "gzip" && name != "x-gzip" {
		return false
	}
	return len(src) > 0 && (src[0] == '{' || src[0] == '[') && textual(src[:min(len(src), 64)])
}

func magic(b []byte) string {
	switch {
	case len(b) >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8:
		return "gzip"
	case len(b) >= 4 && b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd:
		return "zstd"
	}
	return ""
}

var errUnknown = errors.New("unknown encoding")

func (r *run) decodeOne(src []byte, name string) ([]byte, error) {
	t := &r.dec
	t.in.Reset(src)
	var rd io.Reader
	var err error
	switch name {
	case "gzip", "x-gzip":
		if t.gz == nil {
			t.gz, err = gzip.NewReader(&t.in)
		} else {
			err = t.gz.Reset(&t.in)
		}
		if err != nil {
			t.gz = nil
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		rd = t.gz
	case "deflate":
		if len(src) >= 2 && src[0]&0x0f == 8 && (int(src[0])<<8|int(src[1]))%31 == 0 {
			if t.zl == nil {
				t.zl, err = zlib.NewReader(&t.in)
			} else {
				err = t.zl.(zlib.Resetter).Reset(&t.in, nil)
			}
			if err == nil {
				out, err := r.readBounded(t.zl, len(src))
				if err == nil || !errors.Is(err, flate.CorruptInputError(0)) {
					return out, err
				}
			}
			t.in.Reset(src)
		}
		if t.fl == nil {
			t.fl = flate.NewReader(&t.in)
		} else {
			err = t.fl.(flate.Resetter).Reset(&t.in, nil)
		}
		rd = t.fl
	case "br":
		if t.br == nil {
			t.br = brotli.NewReader(&t.in)
		} else {
			err = t.br.Reset(&t.in)
		}
		rd = t.br
	case "zstd":
		if t.zs == nil {
			t.zs, err = zstd.NewReader(&t.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		} else {
			err = t.zs.Reset(&t.in)
		}
		rd = t.zs
	default:
		return nil, errUnknown
	}
	if err != nil {
		return nil, err
	}
	return r.readBounded(rd, len(src))
}

// readBounded reads rd up to the policy's bounds. The two buffers take turns,
// because one may be the input of the other.
func (r *run) readBounded(rd io.Reader, in int) ([]byte, error) {
	t := &r.dec
	t.out, t.tmp = t.tmp, t.out
	out := t.out[:0]
	limit := r.rs.maxOut
	for {
		if len(out) == cap(out) {
			grow := max(4096, min(2*cap(out), limit+1))
			if grow <= cap(out) {
				grow = cap(out) + 1
			}
			next := make([]byte, len(out), grow)
			copy(next, out)
			out = next
		}
		n, err := rd.Read(out[len(out):min(cap(out), limit+1)])
		out = out[:len(out)+n]
		t.out = out
		if len(out) > minRatioSize && len(out)/max(in, 1) > r.rs.maxRatio {
			return nil, errRatio
		}
		if len(out) > limit {
			return out[:limit], errBound
		}
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}
