package middleware_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/middleware"
)

// asking is an error, or what a panic is thrown with, that uses the request's context when
// it is asked what it says.
type asking struct{ ctx context.Context }

func (a asking) Error() string {
	middleware.Annotate(a.ctx, "asked", page(a.ctx))
	return "asked"
}

func (a asking) Is(error) bool { return a.Error() == "" }

type failingBody struct{ err error }

func (b failingBody) Read([]byte) (int, error) { return 0, b.err }
func (b failingBody) Close() error             { return nil }

// What is not ours is asked while nothing of the exchange is locked.
func TestAskedUnlocked(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"panic": func(_ http.ResponseWriter, r *http.Request) { panic(asking{r.Context()}) },
		"recovered": func(_ http.ResponseWriter, r *http.Request) {
			defer func() { middleware.SetPanic(r.Context(), recover(), nil) }()
			panic(asking{r.Context()})
		},
		"body": func(w http.ResponseWriter, r *http.Request) {
			in := r.Context().Value(failingKey{}).(*failingBody)
			in.err = asking{r.Context()}
			_, _ = io.ReadAll(r.Body)
			http.Error(w, "bad", http.StatusBadRequest)
		},
		"writer": func(w http.ResponseWriter, r *http.Request) {
			r.Context().Value(failingKey{}).(*failingBody).err = asking{r.Context()}
			_, _ = io.WriteString(w, "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			wrap, rec := recording(t, middleware.Options{})
			in := &failingBody{}
			r := httptest.NewRequest("POST", "/x", in)
			r = r.WithContext(context.WithValue(r.Context(), failingKey{}, in))
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = recover() }()
				wrap(h).ServeHTTP(failingWriter{httptest.NewRecorder(), in}, r)
			}()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("it hangs")
			}
			if e := rec.one(t); e.Error.Type == "" {
				t.Errorf("%q %q", e.Error.Type, e.Error.Message)
			}
		})
	}
}

type failingKey struct{}

type failingWriter struct {
	http.ResponseWriter
	in *failingBody
}

func (w failingWriter) Write(p []byte) (int, error) {
	if w.in.err != nil {
		return 0, w.in.err
	}
	return w.ResponseWriter.Write(p)
}

// unasked is an error that is a nil pointer, of which nobody can ask anything.
type unasked struct{ within error }

func (e *unasked) Error() string { return e.within.Error() }
func (e *unasked) Unwrap() error { return e.within }

// readAtOnce is a file, as far as can be seen, that is read by its own Read.
type readAtOnce struct {
	*os.File
	err error
}

func (r readAtOnce) Read([]byte) (int, error) { return 0, r.err }

// An error that panics when it is asked does so where the handler asks it, and not
// without its doing.
func TestAnErrorThatCanNotBeAsked(t *testing.T) {
	var bad error = (*unasked)(nil)
	name := filepath.Join(t.TempDir(), "f.txt")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	unavailable := func(w http.ResponseWriter, err error) {
		if err != bad {
			t.Errorf("got %v", err)
		}
		http.Error(w, "failed", http.StatusServiceUnavailable)
	}
	for name, h := range map[string]http.HandlerFunc{
		"source": func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, failing{strings.NewReader(""), bad})
			unavailable(w, err)
		},
		"file": func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.CopyN(w, readAtOnce{file, bad}, 4)
			unavailable(w, err)
		},
		"body": func(w http.ResponseWriter, r *http.Request) {
			_, err := r.Body.Read(make([]byte, 1))
			unavailable(w, err)
		},
		"writer": func(w http.ResponseWriter, r *http.Request) {
			r.Context().Value(failingKey{}).(*failingBody).err = bad
			_, err := io.WriteString(w, "x")
			r.Context().Value(failingKey{}).(*failingBody).err = nil
			unavailable(w, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			wrap, rec := recording(t, middleware.Options{})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				in := &failingBody{}
				switch name {
				case "body":
					in.err = bad
					r.Body = in
				case "writer":
					w = failingWriter{w, in}
				}
				wrap(h).ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), failingKey{}, in)))
			}))
			t.Cleanup(s.Close)
			s.Config.ErrorLog = discardLog
			if res, text := do(t, s.Client(), request(t, "GET", s.URL, nil)); res.StatusCode != http.StatusServiceUnavailable && name != "writer" || text != "failed\n" {
				t.Errorf("%d %q", res.StatusCode, text)
			}
			if e := rec.one(t); e.Error.Type == "panic" {
				t.Errorf("recorded %q", outcomeOf(e))
			}
		})
	}
}
