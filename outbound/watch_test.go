package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

type rtFunc func(*http.Request) (*http.Response, error)

func (f rtFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// watched returns a transport whose responses' bodies stay open, and its entries.
func watched(t *testing.T) (*Transport, func() []*entry.Entry) {
	t.Helper()
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var es []*entry.Entry
	tr, err := NewTransport(rtFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(strings.NewReader("text"))}, nil
	}), q, &Options{OnEntry: func(_ context.Context, e *entry.Entry) {
		c := *e
		mu.Lock()
		es = append(es, &c)
		mu.Unlock()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	return tr, func() []*entry.Entry {
		mu.Lock()
		defer mu.Unlock()
		return es
	}
}

func open(t *testing.T, ctx context.Context, tr *Transport) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://core/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (w *watch) state() (calls int, timed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := w.first; c != nil; c = c.watched.next {
		calls++
	}
	return calls, w.timed
}

// A body that nobody reads or closes is recorded when its context ends, soon or late.
func TestWatchFindsAbandonedCalls(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, watchAfter + time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			tr, entries := watched(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			open(t, ctx, tr)
			time.Sleep(after)
			why := errors.New("why")
			cancel(why)
			time.Sleep(2 * watchAfter)
			synctest.Wait()
			es := entries()
			if len(es) != 1 || es[0].Error.Type != entry.ErrorCanceled || !es[0].HasFlag(entry.FlagNotRead) || !strings.HasSuffix(es[0].Error.Message, "why") {
				t.Fatalf("after %v: %d entries", after, len(es))
			}
			if lag := es[0].Latency - after; lag < 0 || lag > 2*watchAfter {
				t.Errorf("after %v: latency %v", after, es[0].Latency)
			}
			if n, timed := tr.watch.state(); n != 0 || timed {
				t.Errorf("%d calls, timer %v", n, timed)
			}
		})
	}
}

// The latency of a call that was abandoned at its deadline is the deadline.
func TestWatchKnowsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, entries := watched(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		open(t, ctx, tr)
		time.Sleep(time.Second)
		if es := entries(); len(es) != 1 || es[0].Latency != 10*time.Millisecond || es[0].Error.Type != entry.ErrorBodyTimeout {
			t.Fatalf("%d entries, %+v", len(es), es)
		}
	})
}

// Bodies that are closed leave nothing behind: no AfterFunc, no list, no timer.
func TestWatchForgetsClosedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, entries := watched(t)
		ctx, cancel := context.WithCancel(t.Context())
		var open3 []*http.Response
		for range 3 {
			open3 = append(open3, open(t, ctx, tr))
		}
		_ = open3[1].Body.Close() // the middle of the list
		if n, timed := tr.watch.state(); n != 2 || !timed {
			t.Errorf("%d calls, timer %v", n, timed)
		}
		_ = open3[2].Body.Close() // its beginning
		time.Sleep(3 * watchAfter)
		if n, timed := tr.watch.state(); n != 0 || timed {
			t.Errorf("%d calls, timer %v after a while", n, timed)
		}
		_ = open3[0].Body.Close() // followed by now
		open(t, context.Background(), tr)
		if n, _ := tr.watch.state(); n != 0 {
			t.Error("a context that never ends is watched")
		}
		cancel()
		time.Sleep(3 * watchAfter)
		if es := entries(); len(es) != 3 {
			t.Errorf("%d entries", len(es))
		}
	})
}

// However reading, closing, the ends of contexts and the watch's rounds meet, each call
// makes one entry and nothing is left behind. A third of the bodies nobody closes.
func TestWatchUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // only in a bubble is it known when all is done
		tr, entries := watched(t)
		const goroutines, calls = 8, 99
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				var late []context.CancelFunc
				for i := range calls {
					ctx, cancel := context.WithCancel(context.Background())
					resp := open(t, ctx, tr)
					if i%2 == 0 {
						tr.watch.look() // twice within a call: its context is followed
						tr.watch.look()
					}
					if i%3 == 0 { // left open
						if i%4 < 2 {
							go cancel()
						} else {
							late = append(late, cancel)
						}
						continue
					}
					if i%4 < 2 {
						go cancel()
					}
					if g%2 == 0 {
						_, _ = io.Copy(io.Discard, resp.Body)
					}
					_ = resp.Body.Close()
					cancel()
				}
				tr.watch.look()
				tr.watch.look()
				for _, cancel := range late {
					go cancel()
				}
			})
		}
		wg.Wait()
		tr.watch.look() // those that were opened since the others' last look
		tr.watch.look()
		synctest.Wait()
		if n, _ := tr.watch.state(); n != 0 {
			t.Errorf("%d calls left", n)
		}
		es := entries()
		spans := map[txid.SpanID]bool{}
		abandoned := 0
		for _, e := range es {
			spans[e.Span] = true
			if e.Error.Type == entry.ErrorCanceled && e.HasFlag(entry.FlagNotRead) {
				abandoned++
			}
		}
		const made, left = goroutines * calls, goroutines * calls / 3
		if len(es) != made || len(spans) != made {
			t.Errorf("%d entries of %d calls, want %d", len(es), len(spans), made)
		}
		if abandoned < left { // more where a context ended before its body was closed
			t.Errorf("%d abandoned calls, want %d", abandoned, left)
		}
	})
}
