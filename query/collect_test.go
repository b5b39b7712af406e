package query

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

func sealed(t *testing.T, id string, at time.Duration) *entry.Entry {
	t.Helper()
	e := &entry.Entry{TxID: "txid-of-it", InsertID: id, Time: time.Unix(0, 0).Add(at), Kind: entry.KindServer}
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLookupIsBoundedInBytes(t *testing.T) {
	es := []*entry.Entry{sealed(t, "1", 1), sealed(t, "2", 2), sealed(t, "3", 3)}
	room := len(es[0].Line()) + len(es[1].Line())
	r, err := collectLookup(context.Background(), stream(es), "txid", room)
	if err != nil || len(r.Entries) != 2 || !r.More {
		t.Errorf("%d entries, More %v, %v", len(r.Entries), r.More, err)
	}
	r, err = collectLookup(context.Background(), stream(es), "txid", room+len(es[2].Line()))
	if err != nil || len(r.Entries) != 3 || r.More {
		t.Errorf("%d entries, More %v, %v", len(r.Entries), r.More, err)
	}
}

func TestErrorsInAStreamAreWarnings(t *testing.T) {
	seq := func(yield func(*entry.Entry, error) bool) {
		for range 3 * maxWarnings {
			if !yield(nil, errors.New("a bad block")) {
				return
			}
		}
		yield(sealed(t, "1", 1), nil)
	}
	r, err := Collect(context.Background(), seq, Filter{})
	if err != nil || len(r.Entries) != 1 || !r.Partial() || len(r.Warnings) != maxWarnings || r.Warnings[0].String() != "a bad block" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := CollectLookup(context.Background(), seq, "txid"); err != nil || len(r.Entries) != 1 || !r.Partial() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWarningString(t *testing.T) {
	for _, c := range []struct {
		w    Warning
		want string
	}{
		{Warning{Where: "f", What: "torn"}, "f: torn"},
		{Warning{What: "torn", Err: errors.New("x")}, "torn"},
		{Warning{Where: "f", Err: errors.New("x")}, "f: x"},
		{Warning{}, ""},
	} {
		if got := c.w.String(); got != c.want {
			t.Errorf("%+v says %q", c.w, got)
		}
	}
}
