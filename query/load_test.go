package query_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

func TestLoadTellsTheGapsAround(t *testing.T) {
	b := querytest.NewBuilder("txid-of-the-story", t0)
	b.Server(b.Service("web"), 0, "GET", "/p", "/p", 200, 0, 10*ms)
	gap := &entry.Entry{
		Time: t0.Add(30 * time.Second), InsertID: "gap", Kind: entry.KindGap, Resource: b.Service("web"),
		Gap: &entry.Gap{Count: 12, Reason: "queue full", From: t0, To: t0.Add(30 * time.Second)},
	}
	if err := gap.Seal(nil); err != nil {
		t.Fatal(err)
	}
	f, err := query.Load(context.Background(), query.Memory(append(b.Entries(), gap)), "txid-of")
	if err != nil || len(f.Stories) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	rows := f.Stories[0].Rows
	if len(rows) != 2 || rows[1].Kind != query.RowGap || rows[1].Notes[0].Text(query.English) != "12 entries lost: queue full" {
		t.Errorf("%+v", rows)
	}
}

func TestLoad(t *testing.T) {
	a := querytest.NewBuilder("story-aa", t0)
	a.Server(a.Service("web"), 0, "GET", "/a", "/a", 200, time.Second, ms)
	b := querytest.NewBuilder("story-ab", t0)
	b.Server(b.Service("web"), 0, "GET", "/b", "/b", 500, 0, ms)
	src := query.Memory(append(a.Entries(), b.Entries()...))
	f, err := query.Load(context.Background(), src, "story-a")
	if err != nil || len(f.Stories) != 2 || f.Stories[0].TxID != "story-ab" {
		t.Errorf("want both, the older first: %+v, %v", f, err)
	}
	if f, err := query.Load(context.Background(), src, "none"); err != nil || len(f.Stories) != 0 || f.Result.Coverage.To.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := query.Load(context.Background(), src, "no such"); !errors.Is(err, query.ErrPrefix) {
		t.Errorf("%v", err)
	}
}

func Example() {
	src := query.Memory(querytest.Sample()) // any Source
	found, err := query.Load(context.Background(), src, "0197a3c2")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range found.Stories {
		fmt.Println(s.Sentence(query.English))
		for _, r := range s.Rows {
			fmt.Printf("%d %-10s %-16s %s\n", r.N, r.From+"→"+r.To, r.Call(), r.Outcome())
		}
	}
	// Output:
	// POST /api/pay failed: web → core POST /v1/charge timed out after 1.5 s waiting for response headers, retry refused
	// 1 →ssr       GET /pay/{id}    200
	// 2 ssr→web    GET /api/cart    200
	// 3 →web       POST /api/pay    502
	// 4 web→core   POST /v1/charge  timeout
	// 5 →web       core is slow, trying again WARNING
	// 6 web→core   POST /v1/charge  refused
}
