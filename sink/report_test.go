package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

func TestReporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Unix(1000, 0)
		var told []string
		r := newReporter(func(err error) { told = append(told, err.Error()) }, func() time.Time { return now })
		want := func(what string, lines ...string) {
			t.Helper()
			if strings.Join(told, "\n") != strings.Join(lines, "\n") {
				t.Errorf("%s: told\n%s\nwant\n%s", what, strings.Join(told, "\n"), strings.Join(lines, "\n"))
			}
			told = nil
		}
		r.report(classWrite, errors.New("a"))
		r.report(classWrite, errors.New("b"))
		r.report(classWrite, errors.New("c"))
		r.report(classDrop, &DropError{Reason: DropFull, Count: 2})
		r.report(classDrop, &DropError{Reason: DropFull, Count: 3})
		r.report(classDrop, &DropError{Reason: DropFull, Count: 4, Err: errors.New("why")})
		want("the first of each class", "a", "sink: 2 entries dropped (queue full)")
		if wait := r.flush(); wait != time.Second {
			t.Errorf("flush says to wait for %s, want 1s", wait)
		}
		want("held")
		now = now.Add(time.Second)
		if wait := r.flush(); wait != 0 {
			t.Errorf("flush says to wait for %s, want 0", wait)
		}
		want("due", "c (the last of 2 such errors)", "sink: 7 entries dropped (queue full): why")
		now = now.Add(-time.Hour) // a clock that jumps back does not silence it
		r.report(classWrite, errors.New("d"))
		want("clock jump", "d")
		r.report(classWrite, errors.New("e"))
		r.finish(t.Context())
		want("at the end", "e")
		r.finish(t.Context())
		want("nothing left")
		r.report(classWrite, errors.New("f"))
		r.report(classWrite, errors.New("g"))
		synctest.Wait()
		want("after the end", "f", "g")
	})
}

// OnError that takes long is called for one error at a time, holds up who reports for a
// moment, and misses nothing.
func TestReporterSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		var told []string
		r := newReporter(func(err error) {
			if running.Add(1) > 1 {
				t.Error("two calls at a time")
			}
			time.Sleep(10 * time.Second)
			told = append(told, err.Error())
			running.Add(-1)
		}, time.Now)
		begun := time.Now()
		var reporters sync.WaitGroup
		for c := range classClose {
			reporters.Go(func() {
				for i := range 5 {
					r.report(c, fmt.Errorf("%d", i))
				}
			})
		}
		reporters.Wait()
		if d := time.Since(begun); d != report.Prompt {
			t.Errorf("reporting took %s", d)
		}
		if wait := r.flush(); wait <= 0 || wait > time.Second {
			t.Errorf("flush says to wait for %s", wait)
		}
		// What is held goes on when OnError returns; also what was reported meanwhile.
		time.Sleep(time.Minute)
		synctest.Wait()
		want := "0\n0\n4 (the last of 4 such errors)\n4 (the last of 4 such errors)"
		if got := strings.Join(told, "\n"); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
		// Close waits a second at most, or a moment when its time is over.
		for _, within := range []time.Duration{time.Hour, 300 * time.Millisecond} {
			r.report(classWrite, errors.New("last"))
			begun = time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), within)
			r.finish(ctx)
			cancel()
			if d, want := time.Since(begun), min(report.LastWord, within+report.Prompt); d != want {
				t.Errorf("finish took %s, want %s", d, want)
			}
		}
		time.Sleep(time.Minute)
	})
}

// TestHeldErrorIsTold: an error held by the rate limit is told when its time
// comes, also if nothing else happens.
func TestHeldErrorIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		q, err := NewQueue(Discard(), &QueueOptions{OnError: func(err error) { told = append(told, err) }})
		if err != nil {
			t.Fatal(err)
		}
		q.report.report(classWrite, errors.New("a"))
		q.report.report(classWrite, errors.New("b"))
		q.nudge()
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if len(told) != 2 {
			t.Errorf("told %v, want both", told)
		}
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestDefaultErrorLog(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	defer slog.SetDefault(before)
	now := time.Unix(1000, 0)
	r := newReporter(nil, func() time.Time { return now })
	for range 100 {
		r.report(classWrite, errors.New("connection refused"))
		now = now.Add(time.Second)
	}
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	if len(lines) != 10 || !strings.Contains(lines[1], "the last of 10") || !strings.Contains(lines[0], "level=WARN") {
		t.Errorf("%d lines in 100 s, want 10:\n%s", len(lines), buf.String())
	}
}
