package sink_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func stored(s interface{ Entries() []*entry.Entry }) []string {
	var ids []string
	for _, e := range s.Entries() {
		ids = append(ids, e.InsertID)
	}
	return ids
}

func idsOf(from, n int) []string {
	var ids []string
	for _, e := range sinktest.Samples(from, n) {
		ids = append(ids, e.InsertID)
	}
	return ids
}

// TestFanoutResendsOnlyWhatLacks: what one sink has accepted or refused does not
// reach it again when it is written again for the sake of another.
func TestFanoutResendsOnlyWhatLacks(t *testing.T) {
	a := &faulty{}
	b := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
		switch n {
		case 0:
			return sink.Retryable(errors.New("busy"), 3*time.Second)
		case 1:
			return &sink.PartialError{Failed: []sink.Failure{{Index: 2, Err: errors.New("busy")}}}
		}
		return nil
	}}
	c := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
		if n == 0 {
			return &sink.PartialError{Failed: []sink.Failure{{Index: 1, Err: sink.Permanent(errors.New("bad row"))}}}
		}
		return nil
	}}
	f := sink.Fanout(a, b, c)
	batch := sinktest.Samples(0, 3)

	err := f.Write(t.Context(), batch)
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 3 || sink.IsPermanent(err) {
		t.Fatalf("first Write = %v, want that all three are tried again", err)
	}
	if after, ok := sink.RetryAfter(err); !ok || after != 3*time.Second {
		t.Errorf("RetryAfter = %s, %v; want what the one sink asked for", after, ok)
	}
	err = f.Write(t.Context(), batch)
	if !errors.As(err, &partial) || len(partial.Failed) != 2 {
		t.Fatalf("second Write = %v", err)
	}
	if got := partial.Failed[0]; got.Index != 1 || !sink.IsPermanent(got.Err) {
		t.Errorf("entry 1, refused by one sink and taken by the others at last: %v", got)
	}
	if got := partial.Failed[1]; got.Index != 2 || sink.IsPermanent(got.Err) {
		t.Errorf("entry 2, still wanted by one sink: %v", got)
	}
	if err = f.Write(t.Context(), batch[2:]); err != nil {
		t.Fatalf("third Write = %v", err)
	}
	ids := idsOf(0, 3)
	for name, tt := range map[string]struct {
		s     *faulty
		want  []string
		tries int
	}{"a": {a, ids, 1}, "b": {b, ids, 3}, "c": {c, []string{ids[0], ids[2]}, 1}} {
		if got := stored(tt.s); !slices.Equal(got, tt.want) {
			t.Errorf("%s holds %v, want %v", name, got, tt.want)
		}
		if n := len(tt.s.tried()); n != tt.tries {
			t.Errorf("%s was written to %d times, want %d", name, n, tt.tries)
		}
	}
	// Nothing is remembered of what is done.
	if err := f.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(a)); n != 6 {
		t.Errorf("written once more, a holds %d, want 6", n)
	}
}

// TestFanoutGoesOn: a sink that is down holds the others up for a while, not for
// ever, and is taken back when it works again.
func TestFanoutGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		back := begin.Add(5 * time.Minute)
		good := &sinktest.Memory{}
		flaky := &faulty{fault: func(context.Context, int, []*entry.Entry) error {
			if time.Now().Before(back) {
				return errors.New("connection refused")
			}
			return nil
		}}
		log := &errorLog{}
		q := newQueue(t, sink.Fanout(flaky, good), &sink.QueueOptions{OnError: log.add})
		const n = 3600
		var worst time.Duration
		for i := range n {
			q.Enqueue(logEntry(i))
			time.Sleep(100 * time.Millisecond)
			if es := good.Entries(); len(es) > 0 {
				worst = max(worst, time.Since(es[len(es)-1].Time))
			}
		}
		mustClose(t, q)
		if got := len(loggers(good.Entries())); got != n {
			t.Errorf("the good sink holds %d of %d", got, n)
		}
		if worst > 30*time.Second {
			t.Errorf("the good sink got nothing new for %s", worst)
		}
		s := q.Stats()
		if err := balance(s); err != nil {
			t.Error(err)
		}
		lacks := int64(n - len(loggers(flaky.Entries())))
		if s.Dropped[sink.DropSinkDown] != lacks || s.Delivered != n-lacks || lacks == 0 {
			t.Errorf("the flaky sink lacks %d; Stats = %+v", lacks, s)
		}
		// It is tried at least every 30 s, so it is soon back.
		first := flaky.Entries()[0]
		if d := first.Time.Sub(back); d > 31*time.Second {
			t.Errorf("the flaky sink was taken back %s after it worked", d)
		}
		if got := log.drops()[sink.DropSinkDown]; got != lacks {
			t.Errorf("OnError was told of %d, want %d", got, lacks)
		}
		for _, e := range flaky.Entries() {
			if e.Kind == entry.KindGap && e.Gap.Reason == sink.DropSinkDown {
				return
			}
		}
		t.Error("the flaky sink has no gap entry for what it lacks")
	})
}

// TestFanoutHangingSink: one that answers nothing delays the others by a bounded
// time too.
func TestFanoutHangingSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := &sinktest.Memory{}
		hangs := &faulty{fault: func(ctx context.Context, _ int, _ []*entry.Entry) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		q := newQueue(t, sink.Fanout(hangs, good), &sink.QueueOptions{OnError: func(error) {}})
		var worst time.Duration
		last := time.Now()
		for i := range 600 {
			before := len(good.Entries())
			q.Enqueue(logEntry(i))
			time.Sleep(time.Second)
			if len(good.Entries()) > before {
				last = time.Now()
			}
			worst = max(worst, time.Since(last))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_ = q.Close(ctx)
		if worst > 65*time.Second {
			t.Errorf("the good sink got nothing new for %s", worst)
		}
		if n := len(loggers(good.Entries())); n < 590 {
			t.Errorf("the good sink holds %d of 600", n)
		}
	})
}

func TestFanoutPanicAndClose(t *testing.T) {
	good, other := &sinktest.Memory{}, &closing{err: errors.New("disk on fire")}
	bad := &faulty{fault: func(context.Context, int, []*entry.Entry) error { panic("broken") }}
	f := sink.Fanout(bad, other, good)
	err := f.Write(t.Context(), sinktest.Samples(0, 2))
	var p *sink.PanicError
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 2 || !sink.IsPermanent(err) || !errors.As(partial.Failed[0].Err, &p) {
		t.Errorf("Write = %v, want both refused by the panic", err)
	}
	if n := len(good.Entries()); n != 2 {
		t.Errorf("the good sink holds %d, want 2", n)
	}
	if err := f.Close(t.Context()); err == nil || !good.Closed() || !bad.Closed() {
		t.Errorf("Close = %v; closed: %v, %v", err, good.Closed(), bad.Closed())
	}
}

func TestFilter(t *testing.T) {
	f := &faulty{fault: func(_ context.Context, n int, _ []*entry.Entry) error {
		switch n {
		case 0:
			return &sink.PartialError{Failed: []sink.Failure{{Index: 1, Err: errors.New("busy")}}}
		case 1:
			return sink.Retryable(errors.New("busy"), time.Second)
		}
		return nil
	}}
	// Keeps the odd ones; 5 makes it panic.
	s := sink.Filter(f, func(e *entry.Entry) bool {
		i, err := strconv.Atoi(e.InsertID[len("sinktest"):])
		if err != nil {
			t.Error(err)
		}
		if i == 5 {
			panic("cannot tell")
		}
		return i%2 == 1
	})
	batch := sinktest.Samples(0, 8) // keeps 1, 3, 7
	failed := func(err error) map[int]bool {
		var p *sink.PartialError
		if !errors.As(err, &p) {
			t.Fatalf("Write = %v, want a PartialError", err)
		}
		m := map[int]bool{}
		for _, fl := range p.Failed {
			m[fl.Index] = sink.IsPermanent(fl.Err)
		}
		return m
	}
	if got := failed(s.Write(t.Context(), batch)); len(got) != 2 || got[3] || !got[5] {
		t.Errorf("failed, and for good: %v; want 3 not, 5 yes", got)
	}
	if got := failed(s.Write(t.Context(), batch)); len(got) != 4 || got[1] || got[3] || got[7] || !got[5] {
		t.Errorf("failed, and for good: %v; want 1, 3, 7 not, 5 yes", got)
	}
	if err := s.Write(t.Context(), sinktest.Samples(10, 1)); err != nil {
		t.Errorf("nothing to keep: %v", err)
	}
	if n := len(f.tried()); n != 2 {
		t.Errorf("the sink was called %d times, want 2: not for a batch of which nothing is kept", n)
	}
	if err := s.Close(t.Context()); err != nil || !f.Closed() {
		t.Errorf("Close = %v, closed %v", err, f.Closed())
	}
}
