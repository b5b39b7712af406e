package cloudloggingquery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/sink"
)

// following calls f with what Tail yields until f returns false, or too long.
func following(t *testing.T, w *world, f query.Filter, each func(e *entry.Entry, err error) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	for e, err := range w.src.Tail(ctx, f) {
		if !each(e, err) {
			return
		}
	}
	t.Error("it ended by itself, or did not come")
}

// later does something after a while.
func later(t *testing.T, after time.Duration, do func() error) {
	go func() {
		time.Sleep(after)
		if err := do(); err != nil {
			t.Error(err)
		}
	}()
}

// bulky is a failed request with a body that takes several parts.
func bulky(t testing.TB, i int, change ...func(*entry.Entry)) *entry.Entry {
	return line(t, i, append([]func(*entry.Entry){func(e *entry.Entry) {
		e.Kind, e.HTTP.Status, e.HTTP.Method, e.Latency = entry.KindServer, 503, "POST", time.Minute
		e.Response.Body = entry.Body{Content: append(bytes.Repeat([]byte("0123456789"), 60<<10), "needle"...), Encoding: "utf-8"}
	}}, change...)...)
}

// A filter that lets one part of a split entry through alone shows the entry, whole.
func TestTailSplit(t *testing.T) {
	for name, f := range map[string]query.Filter{
		"failed": {Failed: true}, "status": {Status: []query.StatusRange{{Min: 500, Max: 599}}}, "method": {Methods: []string{"post"}},
		"latency": {MinLatency: time.Second}, "text of the last": {Text: "needle"}, "all": {},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				want := bulky(t, 1)
				began := time.Now()
				later(t, time.Second, func() error { return w.sink.Write(context.Background(), []*entry.Entry{want}) })
				following(t, w, f, func(e *entry.Entry, err error) bool {
					if err != nil {
						t.Error(err)
						return true
					}
					if !bytes.Equal(e.Line(), want.Line()) {
						t.Error("it is not whole")
					}
					if d := time.Since(began); d > 8*time.Second {
						t.Errorf("it came after %v", d)
					}
					return false
				})
			})
		})
	}
}

// Of an entry of which a part was excluded there is what there is, and it is told.
func TestTailLostPart(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		other := openOn(t, &gcltest.Memory{}, clock)
		other.write(t, bulky(t, 1))
		parts := other.srv.Entries()
		later(t, time.Second, func() error {
			w.srv.Put(parts[0], parts[2])
			return nil
		})
		shown, told := 0, ""
		following(t, w, query.Filter{}, func(e *entry.Entry, err error) bool {
			if err != nil {
				told = err.Error()
				return false
			}
			if shown++; !e.Response.Body.Truncated || e.HTTP.Status != 503 {
				t.Errorf("what there is of it: %+v", e.Response.Body.Reason)
			}
			return true
		})
		if !strings.Contains(told, "missing") || shown != 1 {
			t.Errorf("shown %d times, told %q", shown, told)
		}
	})
}

// The service goes away and comes back while somebody follows: what came meanwhile is
// given, also what began long before, and where the first reads fail.
func TestTailRestart(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		lists := 0
		later(t, 10*time.Second, func() error {
			w.srv.SetFault(func(method string, _ int) gcltest.Fault {
				if method == "ListLogEntries" {
					if lists++; lists <= 4 { // one question, which is tried three times, and a part of the next
						return gcltest.Fault{Code: codes.Unavailable}
					}
				}
				return gcltest.Fault{}
			})
			if err := w.srv.Restart(10 * time.Minute); err != nil {
				return err
			}
			stream := []*entry.Entry{line(t, 1, func(e *entry.Entry) { e.Kind, e.Time = entry.KindStream, now.Add(-20*time.Hour) })}
			for w.sink.Write(context.Background(), stream) != nil {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Hour)
			return w.sink.Write(context.Background(), []*entry.Entry{line(t, 2), line(t, 3)})
		})
		w.write(t, line(t, 0))
		got := map[string]int{}
		following(t, w, query.Filter{Since: now.Add(-24 * time.Hour)}, func(e *entry.Entry, err error) bool {
			if err == nil {
				got[e.Message]++
			}
			return got["3"] == 0
		})
		for i := range 4 {
			if n := got[fmt.Sprint(i)]; n != 1 {
				t.Errorf("entry %d came %d times", i, n)
			}
		}
		if lists < 5 {
			t.Errorf("%d reads: the fault was not met", lists)
		}
	})
}

// What will not mend by itself ends it; an address where nobody is does not, and is told.
func TestTailEnds(t *testing.T) {
	for code, ends := range map[codes.Code]bool{codes.PermissionDenied: true, codes.Unauthenticated: true, codes.InvalidArgument: true, codes.Unavailable: false} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: code} })
				told := 0
				for _, err := range w.src.Tail(t.Context(), query.Filter{}) {
					if err == nil || errors.Is(err, fs.ErrPermission) != (code == codes.PermissionDenied || code == codes.Unauthenticated) {
						t.Errorf("%v", err)
					}
					if told++; told == 5 {
						break
					}
				}
				if want := map[bool]int{true: 1, false: 5}[ends]; told != want {
					t.Errorf("told %d times, want %d", told, want)
				}
			})
		})
	}
}

// A session has its time: following goes on, and nobody is bothered with it. What the
// service leaves out is told.
func TestTailSessions(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		later(t, 0, func() error {
			for i := range 5 {
				time.Sleep(50 * time.Minute)
				if err := w.sink.Write(context.Background(), []*entry.Entry{line(t, i)}); err != nil {
					return err
				}
			}
			return nil
		})
		var got []string
		following(t, w, query.Filter{}, func(e *entry.Entry, err error) bool {
			if err != nil {
				t.Error(err)
				return false
			}
			got = append(got, e.Message)
			return len(got) < 5
		})
		if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if n := w.srv.Calls("TailLogEntries"); n != 5 {
			t.Errorf("%d sessions in 250 minutes", n)
		}
		w.srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Suppress: 7} })
		following(t, w, query.Filter{}, func(_ *entry.Entry, err error) bool {
			if err == nil || !strings.Contains(err.Error(), "at least 7 entries") {
				t.Errorf("%v", err)
			}
			return false
		})
	})
}

// A connection that is dead without a word is found out about within a minute, by who
// writes, who reads and who follows.
func TestDeadConnection(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		soon := func(what string, began time.Time) {
			if d := time.Since(began); d > 50*time.Second {
				t.Errorf("%s: %v", what, d)
			}
		}
		w.write(t, line(t, 0))
		if _, err := w.src.Lookup(t.Context(), "read-test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		w.net.Mute()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.sink.Write(ctx, []*entry.Entry{line(t, 1)}); err == nil || sink.IsPermanent(err) {
			t.Errorf("a dead connection: %v", err)
		}
		soon("writing", began)
		w.write(t, line(t, 1))

		began = time.Now()
		r, err := w.src.Lookup(ctx, "read-test")
		if err != nil || len(r.Entries) != 2 {
			t.Errorf("%v, %v", r, err)
		}
		soon("reading", began)

		later(t, time.Minute, func() error {
			w.net.Mute()
			began = time.Now()
			w.srv.Put(w.srv.Entries()...) // somebody else writes: there is something to be told
			return nil
		})
		following(t, w, query.Filter{}, func(_ *entry.Entry, err error) bool {
			soon("following", began)
			return err == nil
		})
	})
}
