package cloudloggingquery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
)

// An entry whose own time the service would not have kept is found by that time.
func TestFindClamped(t *testing.T) {
	w := open(t)
	old := line(t, 1, func(e *entry.Entry) { e.Time = now.Add(-29*24*time.Hour - time.Hour) })
	w.write(t, line(t, 0), old, line(t, 2))
	if le := w.srv.Entries()[1]; !le.Timestamp.AsTime().Equal(now) {
		t.Fatalf("it was not given another time: %s", le.Timestamp.AsTime())
	}
	for name, f := range map[string]query.Filter{
		"around":         {Since: old.Time.Add(-time.Minute), Until: old.Time.Add(time.Minute)},
		"until":          {Until: old.Time.Add(1)},
		"newest first":   {Since: old.Time, Until: old.Time.Add(time.Hour), NewestFirst: true, Limit: 1},
		"of its message": {Text: "1", Until: old.Time.Add(time.Hour)},
	} {
		r, err := w.src.Find(t.Context(), f)
		if err != nil || len(r.Entries) != 1 || r.Entries[0].Message != "1" {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for name, f := range map[string]query.Filter{"before": {Until: old.Time}, "after": {Since: old.Time.Add(1), Until: old.Time.Add(time.Hour)}} {
		if r, err := w.src.Find(t.Context(), f); err != nil || len(r.Entries) != 0 {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

// Answers that are kept are those to the same question, whatever values are in it.
func TestKeepApart(t *testing.T) {
	w := open(t, func(o *cloudloggingquery.Options) { o.Keep = time.Hour })
	w.write(t, line(t, 1, func(e *entry.Entry) { e.Facts.UserID, e.Facts.Device = "a Device:x", "y" }))
	for _, tt := range []struct {
		f    query.Filter
		want int
	}{
		{query.Filter{User: "a", Device: "x Device:y"}, 0},
		{query.Filter{User: "a Device:x", Device: "y"}, 1},
		{query.Filter{Services: []string{"web", "api"}}, 1},
		{query.Filter{Services: []string{"web api"}}, 0},
	} {
		r, err := w.src.Find(t.Context(), tt.f)
		if err != nil || len(r.Entries) != tt.want {
			t.Errorf("%+v: %d entries, want %d, %v", tt.f, len(r.Entries), tt.want, err)
		}
	}
}

// Reads that fail for a moment are tried again; for longer, the answer is that, soon,
// with what to look at; and each try is one of the budget.
func TestUnreachable(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write(t, line(t, 1))
		for name, tt := range map[string]struct {
			fails int
			fault gcltest.Fault
			says  string
			calls int
		}{
			"once": {1, gcltest.Fault{Code: codes.Unavailable}, "", 2},
			// A cut is seen by the call it hits alone.
			"cut":             {2, gcltest.Fault{Cut: true}, "", 3},
			"for good":        {100, gcltest.Fault{Code: codes.Unavailable}, "can not be reached", 3},
			"broken for good": {100, gcltest.Fault{Code: codes.Internal}, "Internal", 3},
			"no answer":       {100, gcltest.Fault{Delay: time.Hour}, "no answer", 1},
			"ten hours' wait": {2, gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: 10 * time.Hour}, "", 3},
		} {
			failed, before, began := 0, w.srv.Calls("ListLogEntries"), time.Now()
			w.srv.SetFault(func(string, int) gcltest.Fault {
				if failed++; failed > tt.fails {
					return gcltest.Fault{}
				}
				return tt.fault
			})
			r, err := w.src.Lookup(t.Context(), "read-test")
			if tt.says == "" && (err != nil || len(r.Entries) != 1) || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%s: %v, %v", name, r, err)
			}
			if n := w.srv.Calls("ListLogEntries") - before; n != tt.calls {
				t.Errorf("%s: %d calls, want %d", name, n, tt.calls)
			}
			if d := time.Since(began); d > 3*time.Minute {
				t.Errorf("%s: after %v", name, d)
			}
		}
	})
	// Nobody there at all.
	src, err := cloudloggingquery.Open(context.Background(), &cloudloggingquery.Options{ProjectID: "shop-test", Endpoint: "127.0.0.1:1", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	began := time.Now()
	if _, err := src.Lookup(t.Context(), "read-test"); err == nil || !strings.Contains(err.Error(), "can not be reached") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%v", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
}

// What is there is asked for where an answer is empty, but not at the cost of answers.
func TestNothingFound(t *testing.T) {
	w := open(t, func(o *cloudloggingquery.Options) { o.Budget = 10 })
	w.write(t, line(t, 1))
	reads := func(i int) int {
		before := w.srv.Calls("ListLogEntries")
		r, err := w.src.Lookup(t.Context(), fmt.Sprintf("nothing-%02d", i))
		if err != nil || len(r.Entries) != 0 || r.Coverage.From.IsZero() {
			t.Errorf("%+v, %v", r, err)
		}
		return w.srv.Calls("ListLogEntries") - before
	}
	for i, want := range []int{3, 3, 1, 1, 1, 1} {
		if n := reads(i); n != want {
			t.Errorf("look-up %d: %d reads, want %d", i, n, want)
		}
	}
}

// Parts of an entry that came in two ways, each cut in its own, are not mixed.
func TestTwoSplittings(t *testing.T) {
	w := open(t)
	want := bulky(t, 1)
	w.write(t, want)
	for i, le := range w.srv.Entries() { // an agent that cuts elsewhere, and whose last line is missing
		other := openOn(t, nil, clock)
		other.srv.Put(le)
		c := other.srv.Entries()[0]
		c.LogName, c.Split.TotalSplits = "projects/shop-test/logs/stdout", c.Split.TotalSplits+1
		c.InsertId = fmt.Sprint("agent", i)
		w.srv.Put(c)
	}
	r, err := w.src.Lookup(t.Context(), "read-test")
	if err != nil || r.Partial() || len(r.Entries) != 1 || string(r.Entries[0].Line()) != string(want.Line()) {
		t.Errorf("%v, %v", r, err)
	}
}

// Pages that change under who reads: an entry that moves to the next page is read twice
// and given once.
func TestPagesChange(t *testing.T) {
	w := open(t)
	var all []*entry.Entry
	for i := range 2500 {
		all = append(all, line(t, i))
	}
	w.write(t, all...)
	w.srv.SetFault(func(method string, n int) gcltest.Fault {
		if method == "ListLogEntries" { // the newest are read first: what comes moves the others
			go func() { w.srv.Put(newer(w, n)) }()
		}
		return gcltest.Fault{Delay: 20 * time.Millisecond}
	})
	r, err := w.src.Find(t.Context(), query.Filter{TxID: "read-test"})
	if err != nil || r.Partial() {
		t.Fatal(r, err)
	}
	got := map[string]int{}
	for _, e := range r.Entries {
		got[e.InsertID]++
	}
	for _, e := range all {
		if got[e.InsertID] != 1 {
			t.Fatalf("%s is there %d times", e.InsertID, got[e.InsertID])
		}
	}
}

func newer(w *world, n int) *gcltest.LogEntry {
	le := proto.CloneOf(w.srv.Entries()[0])
	le.InsertId, le.Timestamp = fmt.Sprint("newer", n), timestamppb.New(now)
	return le
}

// Parts that there were no reads left for are not said to be missing.
func TestPartsBeyondReads(t *testing.T) {
	w := open(t, func(o *cloudloggingquery.Options) { o.MaxReads = 1 })
	w.write(t, bulky(t, 1), bulky(t, 2))
	r, err := w.src.Find(t.Context(), query.Filter{Failed: true})
	if err != nil || len(r.Entries) != 2 || !r.More {
		t.Fatal(r, err)
	}
	told := fmt.Sprint(r.Warnings)
	if !strings.Contains(told, "were not read") || !strings.Contains(told, "stopped after 1 reads") || strings.Contains(told, "excluded") {
		t.Error(told)
	}
	if n := w.srv.Calls("ListLogEntries"); n != 1 {
		t.Errorf("%d reads", n)
	}
}
