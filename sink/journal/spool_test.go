package journalsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// errorList collects what OnError is told.
type errorList struct {
	mu   sync.Mutex
	errs []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *errorList) has(target error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.errs, func(err error) bool { return errors.Is(err, target) })
}

func spoolTest(t testing.TB, dir string, opts *SpoolOptions) *Spool {
	t.Helper()
	o := SpoolOptions{CommitEvery: -1}
	if opts != nil {
		o = *opts
	}
	if o.OnError == nil {
		o.OnError = func(err error) { t.Logf("spool: %v", err) }
	}
	if o.fs == nil {
		o.fs = quickFS{}
	}
	s, err := OpenSpool(dir, &o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func attachTest(t testing.TB, s *Spool, name string) *feed {
	t.Helper()
	f, err := s.Attach(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return f.(*feed)
}

// drain takes everything there is, n entries at a time, and commits it.
func drain(t testing.TB, f sink.Feed, n int) []string {
	t.Helper()
	var ids []string
	for {
		b, err := f.Look(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b.Entries == 0 {
			return ids
		}
		got, _ := nextTest(t, f, n)
		ids = append(ids, got...)
		if err := f.Commit(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
}

func nextTest(t testing.TB, f sink.Feed, n int) ([]string, *sink.SpoolBatch) {
	t.Helper()
	b := &sink.SpoolBatch{MaxEntries: n, MaxBytes: 1 << 20}
	if err := f.Next(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	return insertIDs(b.Entries), b
}

func closeTest(t testing.TB, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func writeTest(t testing.TB, j *Journal, from, count int) []string {
	t.Helper()
	batch := makeBatch(t, from, count, 7)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	return insertIDs(batch)
}

// Every entry comes once and in order, in whatever pieces it is taken, while files are
// closed, and over restarts of both sides.
func TestSpoolOrder(t *testing.T) {
	for _, n := range []int{1, 3, 64, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := t.TempDir()
			var want, got []string
			from := 0
			for round := range 4 {
				// Files of different processes are told apart by the second.
				now := testStart.Add(time.Duration(round) * time.Second)
				j := openTest(t, dir, &Options{MaxFileBytes: 20 << 10, Now: func() time.Time { return now }})
				s, err := j.Spool(&SpoolOptions{CommitEvery: time.Duration(1 - n)}) // 0 is the default
				if err != nil {
					t.Fatal(err)
				}
				f := attachTest(t, s, "cloud")
				for range 5 {
					want = append(want, writeTest(t, j, from, 60)...)
					from += 60
					select {
					case <-f.Changed():
					default:
						t.Error("nobody told of the write")
					}
					got = append(got, drain(t, f, n)...)
				}
				want = append(want, writeTest(t, j, from, 10)...) // left for the next round
				from += 10
				if round%2 == 0 {
					if err := j.Close(context.Background()); err != nil {
						t.Fatal(err)
					}
					closeTest(t, f)
				} else {
					closeTest(t, f)
					_ = j.Close(context.Background())
				}
			}
			f := attachTest(t, spoolTest(t, dir, nil), "cloud")
			got = append(got, drain(t, f, n)...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			closeTest(t, f)
			c, err := readCursor(osFS{}, shipPath(dir, shipFolder("cloud"), DefaultName+extCursor))
			if err != nil {
				t.Fatal(err)
			}
			if len(c.At) != 0 || len(c.Done) != 4 {
				t.Errorf("%+v, want four processes done and nothing begun", c)
			}
			// Another sink begins with the oldest.
			other := attachTest(t, spoolTest(t, dir, nil), "archive")
			if diff := cmp.Diff(want, drain(t, other, 100)); diff != "" {
				t.Error(diff)
			}
			closeTest(t, other)
		})
	}
}

// What was returned and not committed comes again, by the part.
func TestSpoolCommit(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 4 << 10})
	want := writeTest(t, j, 0, 50)
	s := spoolTest(t, dir, nil)
	f := attachTest(t, s, "cloud")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	first, _ := nextTest(t, f, 20)
	if err := f.Commit(context.Background(), 7); err != nil {
		t.Fatal(err)
	}
	again, _ := nextTest(t, f, 20)
	if diff := cmp.Diff(want[7:27], again); diff != "" || len(first) != 20 {
		t.Errorf("after 7 of %d: %s", len(first), diff)
	}
	_ = f.lock.Close() // the process dies
	f = attachTest(t, s, "cloud")
	if diff := cmp.Diff(want[7:], drain(t, f, 9)); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
}

// One at a time ships, in this process too; the next one goes on.
func TestSpoolHeld(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	want := writeTest(t, j, 0, 3)
	s := spoolTest(t, dir, nil)
	f := attachTest(t, s, "cloud")
	if _, err := s.Attach(context.Background(), "cloud"); !errors.Is(err, sink.ErrHeld) {
		t.Errorf("%v, want ErrHeld", err)
	}
	other := attachTest(t, s, "another sink") // which is another matter
	closeTest(t, other)
	closeTest(t, f)
	f = attachTest(t, s, "cloud")
	if diff := cmp.Diff(want, drain(t, f, 10)); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
}

// Two processes of one name: who ships takes both's entries, and those of another name
// are another's.
func TestSpoolTwoWriters(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir, nil), openTest(t, dir, nil)
	other := openTest(t, dir, &Options{Name: "other"})
	s, err := a.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, s, "cloud")
	var want []string
	for i := range 10 {
		want = append(want, writeTest(t, a, 100+i, 1)...)
		want = append(want, writeTest(t, b, 200+i, 1)...)
		writeTest(t, other, 300+i, 1)
	}
	got := drain(t, f, 3)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
}

// A cursor that is damaged, foreign, newer, or points to where no line begins costs
// duplicates and no entry, and is told of.
func TestSpoolBadCursor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(c *shipCursor) []byte // what is on the disk instead
		skip   int                        // how many entries do not come again
	}{
		{name: "as it was", skip: 40},
		{name: "gone", damage: func(*shipCursor) []byte { return nil }},
		{name: "empty", damage: func(*shipCursor) []byte { return []byte{} }},
		{name: "garbage", damage: func(*shipCursor) []byte { return []byte("\x00\xff{}") }},
		{name: "a flipped bit", damage: func(c *shipCursor) []byte {
			b, _ := c.encode()
			b[len(b)/2] ^= 4
			return b
		}},
		{name: "newer", damage: func(c *shipCursor) []byte { c.Version = 2; b, _ := c.encode(); return b }},
		{name: "another sink's", damage: func(c *shipCursor) []byte { c.Sink = "x"; b, _ := c.encode(); return b }},
		{name: "beyond the end", damage: func(c *shipCursor) []byte { return moved(c, 1<<40) }},
		{name: "within a line", damage: func(c *shipCursor) []byte { return moved(c, -3) }},
		{name: "negative", damage: func(c *shipCursor) []byte { return moved(c, -1<<40) }},
		{name: "a base of no name", damage: func(c *shipCursor) []byte {
			c.At["../../etc/passwd"] = place{}
			b, _ := c.encode()
			return b
		}},
	} {
		for _, closed := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, closed), func(t *testing.T) {
				dir := t.TempDir()
				j := openTest(t, dir, nil)
				want := writeTest(t, j, 0, 60)
				var told errorList
				s := spoolTest(t, dir, &SpoolOptions{CommitEvery: -1, OnError: told.add})
				f := attachTest(t, s, "cloud")
				if _, err := f.Look(context.Background()); err != nil {
					t.Fatal(err)
				}
				nextTest(t, f, 40)
				if err := f.Commit(context.Background(), 40); err != nil {
					t.Fatal(err)
				}
				closeTest(t, f)
				if closed {
					_ = j.Close(context.Background())
				}
				path := shipPath(dir, shipFolder("cloud"), DefaultName+extCursor)
				if tt.damage != nil {
					c, err := readCursor(osFS{}, path)
					if err != nil {
						t.Fatal(err)
					}
					b := tt.damage(c)
					if b == nil {
						err = os.Remove(path)
					} else {
						err = os.WriteFile(path, b, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				f = attachTest(t, s, "cloud")
				if diff := cmp.Diff(want[tt.skip:], drain(t, f, 7)); diff != "" {
					t.Error(diff)
				}
				closeTest(t, f)
				if silent := tt.damage == nil || tt.name == "gone"; told.has(ErrCursor) == silent {
					t.Errorf("told %v", told.errs)
				}
			})
		}
	}
}

// A link in a cursor's place is not followed, and replaced.
func TestSpoolCursorLink(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	want := writeTest(t, j, 0, 10)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := shipPath(dir, shipFolder("cloud"), DefaultName+extCursor)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Skip("SKIPPED: no links here: ", err)
	}
	var told errorList
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{CommitEvery: -1, OnError: told.add}), "cloud")
	if diff := cmp.Diff(want, drain(t, f, 7)); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
	if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" || !told.has(ErrCursor) {
		t.Errorf("%q, %v, told %v", b, err, told.errs)
	}
	if _, err := readCursor(osFS{}, path); err != nil {
		t.Error(err)
	}
}

// moved moves all places of a cursor by some bytes.
func moved(c *shipCursor, by int64) []byte {
	for base, at := range c.At {
		at.Offset += by
		c.At[base] = at
	}
	b, _ := c.encode()
	return b
}

// A clock that is set back gives a later file the earlier stamp. The order stays that
// of writing, and no file is taken for one that is done.
func TestSpoolClockBack(t *testing.T) {
	dir := t.TempDir()
	var back atomic.Int64 // hours
	j := openTest(t, dir, &Options{MaxFileBytes: 2 << 10, Now: func() time.Time {
		return testStart.Add(-time.Duration(back.Load()) * time.Hour)
	}})
	var want []string
	for i := range 10 {
		back.Store(int64(i))
		want = append(want, writeTest(t, j, i*20, 20)...)
	}
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	var got []string
	for range 100 { // restarts after each batch
		if _, err := f.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
		ids, _ := nextTest(t, f, 7)
		got = append(got, ids...)
		if err := f.Commit(context.Background(), 7); err != nil {
			t.Fatal(err)
		}
		closeTest(t, f)
		f = attachTest(t, spoolTest(t, dir, nil), "cloud")
		if len(ids) == 0 {
			break
		}
	}
	closeTest(t, f)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What retention removes before it was shipped is counted, and a gap entry stands in
// its place: once, also if the process dies before it was delivered.
func TestSpoolRetention(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 4 << 10})
	for i := range 20 {
		writeTest(t, j, 10*i, 10)
	}
	_ = j.Close(context.Background())
	s := spoolTest(t, dir, nil)
	f := attachTest(t, s, "cloud")
	look, err := f.Look(context.Background())
	if err != nil || look.Entries != 200 {
		t.Fatalf("%+v, %v", look, err)
	}
	nextTest(t, f, 30)
	if err := f.Commit(context.Background(), 30); err != nil {
		t.Fatal(err)
	}
	closed := names(t, dir, extClosed)
	slices.Sort(closed)
	for _, name := range closed[:len(closed)-1] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	relook(f) // as if some time had passed
	var first []string
	for range 3 {
		if look, err = f.Look(context.Background()); err != nil || look.Entries != 170 {
			t.Fatalf("%+v, %v", look, err)
		}
		ids, b := nextTest(t, f, 1000)
		if b.Gaps < 2 || b.Lost != int64(170-len(ids)+b.Gaps) {
			t.Fatalf("%+v", b)
		}
		sum := int64(0)
		for _, e := range b.Entries[:b.Gaps] {
			sum += e.Gap.Count
		}
		if sum != b.Lost {
			t.Errorf("the gap entries tell of %d, want %d", sum, b.Lost)
		}
		if diff := cmp.Diff(first, ids); first != nil && diff != "" {
			t.Errorf("other insertIds after a restart: %s", diff)
		}
		first = ids
		_ = f.lock.Close() // the process dies before it is delivered
		f = attachTest(t, s, "cloud")
	}
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	nextTest(t, f, 1000)
	if err := f.Commit(context.Background(), 1000); err != nil {
		t.Fatal(err)
	}
	if ids := drain(t, f, 10); len(ids) > 0 {
		t.Errorf("%v come again", ids)
	}
	closeTest(t, f)
}

// A file that is removed while its last entries are on their way is told of as lost if
// they do not arrive, and not if they do.
func TestSpoolRetentionUnderWay(t *testing.T) {
	for _, tt := range []struct {
		arrived int
		lost    int64
	}{{0, 10}, {4, 6}, {10, 0}} {
		dir := t.TempDir()
		j := openTest(t, dir, nil)
		writeTest(t, j, 0, 10)
		_ = j.Close(context.Background())
		s := spoolTest(t, dir, nil)
		f := attachTest(t, s, "cloud")
		if _, err := f.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
		if ids, _ := nextTest(t, f, 1000); len(ids) != 10 {
			t.Fatalf("%d entries", len(ids))
		}
		for _, name := range names(t, dir, extClosed) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		relook(f) // as if some time had passed
		if look, err := f.Look(context.Background()); err != nil || look.Entries != 0 {
			t.Fatalf("%+v, %v", look, err)
		}
		if err := f.Commit(context.Background(), tt.arrived); err != nil {
			t.Fatal(err)
		}
		closeTest(t, f)
		f = attachTest(t, s, "cloud")
		if look, err := f.Look(context.Background()); err != nil || look.Entries != tt.lost {
			t.Errorf("%d arrived: %+v, %v", tt.arrived, look, err)
		}
		if _, b := nextTest(t, f, 1000); b.Lost != tt.lost || b.Gaps != min(1, int(tt.lost)) {
			t.Errorf("%d arrived: %+v", tt.arrived, b)
		}
		closeTest(t, f)
	}
}

// A damaged line or block costs its entries, which are counted, and no others.
func TestSpoolDamage(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprint(closed), func(t *testing.T) {
			dir := t.TempDir()
			j := openTest(t, dir, nil)
			want := writeTest(t, j, 0, 3000)
			if closed {
				_ = j.Close(context.Background())
			}
			path := filepath.Join(dir, names(t, dir, "")[0])
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/3] ^= 0x40
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			var told errorList
			h, err := sink.NewShip(spoolTest(t, dir, &SpoolOptions{OnError: told.add}), &sinktest.Memory{}, &sink.ShipOptions{Name: "m", OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
			s := h.Stats()
			if s.Delivered+s.Dropped[sink.DropDamaged] != int64(len(want)) || s.Dropped[sink.DropDamaged] == 0 || s.Waiting != 0 {
				t.Errorf("%+v", s)
			}
			if !told.has(ErrLine) && !told.has(ErrBlock) {
				t.Errorf("told %v", told.errs)
			}
		})
	}
}

// Damage with nothing behind it is at the same place for whoever comes after a crash, and
// at another one than what comes later.
func TestSpoolDamagedAt(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	_ = writeTest(t, j, 0, 1)
	path := filepath.Join(dir, names(t, dir, extOpen)[0])
	damage := func() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = f.WriteString("no entry\n")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	s := spoolTest(t, dir, &SpoolOptions{OnError: func(error) {}})
	next := func(f *feed) sink.SpoolBatch {
		t.Helper()
		if _, err := f.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
		b := sink.SpoolBatch{MaxEntries: 10, MaxBytes: 1 << 20}
		if err := f.Next(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	f := attachTest(t, s, "cloud")
	drain(t, f, 10)
	damage()
	first := next(f)
	_ = f.lock.Close() // the process dies
	f = attachTest(t, s, "cloud")
	again := next(f)
	if first.Damaged != 1 || len(first.Entries) != 0 || first.DamagedAt == "" || again.DamagedAt != first.DamagedAt {
		t.Errorf("%+v, then %+v", first, again)
	}
	if err := f.Commit(context.Background(), len(again.Entries)); err != nil {
		t.Fatal(err)
	}
	damage()
	if b := next(f); b.Damaged != 1 || b.DamagedAt == "" || b.DamagedAt == first.DamagedAt {
		t.Errorf("later %+v", b)
	}
	closeTest(t, f)
}

// Dead letters are kept as JSON lines, listed, and sent again by whoever ships.
func TestDeadLetters(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	ids := writeTest(t, j, 0, 10)
	s := spoolTest(t, dir, nil)
	mem := &refusing{refuse: map[string]bool{ids[2]: true, ids[5]: true}}
	h, err := sink.NewShip(s, mem, &sink.ShipOptions{Name: "cloud", OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := h.Stats(); st.DeadLetters != 2 || st.Delivered != 8 || st.Dropped[sink.DropRefused] != 2 {
		t.Errorf("%+v", st)
	}
	files, err := DeadFiles(dir)
	if err != nil || len(files) != 1 || files[0].Sink != "cloud" || files[0].Writer != DefaultName || files[0].Letters != 2 || files[0].Again {
		t.Fatalf("%+v, %v", files, err)
	}
	var dead []string
	for l, err := range files[0].Read() {
		if err != nil {
			t.Fatal(err)
		}
		dead = append(dead, l.Entry.InsertID)
		if !strings.Contains(l.Reason, "not wanted") || l.Time.IsZero() {
			t.Errorf("%+v", l)
		}
	}
	if diff := cmp.Diff([]string{ids[2], ids[5]}, dead); diff != "" {
		t.Error(diff)
	}
	if n, err := Reship(dir, "nobody"); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := Reship(dir, "cloud"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	// The one is taken now, the other still refused.
	delete(mem.refuse, ids[2])
	h, err = sink.NewShip(s, mem, &sink.ShipOptions{Name: "cloud", OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Flush(context.Background()); err == nil {
		t.Error("Flush does not say that an entry was refused")
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := h.Stats(); st.Delivered != 1 || st.DeadLetters != 1 {
		t.Errorf("%+v", st)
	}
	if files, err = DeadFiles(dir); err != nil || len(files) != 1 || files[0].Letters != 1 {
		t.Errorf("%+v, %v", files, err)
	}
	var got []string
	gaps := 0
	for _, e := range mem.Entries() {
		if e.Kind == entry.KindGap {
			if gaps++; !strings.Contains(e.Gap.Reason, filepath.ToSlash(strings.TrimPrefix(files[0].Path, dir+string(filepath.Separator)))) {
				t.Errorf("the gap entry does not say where the dead letters are: %q", e.Gap.Reason)
			}
			continue
		}
		got = append(got, e.InsertID)
	}
	if slices.Sort(got); gaps == 0 {
		t.Error("the sink was not told of what it refused")
	}
	if diff := cmp.Diff(append(slices.Clone(ids[:5]), ids[6:]...), got); diff != "" {
		t.Error(diff)
	}
}

// The dead letters of one sink are bounded: the older half goes, and that is told.
func TestDeadLettersBound(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	ids := writeTest(t, j, 0, 400)
	mem := &refusing{refuse: map[string]bool{}}
	for i, id := range ids {
		mem.refuse[id] = i%10 != 9 // or it would be taken for misconfigured
	}
	var told errorList
	const most = 20 << 10
	s := spoolTest(t, dir, &SpoolOptions{MaxDeadBytes: most, OnError: told.add})
	h, err := sink.NewShip(s, mem, &sink.ShipOptions{Name: "cloud", MaxBatch: 10, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	files, err := DeadFiles(dir)
	if err != nil || len(files) != 1 || files[0].Bytes > most || files[0].Bytes < most/4 {
		t.Fatalf("%+v, %v", files, err)
	}
	last := ""
	for l, err := range files[0].Read() {
		if err != nil {
			t.Fatal(err)
		}
		last = l.Entry.InsertID
	}
	if last != ids[len(ids)-2] || !told.has(ErrDeadLetters) {
		t.Errorf("the last is %s; told %v", last, told.errs)
	}
}

// refusing is a sink that refuses some entries.
type refusing struct {
	sinktest.Memory
	refuse map[string]bool
}

func (*refusing) Close(context.Context) error { return nil }

func (r *refusing) Write(ctx context.Context, batch []*entry.Entry) error {
	var bad sink.PartialError
	var good []*entry.Entry
	for i, e := range batch {
		if r.refuse[e.InsertID] {
			bad.Failed = append(bad.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("not wanted: \"quoted\"\nand so on"))})
		} else {
			good = append(good, e)
		}
	}
	if err := r.Memory.Write(ctx, good); err != nil {
		return err
	}
	if len(bad.Failed) > 0 {
		return &bad
	}
	return nil
}

// Who looks sees what waits, and changes nothing.
func TestShipStates(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{Name: "web", Now: func() time.Time { return testStart }})
	writeTest(t, j, 0, 30)
	s, err := j.Spool(&SpoolOptions{CommitEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, s, "cloud:a/b")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	nextTest(t, f, 20)
	if err := f.Commit(context.Background(), 12); err != nil {
		t.Fatal(err)
	}
	state := func(now time.Time) ShipState {
		t.Helper()
		states, err := ShipStates(context.Background(), dir, now)
		if err != nil || len(states) != 1 {
			t.Fatalf("%+v, %v", states, err)
		}
		return states[0]
	}
	want := ShipState{
		Sink: "cloud:a/b", Writer: "web", Folder: filepath.Join(dir, shipDir, f.folder), Alive: true, Written: testStart,
		Waiting: 18, Oldest: testStart.Add(12 * time.Millisecond),
	}
	got := state(testStart)
	got.Bytes = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
	want.Alive = false
	want.Stale = true
	got = state(testStart.Add(8 * 24 * time.Hour))
	got.Bytes = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(shipPath(dir, f.folder, "web"+extCursor), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := state(testStart); got.Waiting != 30 || !errors.Is(got.Err, ErrCursor) {
		t.Errorf("%+v", got)
	}
	if names, err := Writers(dir); err != nil || len(names) != 1 || names[0] != "web" {
		t.Errorf("%v, %v", names, err)
	}
	if none, err := ShipStates(context.Background(), t.TempDir(), testStart); err != nil || len(none) > 0 {
		t.Errorf("%v, %v", none, err)
	}
	if _, err := ShipStates(context.Background(), filepath.Join(dir, "nowhere"), testStart); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A cursor that is made while files are being merged finds them in the merged one.
func TestSpoolMerged(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 40 {
		j := openTest(t, dir, nil)
		want = append(want, writeTest(t, j, i*3, 3)...)
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s := spoolTest(t, dir, nil)
	f := attachTest(t, s, "cloud")
	if look, err := f.Look(context.Background()); err != nil || look.Entries != int64(len(want)) {
		t.Fatalf("%+v, %v", look, err)
	}
	// As if it had not been there in time.
	if err := os.Remove(shipPath(dir, f.folder, DefaultName+extCursor)); err != nil {
		t.Fatal(err)
	}
	openTest(t, dir, nil)
	waitFor(t, func() bool { return len(names(t, dir, extClosed)) < 40 })
	relook(f)
	got := drain(t, f, 7)
	slices.Sort(got)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Error(diff)
	}
	closeTest(t, f)
	// Nothing of it comes again.
	f = attachTest(t, s, "cloud")
	if got := drain(t, f, 100); len(got) > 0 {
		t.Errorf("again: %v", got)
	}
	closeTest(t, f)
}

// A sink that takes lines gets them as they are, and the head of each entry.
func TestSpoolHeads(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 20, 3)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, spoolTest(t, dir, nil), "cloud")
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := &sink.SpoolBatch{MaxEntries: 100, MaxBytes: 1 << 20, Heads: true}
	if err := f.Next(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if len(b.Entries) != len(batch) {
		t.Fatalf("%d entries", len(b.Entries))
	}
	for i, e := range b.Entries {
		w := batch[i]
		if string(e.Line()) != string(w.Line()) || e.InsertID != w.InsertID || e.TxID != w.TxID || !e.Time.Equal(w.Time) || e.Message != "" {
			t.Errorf("%+v", e)
		}
	}
	closeTest(t, f)
}

// BenchmarkSpool is what one entry of 1.7 KB costs from the journal to a sink that does
// nothing with it.
func BenchmarkSpool(b *testing.B) {
	for _, heads := range []bool{false, true} {
		b.Run(fmt.Sprintf("heads=%v", heads), func(b *testing.B) {
			dir := b.TempDir()
			j := openTest(b, dir, nil)
			for from := 0; from < b.N; from += 500 {
				batch := make([]*entry.Entry, min(500, b.N-from))
				for i := range batch {
					batch[i] = makeEntry(b, fmt.Sprintf("txid-%06d", from+i), from+i, strings.Repeat("GET /items/ 200 ", 100))
				}
				if err := j.Write(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			f := attachTest(b, spoolTest(b, dir, &SpoolOptions{}), "cloud")
			batch := sink.SpoolBatch{MaxEntries: 500, MaxBytes: 1 << 20, Heads: heads}
			b.ResetTimer()
			before := cpuTime()
			for n := 0; n < b.N; {
				if _, err := f.Look(context.Background()); err != nil {
					b.Fatal(err)
				}
				clear(batch.Entries)
				batch.Entries = batch.Entries[:0]
				if err := f.Next(context.Background(), &batch); err != nil {
					b.Fatal(err)
				}
				if err := f.Commit(context.Background(), len(batch.Entries)); err != nil {
					b.Fatal(err)
				}
				n += len(batch.Entries)
			}
			b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
			closeTest(b, f)
		})
	}
}
