package journalsink

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

var historyRounds = flag.Int("history-rounds", 8, "random histories of a folder")

// history is a folder with writers and sinks, and an account of what each should get.
type history struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	now   time.Time
	files *hookFS
	j     *Journal // merges and removes
	s     *Spool

	alive   []*historyWriter
	rands   uint32
	written int
	entries map[string]string   // insertId to process
	content map[string][]string // insertIds by base, also of merged files
	order   map[string][]string // insertIds by process
	sinks   []*historySink
}

type historyWriter struct {
	rnd uint32
	seq int
}

type historySink struct {
	name    string
	f       *feed
	got     map[string]bool // insertIds
	first   []string        // in the order of their first delivery
	excused map[string]bool // told as lost, or removed before the sink began
	twice   int
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), now: testStart, files: &hookFS{},
		entries: map[string]string{}, content: map[string][]string{}, order: map[string][]string{},
	}
	now := func() time.Time { return h.now }
	h.j = stillJournal(t, h.dir, &Options{Name: "web", MaxFileBytes: 128 << 10, MinFree: -1, Now: now, OnError: func(error) {}})
	h.j.fs = h.files
	h.s = spoolTest(t, h.dir, &SpoolOptions{Name: "web", CommitEvery: -1, Now: now, OnError: func(error) {}})
	for range 3 {
		h.start()
	}
	return h
}

func (h *history) start() {
	h.rands++
	h.alive = append(h.alive, &historyWriter{rnd: h.r.Uint32N(1<<20)<<8 | h.rands&0xff})
}

// write closes a file of a writer.
func (h *history) write() {
	w := h.alive[h.r.IntN(len(h.alive))]
	w.seq++
	process := fmt.Sprintf("process-%08x", w.rnd)
	batch := make([]*entry.Entry, 1+h.r.IntN(3))
	for i := range batch {
		message := strings.Repeat("x", h.r.IntN(50))
		if h.r.IntN(40) == 0 {
			message = noise(h.r, 4<<10) // too large a file to be merged
		}
		batch[i] = makeEntry(h.t, process, h.written, message)
		h.written++
		id := batch[i].InsertID
		h.entries[id] = process
		h.order[process] = append(h.order[process], id)
	}
	h.now = h.now.Add(time.Second)
	base := newBase("web", h.now, w.rnd, w.seq)
	h.content[base] = insertIDs(batch)
	putFile(h.t, h.dir, base, batch, true)
}

// kill ends a writer, and another one starts.
func (h *history) kill() {
	i := h.r.IntN(len(h.alive))
	h.alive = append(h.alive[:i], h.alive[i+1:]...)
	h.start()
}

// merge merges what there is, and perhaps a sink does something in between.
func (h *history) merge() {
	h.j.keep.merged = time.Time{}
	if n := h.r.IntN(4); n > 0 && len(h.sinks) > 0 {
		op := [...]string{"", "rename", "remove", "remove"}[n]
		skip := h.r.IntN(30)
		h.files.before = func(o, path string) {
			if o == op && strings.HasSuffix(path, extClosed) {
				if skip--; skip < 0 || op == "rename" {
					h.files.before = nil
					h.ship()
				}
			}
		}
	}
	h.j.mergeSmall()
	h.files.before = nil
	for _, name := range names(h.t, h.dir, extClosed) {
		base := strings.TrimSuffix(name, extClosed)
		if !isMerged(name) || h.content[base] != nil {
			continue
		}
		origins, _, err := readOrigins(osFS{}, h.dir, base)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, o := range origins {
			h.content[base] = append(h.content[base], h.content[o.base]...)
		}
	}
}

// shrink removes the oldest files, if they are noted for every sink that has begun.
func (h *history) shrink() {
	for _, s := range h.sinks {
		if s.f != nil {
			relook(s.f)
			if _, err := s.f.Look(context.Background()); err != nil { // its sign of life
				h.t.Fatal(err)
			}
		}
		c, err := readCursor(osFS{}, shipPath(h.dir, shipFolder(s.name), "web"+extCursor))
		if err != nil {
			h.t.Fatal(err)
		}
		if h.now.Sub(c.Time) >= cursorLife {
			return
		}
	}
	bases := mustList(h.t, h.j)
	for i := range bases[:h.r.IntN(len(bases)+1)/4] {
		l := &bases[i]
		h.j.remove(l, func() { h.j.noteLost(l, h.j.holds().folders(l.baseName)) })
	}
}

// ship has a sink do something.
func (h *history) ship() {
	if len(h.sinks) == 0 || len(h.sinks) < 4 && h.r.IntN(30) == 0 {
		s := &historySink{name: "sink-" + itoa(len(h.sinks)), got: map[string]bool{}, excused: map[string]bool{}}
		there := map[string]bool{}
		for _, name := range names(h.t, h.dir, extClosed) {
			base := strings.TrimSuffix(name, extClosed)
			for _, id := range h.content[base] {
				there[id] = true
			}
			if isMerged(name) && h.content[base] == nil { // it is being made
				origins, _, _ := readOrigins(osFS{}, h.dir, base)
				for _, o := range origins {
					for _, id := range h.content[o.base] {
						there[id] = true
					}
				}
			}
		}
		for id := range h.entries {
			s.excused[id] = !there[id]
		}
		h.sinks = append(h.sinks, s)
		h.attach(s)
		return
	}
	s := h.sinks[h.r.IntN(len(h.sinks))]
	switch n := h.r.IntN(10); {
	case s.f == nil:
		h.attach(s)
	case n == 0:
		closeTest(h.t, s.f)
		s.f = nil
	case n == 1: // killed
		_ = s.f.lock.Close()
		s.f = nil
	default:
		h.take(s, 1+h.r.IntN(60), h.r.IntN(3) == 0)
	}
}

func (h *history) attach(s *historySink) {
	s.f = attachTest(h.t, h.s, s.name)
}

// take delivers up to n entries, and commits them or a part.
func (h *history) take(s *historySink, n int, part bool) (more bool) {
	relook(s.f)
	if _, err := s.f.Look(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	_, b := nextTest(h.t, s.f, n) // again, too, what was not committed
	if part {
		n = h.r.IntN(len(b.Entries) + 1)
	}
	for i, e := range b.Entries[:min(n, len(b.Entries))] {
		if i < b.Gaps {
			base := strings.TrimPrefix(e.InsertID[:len(e.InsertID)-9], "gap-")
			if h.content[base] == nil {
				h.t.Fatalf("a gap tells of %s", base)
			}
			for _, id := range h.content[base] {
				s.excused[id] = true
			}
			continue
		}
		if s.got[e.InsertID] {
			s.twice++
			continue
		}
		s.got[e.InsertID] = true
		s.first = append(s.first, e.InsertID)
	}
	relook(s.f) // who ships looks between Next and Commit
	if _, err := s.f.Look(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	if err := s.f.Commit(context.Background(), n); err != nil {
		h.t.Fatal(err)
	}
	return len(b.Entries) > 0
}

// end delivers the rest, and compares.
func (h *history) end() (twice int) {
	h.t.Helper()
	for _, s := range h.sinks {
		if s.f == nil {
			h.attach(s)
		}
		for h.take(s, 50, false) {
		}
		closeTest(h.t, s.f)
		at := map[string]int{}
		for _, id := range s.first {
			p := h.entries[id]
			order := h.order[p]
			for ; at[p] < len(order) && order[at[p]] != id; at[p]++ {
				if !s.excused[order[at[p]]] {
					h.t.Errorf("%s: %s comes before %s, or that not at all", s.name, id, order[at[p]])
					return 0
				}
			}
			at[p]++
		}
		missing := 0
		for id := range h.entries {
			if !s.got[id] && !s.excused[id] {
				missing++
			}
		}
		if missing > 0 {
			h.t.Errorf("%s: %d of %d entries neither delivered nor told as lost", s.name, missing, h.written)
		}
		twice += s.twice
	}
	return twice
}

// Whatever writers, sinks, merging and the bounds do, and whenever who ships is killed, stays
// away for weeks or begins: each sink gets every entry, or is told that it is lost, and those
// of one process in their order.
func TestMergeHistories(t *testing.T) {
	var merged, twice, delivered int
	for seed := range uint64(*historyRounds) {
		h := newHistory(t, seed)
		shrinks := seed%2 == 1
		for range 400 {
			switch n := h.r.IntN(100); {
			case n < 50:
				h.write()
			case n < 62:
				h.kill()
			case n < 66:
				h.merge()
			case n < 67:
				h.now = h.now.Add(cursorLife + time.Hour)
			case n < 69 && shrinks:
				h.shrink()
			default:
				h.ship()
			}
		}
		twice += h.end()
		for _, s := range h.sinks {
			delivered += len(s.first)
		}
		merged += int(h.j.Stats().Merged)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if merged < 10**historyRounds {
		t.Errorf("%d files merged in %d rounds: too few to tell", merged, *historyRounds)
	}
	t.Logf("%d files merged, %d entries delivered, %d came twice", merged, delivered, twice)
}
