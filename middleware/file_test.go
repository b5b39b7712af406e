package middleware_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

func fileOf(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A file goes out as it did, and its first bytes stand in the entry where it is text.
func TestFile(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	for _, c := range []struct {
		name, file, content, ranges string
		max                         int
		want                        entry.Body
	}{
		{"long text", "f.json", long, "", 0, entry.Body{Raw: []byte(long[:4096]), Size: 100_000, Truncated: true, Reason: "file"}},
		{"less than a little", "f.json", long, "", 100, entry.Body{Raw: []byte(long[:100]), Size: 100_000, Truncated: true, Reason: "file"}},
		{"whole", "f.txt", "abc", "", 0, entry.Body{Raw: []byte("abc"), Size: 3}},
		{"empty", "f.txt", "", "", 0, entry.Body{}},
		{"binary", "f.png", long, "", 0, entry.Body{Size: 100_000, Truncated: true, Reason: "binary"}},
		{"unknown", "f.unknown-type", long, "", 0, entry.Body{Raw: []byte(long[:4096]), Size: 100_000, Truncated: true, Reason: "file"}}, // net/http finds that it is text
		{"no capture", "f.txt", long, "", -1, entry.Body{Size: 100_000, Truncated: true}},
		{"a range", "f.txt", long, "bytes=5-9", 0, entry.Body{Size: 5, Truncated: true, Reason: "partial content"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := fileOf(t, c.file, c.content)
			s, rec := serve(t, middleware.Options{MaxBody: c.max}, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
			r := request(t, "GET", s.URL, nil)
			want := c.content
			if c.ranges != "" {
				r.Header.Set("Range", c.ranges)
				want = c.content[5:10]
			}
			if _, body := do(t, s.Client(), r); body != want {
				t.Errorf("the client got %d bytes, want %d", len(body), len(want))
			}
			got := rec.one(t).Response.Body
			got.Type = ""
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// However a handler copies a text file, the beginning of it is kept.
func TestFileCopied(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	name := fileOf(t, "f.txt", long)
	for _, c := range []struct {
		name string
		copy func(w io.Writer, f *os.File) error
		want string
	}{
		{"by io.Copy, to which os gives a wrapper of it", func(w io.Writer, f *os.File) error { _, err := io.Copy(w, f); return err }, long},
		{"by io.CopyN", func(w io.Writer, f *os.File) error { _, err := io.CopyN(w, f, 5000); return err }, long[:5000]},
		{"from its middle", func(w io.Writer, f *os.File) error {
			if _, err := f.Seek(95_003, io.SeekStart); err != nil {
				return err
			}
			_, err := io.Copy(w, f)
			return err
		}, long[95_003:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				w.Header().Set("Content-Type", "text/plain")
				if err := c.copy(w, f); err != nil {
					t.Error(err)
				}
			})
			if _, body := do(t, s.Client(), request(t, "GET", s.URL, nil)); body != c.want {
				t.Errorf("the client got %d bytes, want %d", len(body), len(c.want))
			}
			got := rec.one(t).Response.Body
			if string(got.Raw) != c.want[:4096] || got.Size != int64(len(c.want)) || got.Reason != "file" {
				t.Errorf("%d bytes kept of %d, %q", len(got.Raw), got.Size, got.Reason)
			}
		})
	}
}

// A page of a list is no piece of a document, although some answer it with 206.
func TestPartialContent(t *testing.T) {
	for _, c := range []struct{ ranges, ctype, want string }{
		{"bytes 0-3/10", "application/json", ""},
		{"", "Multipart/ByteRanges; boundary=x", ""},
		{"0-3/10", "application/json", "[1,2]"},
		{"items 0-3/10", "application/json", "[1,2]"},
		{"", "application/json", "[1,2]"},
	} {
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", c.ranges)
			w.Header().Set("Content-Type", c.ctype)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, "[1,2]")
		})
		do(t, s.Client(), request(t, "GET", s.URL, nil))
		if b := rec.one(t).Response.Body; string(b.Raw) != c.want || b.Size != 5 || (b.Reason == "partial content") != (c.want == "") {
			t.Errorf("%q, %s: recorded %+v", c.ranges, c.ctype, b)
		}
	}
}

// The file's own position decides what is sent and what is shown, and is moved by
// nobody but the copy.
func TestFileFromTheMiddle(t *testing.T) {
	name := fileOf(t, "f.txt", "headbodytail")
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "<")
		_, _ = f.Seek(4, io.SeekStart)
		if n, err := io.CopyN(w, f, 4); n != 4 || err != nil {
			t.Errorf("copied %d, %v", n, err)
		}
		if at, _ := f.Seek(0, io.SeekCurrent); at != 8 {
			t.Errorf("the file stands at %d, want 8", at)
		}
		_, _ = io.WriteString(w, ">")
	})
	_, body := do(t, s.Client(), request(t, "GET", s.URL, nil))
	b := rec.one(t).Response.Body
	// What follows a file is not kept: the file was not kept whole, as a rule.
	if body != "<body>" || string(b.Raw) != "<body" || b.Size != 6 || !b.Truncated || b.Reason != "file" {
		t.Errorf("got %q, recorded %+v", body, b)
	}
}

// A pipe can not be read ahead: it is sent, and nothing of it kept.
func TestPipeIsNotReadAhead(t *testing.T) {
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		r, p, err := os.Pipe()
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Close()
		_, _ = p.WriteString("through a pipe")
		p.Close()
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.Copy(w, r)
	})
	_, body := do(t, s.Client(), request(t, "GET", s.URL, nil))
	b := rec.one(t).Response.Body
	if body != "through a pipe" || len(b.Raw) != 0 || b.Size != 14 || b.Reason != "file" {
		t.Errorf("got %q, recorded %+v", body, b)
	}
}
