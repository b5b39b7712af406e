package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// piped copies to w what fill writes, in a goroutine of its own.
func piped(w http.ResponseWriter, fill func(io.Writer)) {
	in, out := io.Pipe()
	go func() {
		fill(out)
		out.Close()
	}()
	_, _ = io.Copy(w, in)
}

// The server looks at the headers when the source has given something, and whoever fills
// that sets them before. So do we: run it with -race.
func TestCopyLooksAtTheHeadersWhenThereIsSomething(t *testing.T) {
	for _, skipped := range []bool{false, true} {
		opts := middleware.Options{Skip: func(*http.Request) bool { return skipped }}
		s, rec := serve(t, opts, func(w http.ResponseWriter, r *http.Request) {
			piped(w, func(out io.Writer) {
				w.Header().Set("Content-Type", "text/csv")
				if r.URL.Path == "/public" {
					w.Header().Set("Cache-Control", "public, max-age=60")
				}
				_, _ = io.WriteString(out, "a,b\n")
			})
		})
		for _, path := range []string{"/public", "/own"} {
			res, text := do(t, s.Client(), request(t, "GET", s.URL+path, nil))
			if has := res.Header.Get(txid.Header) != ""; has != (path == "/own") || text != "a,b\n" {
				t.Errorf("%s, skipped %v: %q, with an ID %v", path, skipped, text, has)
			}
		}
		if skipped {
			continue
		}
		for _, e := range rec.wait(t, 2) {
			if e.Response.Body.Type != "text/csv" || string(e.Response.Body.Raw) != "a,b\n" {
				t.Errorf("%s: recorded %q as %q", e.HTTP.URL, e.Response.Body.Raw, e.Response.Body.Type)
			}
		}
	}
}

// lazy gives the status when it is read.
type lazy struct {
	io.Reader
	begin func()
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.begin != nil {
		l.begin()
		l.begin = nil
	}
	return l.Reader.Read(p)
}

// lazyFile is one that is taken for a file.
type lazyFile struct {
	*os.File
	lazy *lazy
}

func (l lazyFile) Read(p []byte) (int, error) { return l.lazy.Read(p) }

// A status that the source gives before its first byte is the answer, of one that has no
// byte to give as well.
func TestStatusGivenByTheSource(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f.txt")
	for _, text := range []string{"", "none such"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"reader", "file"} {
			s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				l := &lazy{f, func() { w.WriteHeader(http.StatusNotFound) }}
				if kind == "reader" {
					_, _ = io.Copy(w, l)
				} else {
					_, _ = io.CopyN(w, lazyFile{f, l}, 100)
				}
			})
			res, got := do(t, s.Client(), request(t, "GET", s.URL, nil))
			if e := rec.one(t); res.StatusCode != 404 || e.HTTP.Status != 404 || got != text || e.Response.Body.Size != int64(len(text)) {
				t.Errorf("%s of %q: answered %d %q, recorded %d with %d bytes", kind, text, res.StatusCode, got, e.HTTP.Status, e.Response.Body.Size)
			}
		}
	}
}

// What an implied answer has put into the headers goes with it: a shared cache would tell
// others to keep what they ask for.
func TestTakenBackWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"reader", "file"} {
		s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
			middleware.Keep(r.Context())
			f, err := os.Open(name)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			var src io.Reader = f
			if kind == "reader" {
				src = struct{ io.Reader }{f}
			}
			if n, err := io.Copy(w, src); n != 0 || err != nil {
				t.Errorf("copied %d, %v", n, err)
			}
			w.Header().Set("Cache-Control", "public, max-age=60")
			_, _ = io.WriteString(w, "x")
		})
		r := request(t, "GET", s.URL, nil)
		r.Header.Set(txid.Header, "abcdefgh12345678")
		r.Header.Set(txid.HeaderParent, "0123456789abcdef")
		res, _ := do(t, s.Client(), r)
		if id, keep := res.Header.Get(txid.Header), res.Header.Get(txid.HeaderKeep); id != "" || keep != "" {
			t.Errorf("%s: the answer has the ID %q and keep %q", kind, id, keep)
		}
		if h := rec.one(t).Response.Headers; len(h) != 1 {
			t.Errorf("%s: recorded %v", kind, h)
		}
	}
}

// early is a writer that answers before it reads.
type early struct {
	http.ResponseWriter
	answered bool
}

// Status says that it has answered, as those do that answer early.
func (e *early) Status() int {
	if e.answered {
		return http.StatusOK
	}
	return 0
}

func (e *early) WriteHeader(status int) {
	if !e.answered {
		e.answered = true
		e.ResponseWriter.WriteHeader(status)
	}
}

func (e *early) Write(p []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	return e.ResponseWriter.Write(p)
}

func (e *early) ReadFrom(src io.Reader) (int64, error) {
	e.WriteHeader(http.StatusOK)
	return e.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// Behind a writer that answers before it reads, that answer stands.
func TestWriterThatAnswersEarly(t *testing.T) {
	folder, err := os.Open(t.TempDir()) // it can not be read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	for name, src := range map[string]io.Reader{
		"reader": failing{strings.NewReader(""), errors.New("the disk")},
		"file":   folder,
	} {
		wrap, rec := recording(t, middleware.Options{})
		h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.Copy(w, src); err != nil {
				http.Error(w, "failed", http.StatusInternalServerError)
			}
		}))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(&early{ResponseWriter: w}, r)
		}))
		t.Cleanup(s.Close)
		res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil))
		if e := rec.one(t); res.StatusCode != 200 || e.HTTP.Status != 200 || res.Header.Get(txid.Header) != string(e.TxID) {
			t.Errorf("%s: answered %d with the ID %q, recorded %d", name, res.StatusCode, res.Header.Get(txid.Header), e.HTTP.Status)
		}
	}
}

// forwarding is a writer that hands a copy on as it is, such as those that hook into
// another's methods.
type forwarding struct{ http.ResponseWriter }

func (f *forwarding) ReadFrom(src io.Reader) (int64, error) {
	return f.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// Behind a writer that hands the copy on, nothing was answered where nothing came: the
// answer is the one that the handler gives then, which a shared cache may keep.
func TestWriterThatForwards(t *testing.T) {
	folder, err := os.Open(t.TempDir()) // it can not be read
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	for name, src := range map[string]io.Reader{
		"reader": failing{strings.NewReader(""), errors.New("the disk")},
		"file":   folder,
	} {
		wrap, rec := recording(t, middleware.Options{})
		h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.Copy(w, src); err != nil {
				w.Header().Set("Cache-Control", "public, max-age=60")
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(&forwarding{w}, r)
		}))
		t.Cleanup(s.Close)
		res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil))
		if e := rec.one(t); res.StatusCode != 404 || e.HTTP.Status != 404 || res.Header.Get(txid.Header) != "" {
			t.Errorf("%s: answered %d with the ID %q, recorded %d", name, res.StatusCode, res.Header.Get(txid.Header), e.HTTP.Status)
		}
	}
}

// A response that nobody records is looked at as well, for its ID, and that is all.
func TestCopyToAnUnrecorded(t *testing.T) {
	wrap, rec := recording(t, middleware.Options{Skip: func(*http.Request) bool { return true }})
	s := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.Copy(w, failing{strings.NewReader(""), errors.New("the disk")}); err == nil {
			t.Error("the copy did not fail")
		}
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.WriteHeader(http.StatusBadGateway)
	})))
	t.Cleanup(s.Close)
	res, _ := do(t, s.Client(), request(t, "GET", s.URL, nil))
	if res.StatusCode != http.StatusBadGateway || res.Header.Get(txid.Header) != "" {
		t.Errorf("answered %d with the ID %q", res.StatusCode, res.Header.Get(txid.Header))
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.entries) != 0 {
		t.Errorf("%d entries, want none", len(rec.entries))
	}
}
