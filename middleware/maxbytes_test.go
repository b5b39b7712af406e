package middleware_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/middleware"
)

// A handler may read a bounded body in one goroutine while it answers from another, and
// the reader that bounds it is not made for two: nobody asks it whether it was too much
// while somebody may be reading. Run it with -race.
func TestBoundedBodyIsReadByNobodyElse(t *testing.T) {
	s, _ := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		answered, read := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.ReadFull(r.Body, make([]byte, 10))
			<-answered // it is busy with what it has read
			_, _ = io.Copy(io.Discard, r.Body)
		}()
		time.Sleep(50 * time.Millisecond) // what would tell us when it is would hide the fault
		_, _ = io.WriteString(w, "got it")
		close(answered)
		<-read
	})
	body, send := io.Pipe()
	go func() {
		_, _ = io.WriteString(send, "0123456789")
		time.Sleep(100 * time.Millisecond)
		_ = send.Close()
	}()
	if _, got := do(t, s.Client(), request(t, "POST", s.URL, body)); got != "got it" {
		t.Errorf("%q", got)
	}
}

// Whatever buffers a limit is passed with, an error answer closes the connection, as the
// server does without us.
func TestLimitPassed(t *testing.T) {
	for name, read := range map[string]func(io.Reader) error{
		"read whole": func(r io.Reader) error { _, err := io.ReadAll(r); return err },
		"copied":     func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		"a buffer of one more than the limit": func(r io.Reader) error {
			b := make([]byte, 11)
			_, err := io.ReadFull(r, b[:11:11])
			return err
		},
	} {
		for _, within := range []bool{false, true} {
			s, _ := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
				if within {
					r.Body = io.NopCloser(struct{ io.Reader }{r.Body})
				}
				r.Body = http.MaxBytesReader(w, r.Body, 10)
				if err := read(r.Body); err == nil {
					t.Errorf("%s: no error", name)
				}
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			})
			res, _ := do(t, s.Client(), request(t, "POST", s.URL, strings.NewReader(strings.Repeat("x", 100))))
			if !res.Close {
				t.Errorf("%s, within another reader %t: the connection stays open", name, within)
			}
		}
	}
}
