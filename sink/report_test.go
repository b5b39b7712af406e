package sink

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReporter(t *testing.T) {
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
	if wait := r.flush(false); wait != time.Second {
		t.Errorf("flush says to wait for %s, want 1s", wait)
	}
	want("held")
	now = now.Add(time.Second)
	if wait := r.flush(false); wait != 0 {
		t.Errorf("flush says to wait for %s, want 0", wait)
	}
	want("due", "c (the last of 2 such errors)", "sink: 7 entries dropped (queue full): why")
	r.report(classWrite, errors.New("d"))
	r.flush(true)
	want("at the end", "d")
	now = now.Add(-time.Hour) // a clock that jumps back does not silence it
	r.report(classWrite, errors.New("e"))
	want("clock jump", "e")
	r.flush(true)
	want("nothing left")
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
