package query_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

func spanID(n int) txid.SpanID { return txid.SpanID(n) }

// randomEntries makes entries out of bytes: six each, with few enough spans, times
// and services that everything collides.
func randomEntries(data []byte) []*entry.Entry {
	kinds := [...]entry.Kind{
		entry.KindServer, entry.KindClient, entry.KindServer, entry.KindClient,
		entry.KindLog, entry.KindBrowser, entry.KindStream, entry.KindGap, entry.KindCrash, "unknown",
	}
	statuses := [...]int{0, 200, 404, 500, 502, -1}
	errs := [...]string{"", "", "timeout", "refused", "header_timeout", "weird"}
	latencies := [...]time.Duration{0, ms, 100 * ms, -ms, 1<<63 - 1, -1 << 63}
	times := [...]time.Time{t0, t0.Add(ms), t0.Add(50 * ms), t0.Add(-time.Hour), {}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	var es []*entry.Entry
	for i := 0; i+6 <= len(data); i += 6 {
		d := data[i : i+6]
		e := &entry.Entry{
			TxID: "txid-of-the-story", Kind: kinds[int(d[0])%len(kinds)],
			InsertID: fmt.Sprint(i), Span: txid.SpanID(d[1] % 16), Parent: txid.SpanID(d[2] % 16),
			Time: times[int(d[3])%len(times)].Add(time.Duration(d[3]) * time.Microsecond), Latency: latencies[int(d[4])%len(latencies)],
			HTTP:  entry.HTTP{Method: "GET", URL: "http://h/", ServerAddress: "h", Status: statuses[int(d[5])%len(statuses)], ResendCount: int(d[4] % 4)},
			Error: entry.Error{Type: errs[int(d[5]>>3)%len(errs)]},
		}
		if d[1]&0x80 != 0 {
			e.Resource = &entry.Resource{Service: string(rune('a' + d[1]%4))}
		}
		if e.Kind == entry.KindGap && d[2]&0x80 != 0 {
			e.Gap = &entry.Gap{Count: int64(d[5])}
		}
		_ = e.Seal(nil)
		es = append(es, e)
	}
	return es
}

// sane checks what holds for every story.
func sane(t *testing.T, es []*entry.Entry, s *query.Story) {
	t.Helper()
	times := make(map[*entry.Entry]int)
	for i, r := range s.Rows {
		if r.N != i+1 || r.In >= r.N || r.In < 0 {
			t.Fatalf("row %d: N %d, In %d", i, r.N, r.In)
		}
		if depth := 0; r.In > 0 {
			depth = s.Rows[r.In-1].Depth + 1
			if r.Depth != depth {
				t.Fatalf("row %d: depth %d in a row of depth %d", r.N, r.Depth, depth-1)
			}
		} else if r.Depth != 0 {
			t.Fatalf("row %d: depth %d in none", r.N, r.Depth)
		}
		if len(r.Entries()) == 0 || r.Duration < 0 {
			t.Fatalf("row %d: %d entries, %v", r.N, len(r.Entries()), r.Duration)
		}
		for _, e := range r.Entries() {
			times[e]++
		}
		_, _, _ = r.Outcome(), r.Call(), r.Status()
		for _, n := range r.Notes {
			_ = n.Text(query.English) + n.Text(query.Korean)
		}
	}
	for _, e := range es {
		if n := times[e]; n != 1 && (n != 0 || e.Kind != entry.KindCrash) {
			t.Fatalf("%s entry %s is told %d times", e.Kind, e.InsertID, n)
		}
	}
	if s.Duration < 0 {
		t.Fatalf("it took %v", s.Duration)
	}
	v := s.Verdict
	for _, n := range append([]int{v.Root, v.Cause}, v.Retries...) {
		if n != 0 && s.Row(n) == nil {
			t.Fatalf("the verdict names row %d of %d", n, len(s.Rows))
		}
	}
	if s.Sentence(query.English) == "" || s.Sentence(query.Korean) == "" {
		t.Fatalf("no verdict: %+v", v)
	}
}

func FuzzStory(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz0123456789"))
	f.Add([]byte{1, 1, 2, 0, 0, 0, 0, 2, 1, 0, 0, 0})
	f.Add([]byte{1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 4, 1, 1, 3, 4, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 600 {
			return
		}
		es := randomEntries(data)
		s := query.NewStory(es, nil)
		sane(t, es, s)
		slices.Reverse(es)
		if again := query.NewStory(es, nil); told(again) != told(s) || again.Sentence(query.English) != s.Sentence(query.English) {
			t.Fatalf("the order of the entries changes the story:\n%s\n%s", told(s), told(again))
		}
	})
}

func TestRandomStories(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		data := make([]byte, 6*rng.IntN(40))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		es := randomEntries(data)
		sane(t, es, query.NewStory(es, nil))
	}
}

// TestLongStories: a chain, a star and a loop of as many entries as a look-up
// gives. Were the work square in their number, this would take minutes.
func TestLongStories(t *testing.T) {
	const n = query.MaxLookup
	for name, parent := range map[string]func(i int) int{
		"chain":   func(i int) int { return i },
		"star":    func(int) int { return 1 },
		"loop":    func(i int) int { return (i+1)%n + 1 },
		"orphans": func(i int) int { return i + 2*n },
		"same":    func(int) int { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			es := make([]*entry.Entry, n)
			for i := range es {
				var id [8]byte
				binary.BigEndian.PutUint64(id[:], uint64(i))
				es[i] = &entry.Entry{
					Time: t0, TxID: "txid-of-the-story", InsertID: string(id[:]), Kind: entry.KindClient, Span: spanID(i + 1), Parent: spanID(parent(i)),
					HTTP: entry.HTTP{Method: "GET", URL: "http://h/", Status: 500, ResendCount: i % 3},
				}
			}
			s := query.NewStory(es, nil)
			sane(t, es, s)
			if len(s.Rows) != n {
				t.Errorf("%d rows", len(s.Rows))
			}
		})
	}
}
