package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
	"github.com/txtrail/txtrail/entry"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

const (
	days       = 3
	busySpan   = 5 * time.Minute // of the last entries,
	busy       = 150_000         // if there are at least twice as many
	batchSize  = 20
	sampled    = 4096 // txids that are looked up
	maxWaiting = 16   // files not yet compressed, while the journal is filled
)

// known is what the journal must answer.
type known struct {
	ids   []txid.ID
	count map[txid.ID]int
	long  []txid.ID // with entries on two days
	user  string    // who had failures on the day
	start time.Time
	end   time.Time
	total int
	busy  int
	size  int64
}

// costs measures what appending costs, in CPU time of the whole process.
func costs(ctx context.Context, c *config, t *table) error {
	n := min(c.entries, 60_000)
	g := newGenerator(1, time.Now())
	all := routes()
	es := make([]*entry.Entry, n)
	size := 0
	for i := range es {
		es[i] = g.next(g.now.Add(time.Duration(g.rng.IntN(4000))*time.Microsecond), all)
		size += len(es[i].Line())
	}
	t.head(fmt.Sprintf("append, %d entries of %d bytes, batches of %d, median of 5 rounds", n, size/n, batchSize))
	var open, closed, perEntry []float64
	for range 5 {
		for _, compress := range []bool{false, true} {
			cpu, bytes, err := append20(ctx, c, es, compress)
			if err != nil {
				return err
			}
			us := float64(cpu.Nanoseconds()) / 1000 / float64(n)
			if compress {
				closed, perEntry = append(closed, us), append(perEntry, float64(bytes)/float64(n))
			} else {
				open = append(open, us)
			}
		}
	}
	t.line("CPU per entry, not compressed", "%.1f µs", median(open))
	t.line("CPU per entry, compressed and indexed", "%.1f µs, %.0f bytes", median(closed), median(perEntry))
	return nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func append20(ctx context.Context, c *config, es []*entry.Entry, compress bool) (time.Duration, int64, error) {
	dir, err := os.MkdirTemp(c.dir, "txtrail-append-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	opts := &journalsink.Options{MaxBytes: -1, MinFree: -1, OnError: func(error) {}}
	if !compress {
		opts.MaxFileBytes = 1 << 30
	}
	j, err := journalsink.Open(dir, opts)
	if err != nil {
		return 0, 0, err
	}
	start, err := cputime.Process()
	if err != nil {
		return 0, 0, err
	}
	for b := range slices.Chunk(es, batchSize) {
		if err := j.Write(ctx, b); err != nil {
			return 0, 0, err
		}
	}
	if compress {
		if err := j.Close(ctx); err != nil {
			return 0, 0, err
		}
	}
	end, err := cputime.Process()
	if err != nil {
		return 0, 0, err
	}
	if !compress {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_ = j.Close(gone) // it is left as it is
	}
	return end - start, j.Stats().SealedBytes, nil
}

// fill makes the journal.
func fill(ctx context.Context, c *config, t *table) (*known, error) {
	k := &known{total: c.entries, user: "u-on-the-day"}
	k.end = time.Now().UTC()
	k.start = k.end.Add(-days * 24 * time.Hour)
	if c.entries >= 2*busy {
		k.busy = busy
	}
	spread := c.entries - k.busy
	step := k.end.Add(-busySpan).Sub(k.start) / time.Duration(spread)
	g := newGenerator(2, k.start)
	g.sample = max(1, c.entries/5/sampled)
	j, err := journalsink.Open(c.journalDir, &journalsink.Options{
		Name: "web", MaxBytes: -1, MinFree: -1, Now: func() time.Time { return g.now },
	})
	if err != nil {
		return nil, err
	}
	all := routes()
	began := time.Now()
	cpu, err := cputime.Process()
	if err != nil {
		return nil, err
	}
	// Transactions that come back a day later.
	var late []story
	batch := make([]*entry.Entry, 0, batchSize)
	at := k.start
	for n := range c.entries {
		if n < spread {
			at = at.Add(step)
		} else {
			at = at.Add(busySpan / busy)
		}
		var e *entry.Entry
		switch {
		case n%(c.entries/50) == 0 && len(late) < 20:
			g.now = at
			s := g.begin()
			e = g.entry(&s, all[0])
			late = append(late, s)
		case n > c.entries/2 && n%(c.entries/60) == 1 && len(k.long) < len(late):
			g.now = at
			e = g.entry(&late[len(k.long)], all[1])
			k.long = append(k.long, e.TxID)
		case n%(c.entries/97) == 2: // failures of one user, some a day
			g.now = at
			s := g.begin()
			s.facts.UserID = k.user
			g.fail = true
			e = g.entry(&s, all[5])
			g.fail = false
		default:
			e = g.next(at, all)
		}
		if batch = append(batch, e); len(batch) == batchSize || n == c.entries-1 {
			if err := j.Write(ctx, batch); err != nil {
				return nil, err
			}
			batch = batch[:0]
		}
		if n%10_000 == 0 {
			for {
				s := j.Stats()
				if s.Opened-s.Sealed <= maxWaiting {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	if err := j.Close(ctx); err != nil {
		return nil, err
	}
	end, err := cputime.Process()
	if err != nil {
		return nil, err
	}
	for _, id := range g.ids {
		if g.count[id] > 0 {
			k.ids = append(k.ids, id)
		}
	}
	k.count = g.count
	s := j.Stats()
	k.size = s.SealedBytes
	t.head("the journal")
	t.line("entries, plain size", "%d, %s (%d bytes each)", s.Entries, bytesOf(s.Bytes), s.Bytes/s.Entries)
	t.line("closed", "%d files, %s, %.0f bytes an entry", s.Sealed, bytesOf(s.SealedBytes), float64(s.SealedBytes)/float64(s.Entries))
	t.line("time to make it", "%v, CPU %v (%.1f µs an entry, with making it up)", round(time.Since(began)), round(end-cpu),
		float64((end-cpu).Microseconds())/float64(s.Entries))
	return k, nil
}

// writeSteadily writes until it is told to stop by the end of its input.
func writeSteadily(ctx context.Context, dir string, rate int) error {
	j, err := journalsink.Open(dir, &journalsink.Options{Name: "other", MaxBytes: -1, MinFree: -1})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		var b [1]byte
		_, _ = os.Stdin.Read(b[:])
		close(stop)
	}()
	g := newGenerator(uint64(os.Getpid()), time.Now())
	all := routes()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	begun, written := time.Now(), 0
	for {
		select {
		case <-stop:
			return j.Close(ctx)
		case <-ctx.Done():
			return j.Close(context.WithoutCancel(ctx))
		case <-tick.C:
		}
		var batch []*entry.Entry
		for due := int(time.Since(begun).Seconds() * float64(rate)); written < due && len(batch) < 1000; written++ {
			batch = append(batch, g.next(time.Now(), all))
		}
		if err := j.Write(ctx, batch); err != nil {
			return err
		}
	}
}
