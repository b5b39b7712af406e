package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// writing starts the process that writes meanwhile, and returns what ends it.
func writing(ctx context.Context, c *config) (func() error, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-role", writerRole, "-dir", c.journalDir, "-rate", strconv.Itoa(c.rate))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		_ = in.Close()
		return cmd.Wait()
	}, nil
}

// ask measures what people ask.
func ask(ctx context.Context, c *config, t *table, k *known) (err error) {
	reader, err := journalsink.OpenReader(c.journalDir, nil)
	if err != nil {
		return err
	}
	began := time.Now()
	total := 0
	for _, err := range reader.Rows(ctx, journalsink.ScanOptions{}) {
		if err != nil {
			return err
		}
		total++
	}
	if total != k.total {
		return fmt.Errorf("%d entries found, %d written", total, k.total)
	}
	t.line("all counted by their columns", "%v", round(time.Since(began)))

	stop, err := writing(ctx, c)
	if err != nil {
		return err
	}
	stopped := false
	end := func() error {
		if stopped {
			return nil
		}
		stopped = true
		return stop()
	}
	defer func() { err = errors.Join(err, end()) }()
	time.Sleep(2 * time.Second) // so that there is an open file
	t.head(fmt.Sprintf("reading, while another process writes %d/s", c.rate))

	if err := openTimes(ctx, c, t, k); err != nil {
		return err
	}
	src, err := journalquery.Open(c.journalDir, nil)
	if err != nil {
		return err
	}
	if err := lookups(ctx, c, t, k, reader, src); err != nil {
		return err
	}
	if err := cold(ctx, c, t, k, reader); err != nil {
		return err
	}
	if err := end(); err != nil { // what it writes has a time of now, and is not counted on
		return err
	}
	return filters(ctx, t, k, src)
}

// openTimes measures the first look-up of a new reader, and the opening of a writer.
func openTimes(ctx context.Context, c *config, t *table, k *known) error {
	first, err := each(5, func(i int) error {
		r, err := journalsink.OpenReader(c.journalDir, nil)
		if err != nil {
			return err
		}
		return lookup(ctx, r, k, k.ids[i*7%len(k.ids)])
	})
	if err != nil {
		return err
	}
	t.line("open a reader, first look-up (page cache warm)", "%v", first)
	var js []*journalsink.Journal
	opened, err := each(3, func(int) error {
		j, err := journalsink.Open(c.journalDir, &journalsink.Options{Name: "third", MaxBytes: -1, MinFree: -1})
		if err == nil {
			js = append(js, j)
		}
		return err
	})
	for _, j := range js {
		err = errors.Join(err, j.Close(ctx))
	}
	t.line("open a journal for writing", "%v", opened)
	return err
}

func lookup(ctx context.Context, r *journalsink.Reader, k *known, id txid.ID) error {
	n := 0
	for _, err := range r.Lookup(ctx, string(id)) {
		if err != nil {
			return err
		}
		n++
	}
	if want := k.count[id]; n != want {
		return fmt.Errorf("%s: %d entries found, %d are there", id, n, want)
	}
	return nil
}

func lookups(ctx context.Context, c *config, t *table, k *known, r *journalsink.Reader, src *journalquery.Source) error {
	rng := rand.New(rand.NewPCG(3, 4))
	pick := func() txid.ID { return k.ids[rng.IntN(len(k.ids))] }
	if err := lookup(ctx, r, k, pick()); err != nil {
		return err
	}
	var memory runtime.MemStats
	before, err := cputime.Process()
	if err != nil {
		return err
	}
	warm, err := each(c.lookups, func(int) error { return lookup(ctx, r, k, pick()) })
	if err != nil {
		return err
	}
	after, err := cputime.Process()
	if err != nil {
		return err
	}
	t.line("look-up by txid, warm", "%v, CPU %v each", warm, round((after-before)/time.Duration(c.lookups)))
	absent, err := each(c.lookups, func(int) error {
		for e, err := range r.Lookup(ctx, fmt.Sprintf("%08x-%04x-7000-8000-%012x", rng.Uint32(), rng.IntN(1<<16), rng.Uint64N(1<<48))) {
			return fmt.Errorf("a txid that nobody made was found: %v, %w", e, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.line("look-up of a txid that is not there", "%v", absent)
	if len(k.long) > 0 {
		n := 0
		long, err := each(min(c.lookups, 200), func(i int) error {
			n = 0
			var from, to time.Time
			for e, err := range r.Lookup(ctx, string(k.long[i%len(k.long)])) {
				if err != nil {
					return err
				}
				if n++; from.IsZero() {
					from = e.Time
				}
				to = e.Time
			}
			if n != 2 || to.Sub(from) < 24*time.Hour {
				return fmt.Errorf("%d entries from %v to %v, want 2 a day apart", n, from, to)
			}
			return nil
		})
		if err != nil {
			return err
		}
		t.line("look-up of a txid on two days", "%v", long)
	}
	thirty, err := each(20, func(i int) error {
		ids := slices.Repeat([]txid.ID{""}, 30)
		for j := range ids {
			ids[j] = k.ids[(i*131+j*17)%len(k.ids)]
		}
		rs, err := src.Gather(ctx, ids)
		if err == nil && len(rs[0].Entries) != k.count[ids[0]] {
			err = fmt.Errorf("%d entries, want %d", len(rs[0].Entries), k.count[ids[0]])
		}
		return err
	})
	if err != nil {
		return err
	}
	t.line("look-up of thirty txids in one pass", "%v", thirty)
	runtime.GC()
	runtime.ReadMemStats(&memory)
	t.line("heap of a reader that knows the folder", "at most %s", bytesOf(int64(memory.HeapAlloc)))
	return nil
}

// cold looks up with an empty page cache, by a reader that knows the folder and by a
// new one.
func cold(ctx context.Context, c *config, t *table, k *known, r *journalsink.Reader) error {
	var known, fresh timings
	for i := range c.cold {
		if err := dropCaches(); err != nil {
			t.line("look-up, page cache empty", "not measured: %v", err)
			return nil
		}
		ts, err := each(1, func(int) error { return lookup(ctx, r, k, k.ids[i*331%len(k.ids)]) })
		if err != nil {
			return err
		}
		known = append(known, ts...)
		if i%2 > 0 {
			continue
		}
		if err := dropCaches(); err != nil {
			return err
		}
		ts, err = each(1, func(int) error {
			r, err := journalsink.OpenReader(c.journalDir, nil)
			if err != nil {
				return err
			}
			return lookup(ctx, r, k, k.ids[i*337%len(k.ids)])
		})
		if err != nil {
			return err
		}
		fresh = append(fresh, ts...)
	}
	t.line("look-up, page cache empty, reader kept", "%v", known)
	t.line("look-up, page cache empty, new reader", "%v", fresh)
	return nil
}

func dropCaches() error { return os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0) }

// api is a line of a status page.
type api struct {
	requests, failed [6]int
	latency          []time.Duration
}

func filters(ctx context.Context, t *table, k *known, src *journalquery.Source) error {
	if k.busy > 0 {
		rows, apis := 0, 0
		cpu, err := cputime.Process()
		if err != nil {
			return err
		}
		const runs = 15
		status, err := each(runs, func(int) error {
			rows = 0
			by := make(map[[2]string]*api)
			for row, err := range src.Rows(ctx, query.Filter{Since: k.end.Add(-busySpan), Until: k.end}) {
				if err != nil {
					return err
				}
				rows++
				key := [2]string{row.Method(), row.Route()}
				a := by[key]
				if a == nil {
					a = &api{}
					by[key] = a
				}
				a.requests[min(5, row.Status()/100)]++
				if row.Failed() {
					a.failed[0]++
				}
				a.latency = append(a.latency, row.Latency())
			}
			for _, a := range by {
				slices.Sort(a.latency)
			}
			apis = len(by)
			return nil
		})
		if err != nil {
			return err
		}
		end, err := cputime.Process()
		if err != nil {
			return err
		}
		if rows < k.busy-k.busy/100 { // the first of them may be a moment too early
			return fmt.Errorf("%d rows in the last five minutes, want %d", rows, k.busy)
		}
		t.line(fmt.Sprintf("status of the last 5 min, %d rows, %d routes", rows, apis), "%v, CPU %v each", status, round((end-cpu)/runs))
	}
	day := query.Filter{Since: k.start.Add(24 * time.Hour), Until: k.start.Add(48 * time.Hour)}
	for _, q := range []struct {
		what string
		add  func(*query.Filter)
	}{
		{"find --failed --user over a day", func(f *query.Filter) { f.Failed, f.User = true, k.user }},
		{"find --status 5xx over a day, newest 30", func(f *query.Filter) { f.Status, f.Limit = []query.StatusRange{{Min: 500, Max: 599}}, 30 }},
		{"find over a day, newest 30", func(f *query.Filter) { f.Limit = 30 }},
		{"find --route /api/pay --min 200ms, newest 30", func(f *query.Filter) { f.Route, f.MinLatency, f.Limit = "/api/pay", 200*time.Millisecond, 30 }},
	} {
		f := day
		q.add(&f)
		matched := 0
		cpu, err := cputime.Process()
		if err != nil {
			return err
		}
		const runs = 3
		ts, err := each(runs, func(int) error {
			r, err := src.Find(ctx, f)
			if err != nil {
				return err
			}
			if matched = r.Matched; matched == 0 && f.User != "" || r.Partial() {
				return fmt.Errorf("%s: %d found, %v", q.what, matched, r.Warnings)
			}
			return nil
		})
		if err != nil {
			return err
		}
		end, err := cputime.Process()
		if err != nil {
			return err
		}
		t.line(q.what, "%v, CPU %v each, %d matched", ts, round((end-cpu)/runs), matched)
	}
	return nil
}

// retain measures how long it takes to halve the folder.
func retain(ctx context.Context, c *config, t *table) error {
	t.head("retention")
	began := time.Now()
	j, err := journalsink.Open(c.journalDir, &journalsink.Options{MaxBytes: folderSize(c.journalDir) / 2, MinFree: -1, OnError: func(error) {}})
	if err != nil {
		return err
	}
	if err := j.Close(ctx); err != nil {
		return err
	}
	s := j.Stats()
	t.line("halve the folder", "%d files, %s in %v", s.Removed, bytesOf(s.RemovedBytes), round(time.Since(began)))
	return nil
}

func folderSize(dir string) int64 {
	items, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	var n int64
	for _, item := range items {
		if st, err := item.Info(); err == nil {
			n += st.Size()
		}
	}
	return n
}
