package txid_test

import (
	"math"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/txid"
)

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestMinterForm(t *testing.T) {
	var m txid.Minter // the zero value is ready
	before := time.Now().Truncate(time.Millisecond)
	for range 1000 {
		id := m.New()
		if !uuid7.MatchString(string(id)) || !id.Valid() {
			t.Fatalf("New = %q, not a UUIDv7", id)
		}
		// A thousand mints may run ahead of the clock by as many 1/4096 ms.
		if at, ok := id.Time(); !ok || at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Fatalf("%s has the time %v, %v", id, at, ok)
		}
	}
}

// The IDs of one minter sort in the order of minting, whatever the clock does.
func TestMinterMonotonic(t *testing.T) {
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for name, step := range map[string]func(i int) time.Duration{
		"forward":          func(i int) time.Duration { return time.Duration(i) * time.Microsecond },
		"standing still":   func(int) time.Duration { return 0 },
		"backwards":        func(i int) time.Duration { return -time.Duration(i) * time.Second },
		"set back an hour": func(i int) time.Duration { return time.Duration(i)*time.Millisecond - time.Duration(i/50)*time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			i := 0
			m := txid.NewMinter(func() time.Time { i++; return start.Add(step(i)) })
			prev := m.New()
			for range 10_000 { // more than the 4096 steps of one millisecond
				id := m.New()
				if id <= prev {
					t.Fatalf("%s follows %s", id, prev)
				}
				prev = id
			}
		})
	}
}

func TestMinterConcurrent(t *testing.T) {
	const workers, each = 8, 2000
	fixed := time.Unix(1_790_000_000, 0)
	m := txid.NewMinter(func() time.Time { return fixed })
	ids := make([][]txid.ID, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range each {
				ids[w] = append(ids[w], m.New())
			}
		})
	}
	wg.Wait()
	stamps := map[txid.ID]bool{}
	for _, own := range ids {
		if !slices.IsSorted(own) {
			t.Error("the IDs of one goroutine do not grow")
		}
		for _, id := range own {
			stamps[id[:18]] = true // the 60 bits of time, apart from the random ones
		}
	}
	if len(stamps) != workers*each {
		t.Errorf("%d different stamps of %d IDs", len(stamps), workers*each)
	}
}

func TestMinterOddClocks(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0), time.Unix(0, math.MaxInt64), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		if id := txid.NewMinter(nil).At(at); !uuid7.MatchString(string(id)) {
			t.Errorf("At(%v) = %q", at, id)
		}
	}
}

func TestMinterSpan(t *testing.T) {
	var m txid.Minter
	seen := map[txid.SpanID]bool{}
	for range 1000 {
		s := m.Span()
		if s == 0 || seen[s] {
			t.Fatalf("span %v is zero or was there before", s)
		}
		seen[s] = true
	}
}

func TestMinterAllocs(t *testing.T) {
	var m txid.Minter
	now := time.Now()
	var id txid.ID
	if n := testing.AllocsPerRun(1000, func() { id = m.New() }); n != 1 {
		t.Errorf("New: %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(1000, func() { id = m.At(now) }); n != 1 {
		t.Errorf("At: %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(1000, func() { m.Span() }); n != 0 {
		t.Errorf("Span: %v allocations, want 0", n)
	}
	_ = id
}

func BenchmarkMinterAt(b *testing.B) {
	var m txid.Minter
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		m.At(now)
	}
}

func BenchmarkMinterParallel(b *testing.B) {
	var m txid.Minter
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.New()
		}
	})
}
