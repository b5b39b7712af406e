package sink

import (
	"fmt"
	"testing"
	"time"

	"github.com/txtrail/txtrail/txid"
)

func TestGapBook(t *testing.T) {
	g := newGapBook()
	at := time.Unix(1000, 0)
	for range 2 { // the second time with the memory of the first
		for i := range 200 {
			g.note(reasonFull, txid.ID(fmt.Sprintf("transaction-%d", i%100)), at.Add(time.Duration(i)*time.Second), 10)
		}
		g.note(reasonFull, "", at.Add(-time.Hour), 10)
		g.note(reasonRefused, "transaction-0", at, 1)
		g.note(reasonRefused, "transaction-1", at, 1)
		var count, bytes int64
		named := map[string]bool{}
		for i := range g.records {
			r := &g.records[i]
			count += r.count
			bytes += r.bytes
			key := r.reason.String() + "/" + string(r.id)
			if named[key] {
				t.Errorf("%s stands there twice", key)
			}
			named[key] = true
			if r.from.After(r.to) {
				t.Errorf("%s: from %s to %s", key, r.from, r.to)
			}
		}
		if count != 203 || bytes != 2012 {
			t.Errorf("%d lost, %d bytes; want 203, 2012", count, bytes)
		}
		if len(named) != maxGapIDs+2 {
			t.Errorf("%d records, want %d named and one for the rest of each reason", len(named), maxGapIDs)
		}
		if r := g.records[0]; r.id != "transaction-0" || r.count != 2 || r.to.Sub(r.from) != 100*time.Second {
			t.Errorf("first record %+v", r)
		}
		if e := g.records[0].entry(); e.Message != "2 entries lost: queue full" || e.TxID != "transaction-0" {
			t.Errorf("entry %+v", e)
		}
		g.reset()
	}
}

func TestGapBookIsBounded(t *testing.T) {
	g := newGapBook()
	for i := range 10000 {
		g.note(reason(i%int(numReasons)), txid.ID(fmt.Sprintf("transaction-%d", i)), time.Time{}, 1)
	}
	if n := len(g.records); n > maxGapIDs+int(numReasons) {
		t.Errorf("%d records", n)
	}
}

func TestInsertIDSorts(t *testing.T) {
	p := newIDPrefix()
	last := ""
	for _, n := range []uint64{0, 1, 9, 10, 31, 32, 1 << 20, 1<<20 + 1, 1 << 40, 1<<50 - 1} {
		id := string(p.append(nil, n))
		if len(id) != idLen || id <= last {
			t.Errorf("%d: %q does not follow %q", n, id, last)
		}
		last = id
	}
}
