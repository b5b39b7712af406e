package sink_test

import (
	"context"
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// overloadFor is short so that the plain test run stays short. It is the bubble's time,
// which runs as fast as the machine can.
var overloadFor = flag.Duration("overload", 20*time.Second, "how long TestOverload lasts")

// throttled is a disk that takes a number of bytes a second, and keeps the sum of what
// it was told of.
type throttled struct {
	rate                  int // bytes a second
	bytes, entries        atomic.Int64
	gaps, lost, lostBytes atomic.Int64
}

func (d *throttled) Write(ctx context.Context, batch []*entry.Entry) error {
	n := 0
	for _, e := range batch {
		n += len(e.Line())
	}
	select {
	case <-time.After(time.Duration(n) * time.Second / time.Duration(d.rate)):
	case <-ctx.Done():
		return ctx.Err()
	}
	d.bytes.Add(int64(n))
	for _, e := range batch {
		if e.Kind != entry.KindGap {
			d.entries.Add(1)
			continue
		}
		d.gaps.Add(1)
		d.lost.Add(e.Gap.Count)
		d.lostBytes.Add(e.Gap.Bytes)
	}
	return nil
}

func (*throttled) Close(context.Context) error { return nil }

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Producers make twice what the disk takes. Enqueue does not wait for a moment; the
// memory stays within its bound; each drop is counted, and told of by a gap entry.
func TestOverload(t *testing.T) {
	const (
		maxBytes  = 8 << 20
		rate      = 1 << 20 // of the disk
		producers = 8
		each      = 12500 * time.Microsecond // 640 entries a second, of lines of 3.3 KB
	)
	synctest.Test(t, func(t *testing.T) {
		d := &throttled{rate: rate}
		q := newQueue(t, d, &sink.QueueOptions{MaxBytes: maxBytes, OnError: func(error) {}})
		before := heap()
		var waited atomic.Int64 // times that the clock moved within an Enqueue
		var made, taken atomic.Int64
		begin := time.Now()
		var wg sync.WaitGroup
		for range producers {
			wg.Go(func() {
				for time.Since(begin) < *overloadFor {
					e := exchange(q)
					at := time.Now()
					if q.Enqueue(e) {
						taken.Add(1)
					}
					if time.Since(at) != 0 {
						waited.Add(1)
					}
					made.Add(1)
					time.Sleep(each)
				}
			})
		}
		var most, mostHeap int64
		wg.Go(func() {
			for i := 0; time.Since(begin) < *overloadFor; i++ {
				s := q.Stats()
				if err := balance(s); err != nil {
					t.Error(err)
				}
				most = max(most, s.WaitingBytes)
				if i%10 == 9 {
					mostHeap = max(mostHeap, heap()-before)
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		wg.Wait()
		offered := d.bytes.Load() // within the time
		mustClose(t, q)
		s := q.Stats()
		if waited.Load() != 0 || s.Blocked != 0 {
			t.Errorf("Enqueue waited %d times", waited.Load())
		}
		dropped := s.Dropped[sink.DropFull]
		if dropped == 0 || s.DroppedTotal() != dropped || s.Captured != made.Load() || s.Captured-dropped != taken.Load() || balance(s) != nil {
			t.Errorf("made %d, taken %d, Stats = %+v, %v", made.Load(), taken.Load(), s, balance(s))
		}
		if d.entries.Load() != s.Delivered || s.Delivered != taken.Load() {
			t.Errorf("the disk has %d entries, %d were delivered, %d taken", d.entries.Load(), s.Delivered, taken.Load())
		}
		if d.lost.Load() != dropped || s.GapsLost != 0 || d.gaps.Load() != s.Gaps {
			t.Errorf("%d dropped; %d gap entries tell of %d; Stats = %+v", dropped, d.gaps.Load(), d.lost.Load(), s)
		}
		// What the worker holds beside: a batch's lines and contents, and spare buffers.
		if most > maxBytes || mostHeap > 2*maxBytes {
			t.Errorf("%d bytes waiting, %d of heap, of %d allowed", most, mostHeap, maxBytes)
		}
		t.Logf("%s: %d entries made, %d delivered, %d dropped and told of by %d gap entries; at most %.1f MiB waiting, %.1f MiB of heap, of %d; the disk took %.2f MiB/s",
			*overloadFor, made.Load(), s.Delivered, dropped, s.Gaps, float64(most)/(1<<20), float64(mostHeap)/(1<<20), maxBytes>>20,
			float64(offered)/(1<<20)/overloadFor.Seconds())
	})
}
