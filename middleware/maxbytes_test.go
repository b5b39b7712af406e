package middleware_test

import (
	"bufio"
	"context"
	"crypto/sha256"
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
	type handler = func(w http.ResponseWriter, r *http.Request)
	limited := func(w http.ResponseWriter, r *http.Request) { r.Body = http.MaxBytesReader(w, r.Body, limit) }
	refused := func(w http.ResponseWriter) { http.Error(w, "no", http.StatusBadRequest) }
	room := func() []byte { return make([]byte, 2*limit) }
	of := func(kind string, r *http.Request) *http.Request {
		r.Header.Set("Content-Type", kind)
		return r
	}
	const multipart, form = "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"
	handlers := func(times int, h handler) handler {
		bounded := http.Handler(http.HandlerFunc(h))
		for i := range times {
			bounded = http.MaxBytesHandler(bounded, limit<<i)
		}
		return bounded.ServeHTTP
	}
	shapes := map[string]handler{
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
		"all, scanned in passing": func(w http.ResponseWriter, r *http.Request) {
			for lines := bufio.NewScanner(http.MaxBytesReader(w, r.Body, limit)); lines.Scan(); {
			}
			refused(w)
		},
		"all, a sum of it taken in passing": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(io.TeeReader(http.MaxBytesReader(w, r.Body, limit), sha256.New()))
			refused(w)
		},
		"a part, a sum of it taken in passing": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(io.TeeReader(io.LimitReader(http.MaxBytesReader(w, r.Body, limit), 10), sha256.New()))
			refused(w)
		},
		"a part, buffered in passing": func(w http.ResponseWriter, r *http.Request) {
			_, _ = bufio.NewReader(io.LimitReader(http.MaxBytesReader(w, r.Body, limit), 10)).ReadString('\n')
			refused(w)
		},
		"a form": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_ = of(form, r).ParseForm()
			refused(w)
		},
		"a form with files": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			_ = of(multipart, r).ParseMultipartForm(limit)
			refused(w)
		},
		"a form with files, on a copy": func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, nil))
			limited(w, r)
			_ = of(multipart, r).ParseMultipartForm(limit)
			refused(w)
		},
		"handler, a form": handlers(1, func(w http.ResponseWriter, r *http.Request) {
			_ = of(form, r).ParseForm()
			refused(w)
		}),
		"handler, a form with files": handlers(1, func(w http.ResponseWriter, r *http.Request) {
			_ = of(multipart, r).ParseMultipartForm(limit)
			refused(w)
		}),
		"handler, decoded": handlers(1, func(w http.ResponseWriter, r *http.Request) {
			var v any
			_ = json.NewDecoder(r.Body).Decode(&v)
			refused(w)
		}),
		"handler, scanned": handlers(1, func(w http.ResponseWriter, r *http.Request) {
			for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			}
			refused(w)
		}),
		"handler, a part": handlers(1, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 11)
			refused(w)
		}),
		"two handlers": handlers(2, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			refused(w)
		}),
		"two limits, the outer one is lower": func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, http.MaxBytesReader(w, r.Body, 5*limit), limit)
			_, _ = io.ReadAll(r.Body)
			refused(w)
		},
		"two limits, the inner one is lower": func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, http.MaxBytesReader(w, r.Body, limit), 5*limit)
			_, _ = io.ReadAll(r.Body)
			refused(w)
		},
		"all, and the rest besides": func(w http.ResponseWriter, r *http.Request) {
			bare := r.Body
			limited(w, r)
			_, _ = io.ReadAll(r.Body)
			_, _ = io.Copy(io.Discard, bare)
			refused(w)
		},
		"all, after many small pieces": func(w http.ResponseWriter, r *http.Request) {
			limited(w, r)
			for range 20 {
				_, _ = io.ReadFull(r.Body, room()[:4])
			}
			_, _ = io.ReadAll(r.Body)
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
	}
	// The server takes half a second to close, so there is one for all.
	shape := func(w http.ResponseWriter, r *http.Request) { shapes[r.Header.Get("Shape")](w, r) }
	ours, _ := serve(t, middleware.Options{}, shape)
	without := httptest.NewServer(http.HandlerFunc(shape))
	defer without.Close()
	for name := range shapes {
		for _, size := range []int{5, 100, limit, limit + 1, 10 * limit} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				var closed [2]bool
				for i, s := range []*httptest.Server{without, ours} {
					r := request(t, "POST", s.URL, strings.NewReader(`"`+strings.Repeat("x", size-1)))
					r.Header.Set("Shape", name)
					res, _ := do(t, s.Client(), r)
					closed[i] = res.Close
				}
				if closed[0] != closed[1] {
					t.Errorf("closed: %t, without us %t", closed[1], closed[0])
				}
			})
		}
	}
}

// A body that is read in small pieces of a buffer is not looked after at each of them.
func TestPiecesOfALimitedBody(t *testing.T) {
	wrap, _ := recording(t, middleware.Options{MaxBody: -1})
	const pieces = 5000
	f, room := newFixture("POST", 4*pieces), make([]byte, 8)
	allocations := func(piece []byte) float64 {
		h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			for range pieces {
				// ReadFull is compiled into its caller, for which a walk over the callers allocates.
				if _, err := io.ReadFull(r.Body, piece); err != nil {
					t.Error(err)
				}
			}
		}))
		return testing.AllocsPerRun(3, func() { f.serve(h) })
	}
	if whole, cut := allocations(room[:4:4]), allocations(room[:4]); cut > whole+200 {
		t.Errorf("%g allocations, and %g where the buffer is read into whole", cut, whole)
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
