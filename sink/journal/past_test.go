package journalsink

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// What is stored comes in order of time, whichever files it is in, and what is written
// from the call on follows; nothing is missing, and nothing comes twice.
func TestTailSince(t *testing.T) {
	for name, end := range map[string]struct{ closed, merged bool }{"open": {}, "closed meanwhile": {closed: true}, "merged meanwhile": {merged: true}} {
		t.Run(name, func(t *testing.T) { tailSince(t, end.closed, end.merged) })
	}
}

func tailSince(t *testing.T, closed, merged bool) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	files := make([][]*entry.Entry, 5)
	var late []*entry.Entry
	var want, follows []string
	for i, e := range makeBatch(t, 0, 5000, 20) {
		n := rng.IntN(len(files))
		switch {
		case i%10 == 9 && i >= 100: // old, and written last
			late = append(late, e)
			follows = append(follows, e.InsertID)
			continue
		case i%100 == 3: // written twice
			files[(n+1)%len(files)] = append(files[(n+1)%len(files)], e)
		}
		files[n] = append(files[n], e)
		if i >= 100 {
			want = append(want, e.InsertID)
		}
	}
	for _, f := range files { // what takes long is written when it has ended
		for i := range f {
			j := min(i+rng.IntN(30), len(f)-1)
			f[i], f[j] = f[j], f[i]
		}
	}
	putFile(t, dir, newBase("api", testStart, 1, 1), files[0], true)
	putFile(t, dir, newBase("web", testStart.Add(time.Second), 2, 1), files[1], true)
	putFile(t, dir, newBase("web", testStart.Add(2*time.Second), 3, 1), files[2], false)
	small := files[3]
	for i := 0; i < len(small); i += 20 { // many short lives
		putFile(t, dir, newBase("cron", testStart.Add(time.Duration(i)*time.Second), uint32(i), 1), small[i:min(i+20, len(small))], true)
	}
	var j *Journal
	live := newBase("web", testStart.Add(3*time.Second), 4, 1)
	write := func(batch []*entry.Entry) {
		t.Helper()
		if merged { // a journal would merge when it likes
			for _, e := range batch {
				appendTest(t, filepath.Join(dir, live+extOpen), string(appendLine(nil, e.Line())))
			}
		} else if err := j.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if merged {
		putFile(t, dir, live, files[4], false)
	} else {
		j = openTest(t, dir, nil)
		write(files[4])
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seq := readerTest(t, dir).Tail(ctx, TailOptions{Poll: time.Millisecond, Since: testStart.Add(100 * time.Millisecond)})
	third := len(late) / 3
	write(late[:third])
	var got []string
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.InsertID)
		if len(got) == 1500 {
			write(late[third : 2*third])
			if closed {
				if err := j.Close(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if merged {
				before := len(names(t, dir, extClosed))
				stillJournal(t, dir, nil).mergeSmall()
				if n := len(names(t, dir, extClosed)); n > before-40 {
					t.Fatalf("%d files of %d: nothing was merged", n, before)
				}
			}
			putFile(t, dir, newBase("new", testStart, 9, 1), late[2*third:], false)
		}
		if len(got) == len(want)+len(follows) {
			time.AfterFunc(20*time.Millisecond, cancel) // what came twice would come now
		}
	}
	slices.Sort(got[min(len(want), len(got)):])
	if diff := cmp.Diff(slices.Concat(want, follows), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A file that can not be opened while the past is read comes when it can be.
func TestTailSinceTriesAgain(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 10, 1)
	putFile(t, dir, newBase("web", testStart, 1, 1), batch[:5], true)
	putFile(t, dir, newBase("web", testStart, 2, 1), batch[5:], false)
	for _, known := range []bool{false, true} {
		r, o := failingReader(t, dir)
		if known {
			_ = scanIDs(t, r)
		}
		var got []string
		tl := tailer{r: r, dup: newSeen(), at: map[string]*tailed{}, yield: yieldIDs(t, &got), since: testStart}
		if err := tl.begin(false); err != nil {
			t.Fatal(err)
		}
		o.err = syscall.EMFILE
		if !tl.past(t.Context()) || len(got) > 0 {
			t.Fatalf("known %v: it ended, or gave %v", known, got)
		}
		o.err = nil
		for range 3 {
			tl.poll(t.Context())
		}
		if diff := cmp.Diff(insertIDs(batch), got); diff != "" {
			t.Errorf("known %v (-want +got)\n%s", known, diff)
		}
	}
}

// Match is asked of the past alone, and a caller may leave at any point and go on.
func TestTailSinceMatchAndStop(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 40, 1)
	putFile(t, dir, newBase("web", testStart, 1, 1), batch[:20], true)
	putFile(t, dir, newBase("web", testStart, 2, 1), batch[20:30], false)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seq := readerTest(t, dir).Tail(ctx, TailOptions{Poll: time.Millisecond, Since: testStart, Match: func(r *Row) bool {
		return r.Time().Sub(testStart)%(2*time.Millisecond) == 0
	}})
	putFile(t, dir, newBase("web", testStart, 3, 1), batch[30:], false)
	var want, got []string
	for i, e := range batch {
		if i%2 == 0 || i >= 30 {
			want = append(want, e.InsertID)
		}
	}
	for range want {
		for e, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.InsertID)
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBatch(t *testing.T) {
	for name, c := range map[string]struct {
		times []int64
		ends  []int64
		rows  []int
	}{
		"none":                {nil, []int64{math.MaxInt64}, []int{0}},
		"few":                 {[]int64{1, 2}, []int64{math.MaxInt64}, []int{2}},
		"a batch":             {[]int64{1, 2, 3}, []int64{math.MaxInt64}, []int{3}},
		"one more":            {[]int64{1, 2, 3, 4}, []int64{4, math.MaxInt64}, []int{3, 1}},
		"not within a time":   {[]int64{1, 2, 3, 3, 4}, []int64{3, math.MaxInt64}, []int{2, 3}},
		"many of one time":    {[]int64{1, 2, 2, 2, 2, 3}, []int64{2, 3, math.MaxInt64}, []int{1, 4, 1}},
		"all of one":          {[]int64{2, 2, 2, 2}, []int64{math.MaxInt64}, []int{4}},
		"the end of time":     {[]int64{1, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}, []int64{math.MaxInt64}, []int{1}},
		"the beginning of it": {[]int64{math.MinInt64, 0, 1, 2}, []int64{2, math.MaxInt64}, []int{3, 1}},
	} {
		var ends []int64
		var rows []int
		for times := c.times; ; {
			until, n := batch(times, 3)
			ends, rows, times = append(ends, until), append(rows, n), times[n:]
			if until == math.MaxInt64 {
				break
			}
		}
		if diff := cmp.Diff(c.ends, ends) + cmp.Diff(c.rows, rows); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
