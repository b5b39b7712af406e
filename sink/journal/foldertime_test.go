package journalsink

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// coarseFolder is a folder on a file system that counts in ticks of its server's clock.
type coarseFolder struct {
	t      *testing.T
	dir    string
	tick   time.Duration
	behind time.Duration // that clock is behind ours
}

// change does something to the folder.
func (c *coarseFolder) change(do func()) {
	c.t.Helper()
	do()
	mod := time.Now().Add(-c.behind).Truncate(c.tick)
	if err := os.Chtimes(c.dir, mod, mod); err != nil {
		c.t.Fatal(err)
	}
}

// Whatever the ticks and the clock of the file system, a reader that stays finds every
// entry that was written before the call, and every list of requests, and a feed every
// entry.
func TestCoarseFolderTimes(t *testing.T) {
	for name, c := range map[string]coarseFolder{
		"fine":                {tick: 10 * time.Millisecond},
		"fine, behind":        {tick: 10 * time.Millisecond, behind: time.Minute},
		"fine, ahead":         {tick: 10 * time.Millisecond, behind: -time.Minute},
		"a second":            {tick: time.Second},
		"two seconds":         {tick: 2 * time.Second},
		"two seconds, behind": {tick: 2 * time.Second, behind: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.t, c.dir = t, t.TempDir()
				r := readerTest(t, c.dir)
				f := attachTest(t, spoolTest(t, c.dir, &SpoolOptions{Name: "web", CommitEvery: -1}), "cloud")
				defer closeTest(t, f)
				var want []string
				sides := 1 // .ship
				for n := range 10 {
					c.change(func() {
						batch := makeBatch(t, n, 1, 1)
						want = append(want, insertIDs(batch)...)
						putFile(t, c.dir, newBase("web", testStart, uint32(n+1), 1), batch, true)
						if err := os.WriteFile(filepath.Join(c.dir, ".side-"+itoa(n)), nil, 0o600); err != nil {
							t.Fatal(err)
						}
						sides++
					})
					for range 3 {
						if diff := cmp.Diff(want, scanIDs(t, r)); diff != "" {
							t.Fatalf("(-want +got)\n%s", diff)
						}
						if items, err := r.sideFiles(); err != nil || len(items) != sides {
							t.Fatalf("%d side files, %v, want %d", len(items), err, sides)
						}
						if b, err := f.Look(context.Background()); err != nil || b.Entries != int64(len(want)) {
							t.Fatalf("%+v, %v, want %d entries", b, err, len(want))
						}
						time.Sleep(time.Duration(n) * 130 * time.Millisecond)
					}
				}
			})
		})
	}
}

// A folder whose time never changes is listed again all the same, after a while.
func TestFolderWithoutTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		still := func() {
			if err := os.Chtimes(dir, testStart, testStart); err != nil {
				t.Fatal(err)
			}
		}
		still()
		r := readerTest(t, dir)
		for range 5 {
			_ = scanIDs(t, r)
			time.Sleep(coarseTick)
		}
		putFile(t, dir, newBase("web", testStart, 1, 1), makeBatch(t, 0, 1, 1), true)
		still()
		time.Sleep(relist)
		if got := scanIDs(t, r); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

// A folder that is left alone is listed twice, then only looked at.
func TestFolderTimeHolds(t *testing.T) {
	if !trustFolderTimes {
		t.Skip("SKIPPED: it is listed each time here")
	}
	for name, c := range map[string]struct {
		mod  time.Time
		tick time.Duration
	}{
		"fine":   {testStart.Add(1), fineTick},
		"coarse": {testStart, coarseTick},
	} {
		now := testStart.Add(-time.Hour)
		var f folderTime
		lists := 0
		look := func(mod time.Time) {
			if !f.holds(mod, now) {
				f = f.next(mod, now)
				lists++
			}
		}
		for range 100 {
			look(c.mod)
			now = now.Add(c.tick / 50)
		}
		if lists != 51 {
			t.Errorf("%s: listed %d times within a tick, want 50, and once behind it", name, lists)
		}
		look(c.mod.Add(time.Second))
		look(c.mod.Add(time.Second))
		if lists != 53 {
			t.Errorf("%s: a change is not seen", name)
		}
	}
}
