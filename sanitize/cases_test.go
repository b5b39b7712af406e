package sanitize_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/txtrail/txtrail/sanitize"
)

var everyCut = flag.Bool("every-cut", false, "cut long inputs at every byte offset too, not at a sample of them")

type sample struct {
	ID              string   `json:"id"`
	Kind            string   `json:"kind"`
	ContentType     string   `json:"content_type"`
	ContentEncoding string   `json:"content_encoding"`
	Input           string   `json:"input"`
	InputB64        string   `json:"input_b64"`
	Secret          []string `json:"secret"`
	Keep            []string `json:"keep"`
	Truncated       bool     `json:"truncated"`
	SecretEncodings []string `json:"secret_encodings"`
	Policy          string   `json:"policy"`
	Meta            bool     `json:"meta"`
}

func (s *sample) bytes(t testing.TB) []byte {
	if s.InputB64 == "" {
		return []byte(s.Input)
	}
	b, err := base64.StdEncoding.DecodeString(s.InputB64)
	if err != nil {
		t.Fatalf("%s: %v", s.ID, err)
	}
	return b
}

func samples(t testing.TB, file string) []sample {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []sample
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var s sample
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, s)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sample) input(t testing.TB, truncated bool) sanitize.Input {
	kind, err := sanitize.ParseKind(s.Kind)
	if err != nil {
		t.Fatal(err)
	}
	return sanitize.Input{Kind: kind, ContentType: s.ContentType, ContentEncoding: s.ContentEncoding, Truncated: truncated}
}

// forms are the ways in which a reader could still make out a secret.
func forms(out []byte) [][]byte {
	all := [][]byte{out}
	if bytes.IndexByte(out, '%') >= 0 {
		if dec, err := url.PathUnescape(string(out)); err == nil {
			all = append(all, []byte(dec))
		}
	}
	return all
}

// decodedForms adds what the output holds in the encodings that the sample
// names.
func (s *sample) decodedForms(out []byte) [][]byte {
	all := forms(out)
	for _, enc := range s.SecretEncodings {
		switch enc {
		case "base64":
			for _, word := range strings.FieldsFunc(string(out), func(c rune) bool {
				return !(c == '+' || c == '/' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
			}) {
				for skip := range 4 {
					if len(word) < skip+4 {
						break
					}
					w := word[skip:]
					dec, _ := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(w[:len(w)/4*4]))
					all = append(all, dec)
				}
			}
		case "utf-16-le":
			for skip := range 2 {
				var b []byte
				for i := skip; i+1 < len(out); i += 2 {
					if out[i+1] == 0 {
						b = append(b, out[i])
					}
				}
				all = append(all, b)
			}
		case "gzip":
			if r, err := gzip.NewReader(bytes.NewReader(out)); err == nil {
				b, _ := io.ReadAll(io.LimitReader(r, 1<<20))
				all = append(all, b)
			}
		case "deflate":
			b, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(out)), 1<<20))
			all = append(all, b)
		case "br":
			b, _ := io.ReadAll(io.LimitReader(brotli.NewReader(bytes.NewReader(out)), 1<<20))
			all = append(all, b)
		case "zstd":
			if r, err := zstd.NewReader(bytes.NewReader(out), zstd.WithDecoderConcurrency(1)); err == nil {
				b, _ := io.ReadAll(io.LimitReader(r, 1<<20))
				r.Close()
				all = append(all, b)
			}
		}
	}
	return all
}

// leak returns a secret, or with fragments a piece of one of at least six
// bytes, that is in one of the texts.
func leak(texts [][]byte, secrets []string, fragments bool) string {
	const least = 6
	for _, text := range texts {
		for _, s := range secrets {
			if s == "" {
				continue
			}
			if bytes.Contains(text, []byte(s)) {
				return s
			}
			if !fragments || len(s) <= least {
				continue
			}
			for i := 0; i+least <= len(s); i++ {
				if bytes.Contains(text, []byte(s[i:i+least])) {
					return s[i : i+least]
				}
			}
		}
	}
	return ""
}

func runSamples(t *testing.T, file string) {
	var p *sanitize.Policy
	for _, s := range samples(t, file) {
		if s.Meta {
			continue
		}
		t.Run(s.ID, func(t *testing.T) {
			in := s.bytes(t)
			before := bytes.Clone(in)
			out, res := p.AppendBody(nil, in, s.input(t, s.Truncated), nil)
			if !bytes.Equal(in, before) {
				t.Fatal("the input was modified")
			}
			shown := out
			if len(shown) > 600 {
				shown = shown[:600]
			}
			if l := leak(s.decodedForms(out), s.Secret, true); l != "" && !fragmentOfKept(s.Keep, s.Input, s.Secret, l) {
				t.Errorf("secret %q came out: %q", l, shown)
			}
			for _, k := range s.Keep {
				if !bytes.Contains(out, []byte(k)) {
					t.Errorf("%q was lost: %q (%+v)", k, shown, res)
				}
			}
			if !utf8.Valid(out) {
				t.Errorf("not UTF-8: %q", shown)
			}
			if strings.Contains(s.ContentType, "json") && s.Kind == "json" && !s.Truncated && json.Valid(in) && utf8.Valid(in) && res.Reason == "" && !json.Valid(out) {
				t.Errorf("valid JSON became invalid: %q", shown)
			}
			again := s.input(t, s.Truncated && res.Truncated)
			again.ContentEncoding = ""
			if ct, _, ok := strings.Cut(again.ContentType, "charset"); ok {
				again.ContentType = strings.TrimRight(ct, "; ")
			}
			if res.Reason == "" {
				if twice, _ := p.AppendBody(nil, out, again, nil); !bytes.Equal(twice, out) {
					t.Errorf("twice changes it:\n%q\n%q", shown, twice)
				}
			}
			for _, cut := range cuts(len(in)) {
				out, _ := p.AppendBody(nil, in[:cut], s.input(t, true), nil)
				if l := leak(forms(out), s.Secret, true); l != "" && !fragmentOfKept(s.Keep, s.Input, s.Secret, l) {
					t.Fatalf("cut at %d: %q came out: %q", cut, l, out[max(0, len(out)-300):])
				}
				if !utf8.Valid(out) {
					t.Fatalf("cut at %d: not UTF-8", cut)
				}
			}
		})
	}
}

// fragmentOfKept reports a fragment that the sample wants kept elsewhere, or
// that stands in its input outside every secret.
func fragmentOfKept(keep []string, input string, secrets []string, fragment string) bool {
	for _, k := range keep {
		if strings.Contains(k, fragment) {
			return true
		}
	}
	for _, s := range secrets {
		input = strings.ReplaceAll(input, s, "\x00")
	}
	return strings.Contains(input, fragment)
}

// cuts are the offsets at which an input is cut: all of them, or for long
// inputs the ends and a sample between.
func cuts(n int) []int {
	var out []int
	step := 1
	if n > 4096 && !*everyCut {
		step = 997
	}
	for i := range n {
		if step == 1 || i < 64 || i > n-256 || i%step == 0 {
			out = append(out, i)
		}
	}
	return out
}

func TestCases(t *testing.T) { runSamples(t, "testdata/cases.jsonl") }

func TestAttacks(t *testing.T) { runSamples(t, "testdata/attacks.jsonl") }

func TestNeighbours(t *testing.T) { runSamples(t, "testdata/neighbours.jsonl") }
