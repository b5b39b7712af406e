package sink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
	"github.com/txtrail/txtrail/sink"
)

// library lends entries and counts how often each came back.
type library struct {
	mu   sync.Mutex
	back map[*entry.Entry]int
}

func (l *library) Return(e *entry.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back[e]++
	*e = entry.Entry{}
}

// unfinished lends entries without their messages, and can not finish some.
type unfinished struct {
	library
	finished map[*entry.Entry]int
}

func (l *unfinished) Finish(e *entry.Entry) {
	l.finished[e]++ // by one goroutine
	e.Message = "password=hunter2 " + e.Logger
	if e.Logger == "broken" {
		panic("no message")
	}
}

// What a lender has left is filled in once, before the entry is sanitized; a lender that
// panics loses nothing of the others'.
func TestFinish(t *testing.T) {
	l := &unfinished{library{back: map[*entry.Entry]int{}}, map[*entry.Entry]int{}}
	policy, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var told []error
	mem := &faulty{}
	q, err := sink.NewQueue(mem, &sink.QueueOptions{Policy: policy, OnError: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, logger := range []string{"first", "broken", "last"} {
		e := &entry.Entry{TxID: "12345678", Kind: entry.KindLog, Logger: logger}
		e.Lend(l)
		if !q.Enqueue(e) {
			t.Fatal(logger)
		}
	}
	declined := &entry.Entry{Kind: entry.KindLog}
	declined.Lend(l)
	q.Decline(declined)
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range mem.Entries() {
		got = append(got, e.Message)
	}
	want := []string{"password=[masked:password] first", "password=[masked:password] broken", "password=[masked:password] last"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(l.finished) != 3 || l.finished[declined] != 0 {
		t.Errorf("finished %v", l.finished)
	}
	if len(told) != 1 || !strings.Contains(told[0].Error(), "Finish") {
		t.Errorf("told %v", told)
	}
}

// Lent entries go back once, and not before the sink is done with them: when they were
// written, refused, dropped, declined or left.
func TestRelease(t *testing.T) {
	refused := sink.Permanent(errors.New("no"))
	var again sync.Once
	f := &faulty{}
	f.fault = func(_ context.Context, _ int, batch []*entry.Entry) error {
		partial := &sink.PartialError{}
		for i, e := range batch {
			if e.Kind == entry.KindGap {
				continue
			}
			if e.TxID == "" || len(e.Line()) == 0 {
				return errors.New("the entry went back before it was written")
			}
			switch e.Message {
			case "refused":
				partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: refused})
			case "later":
				again.Do(func() {
					partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: errors.New("later")})
				})
			}
		}
		if len(partial.Failed) > 0 {
			return partial
		}
		return nil
	}
	q, err := sink.NewQueue(f, &sink.QueueOptions{OnError: func(error) {}, RetryMin: 1, RetryMax: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := &library{back: map[*entry.Entry]int{}}
	lent := func(message string) *entry.Entry {
		e := &entry.Entry{TxID: "12345678", Kind: entry.KindLog, Message: message}
		e.Lend(l)
		l.mu.Lock()
		l.back[e] = 0
		l.mu.Unlock()
		return e
	}
	for i := range 100 {
		for _, m := range []string{"written", "refused", "later"} {
			if !q.Enqueue(lent(m)) {
				t.Fatal(i, m)
			}
		}
		q.Decline(lent("declined"))
	}
	if err := q.Flush(context.Background()); err == nil {
		t.Error("nothing was refused")
	}
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if q.Enqueue(lent("closed")) {
		t.Error("a closed queue takes entries")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	times := map[int]int{}
	for _, n := range l.back {
		times[n]++
	}
	if got, want := fmt.Sprint(times), "map[1:401]"; got != want {
		t.Errorf("how many came back how often: %s, want %s", got, want)
	}
}
