package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// flying is a journal with its list.
type flying struct {
	dir  string
	list sink.InFlight
}

func newFlying(t testing.TB, opts *journalsink.InFlightOptions) *flying {
	t.Helper()
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	list, err := j.InFlight(opts)
	if errors.Is(err, journalsink.ErrInFlight) {
		t.Skip("SKIPPED: no list of requests in flight on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	return &flying{dir, list}
}

// now returns what would be told if the process died now.
func (f *flying) now(t testing.TB) (told []string) {
	t.Helper()
	r, err := journalsink.OpenReader(f.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := r.InFlight()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		for _, e := range l.Crashed {
			told = append(told, fmt.Sprintf("%s %s %s", e.TxID, e.HTTP.Route, e.Message))
		}
	}
	slices.Sort(told)
	return told
}

func (f *flying) empty(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(f.now(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still listed: %q", f.now(t))
		}
	}
}

// A request is listed while it is served, by its route as soon as that is known.
func TestInFlight(t *testing.T) {
	f := newFlying(t, nil)
	var before, after []string
	s, rec := serve(t, middleware.Options{InFlight: f.list, Skip: middleware.SkipNoise}, func(w http.ResponseWriter, r *http.Request) {
		before = f.now(t)
		middleware.SetRoute(r.Context(), "/orders/{id}")
		after = f.now(t)
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
	})
	r := request(t, "PUT", s.URL+"/orders/4711?token=hunter", strings.NewReader("x"))
	r.Header.Set("X-Transaction-Id", "transaction-1")
	do(t, s.Client(), r)
	f.empty(t)
	want := []string{"transaction-1  PUT /orders/[masked:in-flight]: the process died while serving this"}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want = []string{"transaction-1 /orders/{id} PUT /orders/{id}: the process died while serving this"}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("with its route (-want +got)\n%s", diff)
	}
	rec.one(t)

	if res, err := s.Client().Do(request(t, "GET", s.URL+"/panic", nil)); err == nil {
		res.Body.Close()
		t.Error("the panic was answered")
	}
	f.empty(t)
	if len(before) != 1 {
		t.Errorf("the one that panicked: %q", before)
	}
	do(t, s.Client(), request(t, "GET", s.URL+"/favicon.ico", nil))
	if len(before) != 0 {
		t.Errorf("one that is not recorded was listed: %q", before)
	}
}

// A connection that was taken stays listed until it is closed, one that nobody
// watches until its handler returns; and as what it is, not as its exchange, whose entry
// has been made.
func TestInFlightHijacked(t *testing.T) {
	for _, untouched := range []bool{false, true} {
		t.Run(fmt.Sprintf("untouched %v", untouched), func(t *testing.T) {
			f := newFlying(t, nil)
			taken, leave := make(chan struct{}), make(chan struct{})
			s, _ := serve(t, middleware.Options{InFlight: f.list, Untouched: untouched}, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				close(taken)
				if untouched {
					<-leave
				} else {
					go func() {
						<-leave
						conn.Close()
					}()
				}
			})
			raw(t, s, "GET /chat HTTP/1.1\r\nHost: a\r\nX-Transaction-Id: transaction-1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			<-taken
			want := []string{"transaction-1  GET /chat: the process died with this connection open"}
			if diff := cmp.Diff(want, f.now(t)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			close(leave)
			f.empty(t)
		})
	}
}

// A list that panics disturbs no request.
func TestInFlightPanics(t *testing.T) {
	told := make(chan error, 10)
	s, rec := serve(t, middleware.Options{InFlight: broken{}, OnError: func(err error) { told <- err }}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/route" {
			middleware.SetRoute(r.Context(), "/x")
		}
		_, _ = io.WriteString(w, "fine")
	})
	for _, path := range []string{"/begin", "/route"} {
		r := request(t, "GET", s.URL+path, nil)
		if path == "/begin" {
			r.Header.Set("X-Transaction-Id", "transaction-panic")
		}
		if _, body := do(t, s.Client(), r); body != "fine" {
			t.Errorf("%s: %q", path, body)
		}
	}
	rec.wait(t, 2)
	for range 3 { // Begin, SetRoute, End
		if err := <-told; !strings.Contains(err.Error(), "InFlight panicked") {
			t.Error(err)
		}
	}
}

type broken struct{}

func (b broken) Begin(r sink.InFlightRequest) sink.InFlightSlot {
	if r.ID == "transaction-panic" {
		panic("Begin")
	}
	return b
}
func (broken) SetRoute(string) { panic("SetRoute") }
func (broken) End()            { panic("End") }

// Being listed allocates nothing.
func TestInFlightAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := newFlying(t, nil)
	fixture := newFixture("GET", 0)
	count := func(opts *middleware.Options) float64 {
		q := newQueue(t)
		if err := q.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		wrap, err := middleware.New(q, opts)
		if err != nil {
			t.Fatal(err)
		}
		h := wrap(noContent)
		return testing.AllocsPerRun(500, func() { fixture.serve(h) })
	}
	if with, without := count(&middleware.Options{InFlight: f.list}), count(nil); with > without {
		t.Errorf("%v allocations with a list, %v without", with, without)
	}
	f.empty(t)
}

// Whatever is done to the file, requests are served.
func TestInFlightFileCut(t *testing.T) {
	f := newFlying(t, &journalsink.InFlightOptions{OnDisk: true})
	s, rec := serve(t, middleware.Options{InFlight: f.list}, func(w http.ResponseWriter, r *http.Request) {
		files, _ := filepath.Glob(filepath.Join(f.dir, ".inflight-*"))
		for _, file := range files {
			if err := os.Truncate(file, 0); err != nil {
				t.Error(err)
			}
		}
		middleware.SetRoute(r.Context(), "/x")
	})
	for range 3 {
		if res, _ := do(t, s.Client(), request(t, "GET", s.URL+"/", nil)); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	rec.wait(t, 3)
}

// BenchmarkInFlight is what being listed adds to a GET 204, by the CPU time of the
// thread that serves, in alternation with the same without a list.
func BenchmarkInFlight(b *testing.B) {
	f := newFlying(b, nil)
	fixture := newFixture("GET", 0)
	var handlers [2]http.Handler
	for i, list := range []sink.InFlight{nil, f.list} {
		q := newQueue(b)
		if err := q.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		wrap, err := middleware.New(q, &middleware.Options{InFlight: list})
		if err != nil {
			b.Fatal(err)
		}
		handlers[i] = wrap(noContent)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var spent [2][]time.Duration
	n := 0
	for b.Loop() {
		i := n % 2
		n++
		began := threadCPU()
		for range 1000 {
			fixture.serve(handlers[i])
		}
		spent[i] = append(spent[i], (threadCPU()-began)/1000)
	}
	for i, name := range []string{"without-ns", "with-ns"} {
		if len(spent[i]) > 0 {
			slices.Sort(spent[i])
			b.ReportMetric(float64(spent[i][len(spent[i])/2]), name)
		}
	}
}
