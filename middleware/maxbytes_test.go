package middleware_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// A connection is closed where the server closes it without us: after a limit was passed,
// and not because a read has filled what it was given.
func TestLimitAsWithout(t *testing.T) {
	const limit = 1000
	limited := func(w http.ResponseWriter, r *http.Request) { r.Body = http.MaxBytesReader(w, r.Body, limit) }
	refused := func(w http.ResponseWriter) { http.Error(w, "no", http.StatusBadRequest) }
	room := func() []byte { return make([]byte, 2*limit) }
	for name, h := range map[string]http.HandlerFunc{
		"the first bytes of a buffer": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadFull(r.Body, room()[:4])
			refused(w)
		},
		"odd ones": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadFull(r.Body, make([]byte, 5))
			refused(w)
		},
		"in passing": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(http.MaxBytesReader(w, r.Body, limit), room()[:4])
			refused(w)
		},
		"by a limited reader": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadAll(io.LimitReader(r.Body, 10))
			refused(w)
		},
		"copied": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.CopyN(io.Discard, r.Body, 11)
			refused(w)
		},
		"all, by a buffer of one's own": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadFull(r.Body, room()[:limit+1])
			refused(w)
		},
		"all, after a look at the first": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, room()[:4])
			limited(w, r)
			_, _ = io.ReadAll(r.Body)
			refused(w)
		},
		"all, decoded": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			var v any
			_ = json.NewDecoder(r.Body).Decode(&v)
			refused(w)
		},
		"all, in passing": func(w http.ResponseWriter, r *http.Request) {
			_, _ = bufio.NewReader(http.MaxBytesReader(w, r.Body, limit)).ReadString('\n')
			refused(w)
		},
		"all, in another goroutine": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			done := make(chan struct{})
			go func() { defer close(done); _, _ = io.Copy(io.Discard, r.Body) }()
			<-done
			refused(w)
		},
		"all, and answered well": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadAll(r.Body)
			_, _ = io.WriteString(w, "ok")
		},
		"all, and not answered": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_, _ = io.ReadFull(r.Body, room()[:limit+1])
		},
	} {
		// Of a body of one byte more than the limit nothing is left to be read, and its
		// connection stays open with us.
		for _, size := range []int{5, 100, limit, 10 * limit} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				t.Parallel() // the server takes half a second to close
				var closed [2]bool
				ours, _ := serve(t, middleware.Options{}, h)
				without := httptest.NewServer(h)
				defer without.Close()
				for i, s := range []*httptest.Server{without, ours} {
					res, _ := do(t, s.Client(), request(t, "POST", s.URL, strings.NewReader(`"`+strings.Repeat("x", size-1))))
					closed[i] = res.Close
				}
				if closed[0] != closed[1] {
					t.Errorf("closed: %t, without us %t", closed[1], closed[0])
				}
			})
		}
	}
}

// A handler may give its request another body while a goroutine of it answers. Run it with
// -race.
func TestBodyIsTheHandlers(t *testing.T) {
	wrap, _ := recording(t, middleware.Options{})
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		_, _ = io.ReadFull(r.Body, make([]byte, 5))
		var answering sync.WaitGroup
		answering.Go(func() { http.Error(w, "no", http.StatusBadRequest) })
		r.Body = io.NopCloser(r.Body)
		answering.Wait()
	}))
	for range 20 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("0123456789")))
	}
}
