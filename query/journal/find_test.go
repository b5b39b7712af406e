package journalquery_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// By columns or by lines, in closed files and in the one that is open, the answer is
// that of looking at every entry.
func TestFindByColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	start := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	var all []*entry.Entry
	for i := range 2000 {
		e := &entry.Entry{
			Time: start.Add(time.Duration(rng.IntN(3600)) * time.Second), TxID: txid.ID(fmt.Sprintf("txid-%05d", rng.IntN(400))), InsertID: fmt.Sprintf("i%05d", i),
			Kind:     entry.Kind(pick("server", "client", "log", "gap", "stream")),
			Severity: entry.Severity(rng.IntN(8) * 100), Message: pick("hello", "good bye"), Latency: time.Duration(rng.IntN(3000)) * time.Millisecond,
			HTTP: entry.HTTP{
				Method: pick("GET", "POST", ""), Status: []int{0, 200, 204, 302, 404, 429, 500, 503}[rng.IntN(8)],
				Route: pick("/items/{id}", "/api/pay", ""), URL: pick("/items/17?q=/api", "https://core/api/pay", "/go/https://other/path?x", "?", "/api/pay#top", "https://h"),
			},
			Facts:    entry.Facts{UserID: pick("u1", "u2", "", "김"), Device: pick("iPhone15,2", "SM-S921N", "")},
			Resource: &entry.Resource{Service: pick("web", "core"), ServerUser: pick("", "kim")},
		}
		e.Error.Type = pick("", "", "", "timeout", "connection refused")
		if i%50 == 0 {
			e.Time = time.Time{}
		}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	dir := t.TempDir()
	j, err := journalsink.Open(dir, &journalsink.Options{MaxFileBytes: 100 << 10, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	for b := range slices.Chunk(all, 50) {
		if err := j.Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	memory := query.Memory(all)
	status := func(s string) []query.StatusRange {
		r, err := query.ParseStatus(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for i, f := range []query.Filter{
		{},
		{Failed: true},
		{Failed: true, User: "u1"},
		{User: "김"},
		{Device: "iphone"},
		{ServerUser: "kim"},
		{Services: []string{"core"}},
		{Kinds: []entry.Kind{"log", "gap"}},
		{Methods: []string{"post", ""}},
		{Route: "/api"},
		{Route: "/pa"},
		{Route: "/"},
		{Route: "/items/{id}"},
		{Route: "other"},
		{Status: status("5xx,404")},
		{Status: status("none")},
		{ErrorTypes: []string{"timeout", ""}},
		{MinLatency: 2 * time.Second},
		{Since: start.Add(10 * time.Minute), Until: start.Add(11 * time.Minute)},
		{Text: "BYE", Services: []string{"web"}},
		{Text: "bye", Failed: true, Kinds: []entry.Kind{"server"}, Since: start.Add(30 * time.Minute)},
		{User: "nobody"},
		{TxID: "txid-0001", Failed: true},
	} {
		for _, limit := range []int{0, 1, 7, 100, 1990} {
			f.Limit, f.NewestFirst, f.Brief = limit, limit == 7, limit == 100
			want, err := memory.Find(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := src.Find(context.Background(), f)
			if err != nil {
				t.Fatal(err)
			}
			if got.Matched != want.Matched {
				t.Errorf("filter %d, limit %d: %d matched, want %d", i, limit, got.Matched, want.Matched)
			}
			if diff := cmp.Diff(insertIDs(want.Entries), insertIDs(got.Entries)); diff != "" {
				t.Errorf("filter %d, limit %d (-want +got)\n%.1500s", i, limit, diff)
			}
			rows := 0
			for _, err := range src.Rows(context.Background(), f) {
				if err != nil {
					t.Fatal(err)
				}
				rows++
			}
			if f.TxID == "" && f.Text == "" && rows != want.Matched {
				t.Errorf("filter %d: %d rows, want %d", i, rows, want.Matched)
			}
		}
	}
}

func insertIDs(es []*entry.Entry) (ids []string) {
	for _, e := range es {
		ids = append(ids, e.InsertID)
	}
	return ids
}
