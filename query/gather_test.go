package query

import (
	"context"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// One transaction of any size must not crowd the others out without a word.
func TestGatherBounds(t *testing.T) {
	var es []*entry.Entry
	for i, id := range []txid.ID{"txid-aaaa", "txid-aaaa", "txid-bbbb", "txid-cccc"} {
		e := &entry.Entry{TxID: id, InsertID: string(rune('a' + i)), Message: "m"}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	room := len(es[0].Line()) + len(es[1].Line()) + len(es[2].Line())
	rs, err := collectGather(context.Background(), stream(es), []txid.ID{"txid-aaaa", "txid-bbbb", "txid-cccc"}, room)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 1, 0} {
		if r := rs[i]; len(r.Entries) != want || r.Matched != want || r.More != (want == 0) {
			t.Errorf("%d: %+v, want %d entries", i, r, want)
		}
	}
}
