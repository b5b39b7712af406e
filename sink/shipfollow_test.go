package sink_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// followed is a spool from which another process ships: its marks are passed up to a
// number. It counts how often it was asked.
type followed struct {
	*spool
	made, asked, passed atomic.Int64
	cost                time.Duration // of a Mark
	err                 error
}

type followedMark struct {
	f *followed
	n int64
}

func (f *followed) Mark(context.Context, string) (sink.Mark, error) {
	time.Sleep(f.cost)
	n := f.made.Add(1)
	return &followedMark{f, n}, f.err
}

func (m *followedMark) Passed() bool {
	m.f.asked.Add(1)
	return m.n <= m.f.passed.Load()
}

// However many wait, a Ship that stands by looks at the other's progress at a steady pace,
// and asks only for what may have been reached.
func TestFollowPace(t *testing.T) {
	for name, tt := range map[string]struct {
		cost  time.Duration
		err   error
		most  int64 // looks in a second
		marks int64 // that are passed, of each look
	}{
		"none has got on": {most: 55},
		"all get on":      {most: 55, marks: 1},
		"a large folder":  {cost: 10 * time.Millisecond, most: 12},
		"and a huge one":  {cost: time.Second / 4, most: 4},
		"no progress":     {err: errors.New("folder gone"), most: 55},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &followed{spool: newSpool(), cost: tt.cost, err: tt.err}
				f.held["cloud"] = true
				h := newShip(t, f, sink.Discard(), &sink.ShipOptions{Follow: true})
				synctest.Wait()
				var all sync.WaitGroup
				for range 1000 {
					time.Sleep(time.Millisecond)
					f.passed.Store(f.made.Load() * tt.marks)
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						err := h.Flush(ctx)
						switch {
						case tt.marks > 0 && err != nil, tt.marks == 0 && !errors.Is(err, sink.ErrHeld), tt.err != nil && !errors.Is(err, tt.err):
							t.Error(err)
						}
					})
				}
				f.passed.Store(tt.marks << 32)
				made, asked := f.made.Load(), f.asked.Load()
				if made > tt.most || made == 0 {
					t.Errorf("%d looks in a second, want at most %d", made, tt.most)
				}
				if most := 2*made + 2; asked > most { // each look asks for one that is not passed
					t.Errorf("%d marks were asked after %d looks, want at most %d", asked, made, most)
				}
				all.Wait()
				begun := time.Now()
				if err := h.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if d := time.Since(begun); d > 300*time.Millisecond {
					t.Errorf("Close took %s", d)
				}
			})
		})
	}
}
