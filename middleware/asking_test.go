package middleware_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
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
