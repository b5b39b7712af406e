package blackbox

import (
	"testing"
)

func TestAllocations(t *testing.T) {
	table := create(t, 64)
	defer table.Close()
	r := request(1)
	r.Path = "/Api/orders/4711"
	if n := testing.AllocsPerRun(1000, func() {
		s := table.Begin(r)
		s.SetRoute("/api/orders/{id}")
		s.End()
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkSlot is what a request pays for being listed.
func BenchmarkSlot(b *testing.B) {
	table := create(b, DefaultSlots)
	defer table.Close()
	r := request(1)
	r.ID = "019c1b2e-7f00-7abc-8def-0123456789ab"
	r.Path = "/api/orders/4711"
	b.ReportAllocs()
	for b.Loop() {
		table.Begin(r).End()
	}
}

func BenchmarkSlotParallel(b *testing.B) {
	table := create(b, DefaultSlots)
	defer table.Close()
	r := request(1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			table.Begin(r).End()
		}
	})
}
