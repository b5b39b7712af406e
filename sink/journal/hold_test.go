package journalsink

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHolds(t *testing.T) {
	dir := t.TempDir()
	now := testStart
	write := func(folder string, c *shipCursor, damage bool) {
		t.Helper()
		b, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		if damage {
			b[len(b)/2] ^= 1
		}
		if err := os.MkdirAll(filepath.Join(dir, shipDir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		path := shipPath(dir, folder, c.Writer+extCursor)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, c.Time, c.Time); err != nil {
			t.Fatal(err)
		}
	}
	if h := readHolds(osFS{}, dir, now); !h.none() {
		t.Error("a folder from which nobody ships has holds")
	}
	write("a", &shipCursor{
		Version: 1, Sink: "cloud", Writer: "web", Time: now.Add(-time.Hour),
		Done: map[string]int64{"1a2b3c4d": 6}, At: map[string]place{"web-20261120T112838-1a2b3c4d-000007": {Offset: 12}},
	}, false)
	write("a", &shipCursor{Version: 1, Sink: "cloud", Writer: "old", Time: now.Add(-8 * 24 * time.Hour)}, false)
	write("b", &shipCursor{Version: 1, Sink: "archive", Writer: "torn", Time: now}, true)
	write("b", &shipCursor{Version: 2, Sink: "archive", Writer: "newer", Time: now}, false)
	write("b", &shipCursor{Version: 1, Sink: "archive", Writer: "ahead", Time: now.Add(1000 * time.Hour)}, false)
	// Written long ago, as the clock says, by somebody who ships still.
	write("a", &shipCursor{Version: 1, Sink: "cloud", Writer: "hung", Time: now.Add(-8 * 24 * time.Hour)}, false)
	write("c", &shipCursor{Version: 1, Sink: "archive", Writer: "hung2", Time: now.Add(-8 * 24 * time.Hour)}, true)
	for _, path := range [...]string{shipPath(dir, "a", "hung"+extLock), shipPath(dir, "c", "hung2"+extLock)} {
		lock, err := osFS{}.Create(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lock.Close() }()
		if err := lock.Lock(); err != nil {
			t.Fatal(err)
		}
	}
	// The lock of the one that is gone for good is free.
	if err := os.WriteFile(shipPath(dir, "a", "old"+extLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := readHolds(osFS{}, dir, now)
	for _, tt := range []struct {
		base string
		want string // the sink that needs it
	}{
		{"web-20261120T112838-1a2b3c4d-000006", ""},
		{"web-20261120T112838-1a2b3c4d-000007", "cloud"},
		{"web-20261120T112838-1a2b3c4d-1000007", "cloud"},
		{"web-20261120T112838-ffffffff-000001", "cloud"}, // another process: not spoken of
		{"api-20261120T112838-1a2b3c4d-000007", ""},      // nobody ships it
		{"old-20261120T112838-1a2b3c4d-000007", ""},      // its shipper is gone for good
		{"hung-20261120T112838-1a2b3c4d-000007", "cloud"},
		{"hung2-20261120T112838-1a2b3c4d-000007", "c"},
		{"torn-20261120T112838-1a2b3c4d-000001", "b"},
		{"newer-20261120T112838-1a2b3c4d-000001", "b"},
		{"ahead-20261120T112838-1a2b3c4d-000001", "archive"}, // a clock that was set back
	} {
		b, _, ok := splitName(tt.base + extOpen)
		if !ok {
			t.Fatal(tt.base)
		}
		if sink, needed := h.needs(b); needed != (tt.want != "") || sink != tt.want {
			t.Errorf("%s: %q %v, want %q", tt.base, sink, needed, tt.want)
		}
	}
}

// blindFS can not list one folder.
type blindFS struct {
	fsys
	dir string
	err error
}

func (b blindFS) ReadDir(dir string) ([]fs.DirEntry, error) {
	if dir == b.dir {
		return nil, &os.PathError{Op: "open", Path: dir, Err: b.err}
	}
	return b.fsys.ReadDir(dir)
}

// A folder of cursors that can not be listed, for want of file descriptors say, holds
// everything: deleting can not be undone.
func TestHoldsUnlisted(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, shipDir, "cloud")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	b, _, _ := splitName("web-20261120T112838-1a2b3c4d-000006" + extOpen)
	for _, tt := range []struct {
		dir  string
		err  error
		want bool
	}{
		{filepath.Join(dir, shipDir), syscall.EMFILE, true},
		{folder, syscall.EIO, true},
		{folder, fs.ErrPermission, true},
		{folder, fs.ErrNotExist, false},
		{filepath.Join(dir, shipDir), syscall.ENOTDIR, false},
	} {
		h := readHolds(blindFS{osFS{}, tt.dir, tt.err}, dir, testStart)
		if _, needed := h.needs(b); needed != tt.want || h.none() == tt.want {
			t.Errorf("%s: %v: needed %v, want %v", tt.dir, tt.err, needed, tt.want)
		}
	}
}

// What stands where cursors are looked for and can not be read, a link or a folder, holds
// what a cursor there might need: against age and the disk, not against the hard cap. It is
// said once.
func TestHoldsOdd(t *testing.T) {
	const file = 80 << 10
	for name, put := range map[string]func(t *testing.T, dir, outside string){
		"a link to a sink's folder": func(t *testing.T, dir, outside string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Join(dir, shipDir), 0o700); err != nil {
				t.Fatal(err)
			}
			link(t, outside, filepath.Join(dir, shipDir, "cloud-1"))
		},
		"a link to the side folder": func(t *testing.T, dir, outside string) {
			t.Helper()
			link(t, outside, filepath.Join(dir, shipDir))
		},
		"a link that leads nowhere": func(t *testing.T, dir, _ string) {
			t.Helper()
			link(t, filepath.Join(dir, "nowhere"), filepath.Join(dir, shipDir))
		},
		"a folder for a cursor": func(t *testing.T, dir, _ string) {
			t.Helper()
			path := shipPath(dir, "cloud-1", "web"+extCursor)
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, testStart, testStart); err != nil {
				t.Fatal(err)
			}
		},
		"a link for a cursor": func(t *testing.T, dir, outside string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Join(dir, shipDir, "cloud-1"), 0o700); err != nil {
				t.Fatal(err)
			}
			link(t, filepath.Join(outside, "x"), shipPath(dir, "cloud-1", "web"+extCursor))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, t.TempDir())
			for seq := 1; seq <= 4; seq++ {
				b := make([]byte, file)
				path := filepath.Join(dir, newBase("web", testStart, 1, seq)+extClosed)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, testStart, testStart); err != nil {
					t.Fatal(err)
				}
			}
			now := testStart.Add(100 * 24 * time.Hour)
			var odd, removed []string
			opts := &Options{MaxAge: time.Hour, MaxBytes: 4 * file, MaxFileBytes: file, Now: func() time.Time { return now }, OnError: func(err error) {
				if errors.Is(err, ErrRetention) {
					removed = append(removed, err.Error())
				} else {
					odd = append(odd, err.Error())
				}
			}}
			full := &faultFS{room: -1, free: func() (uint64, uint64) { return 0, 1 << 30 }}
			j := stillJournal(t, dir, opts)
			j.fs = full
			for range 3 {
				j.retain()
				j.mergeSmall()
			}
			if got := len(names(t, dir, extClosed)); got != 4 || len(removed) > 0 {
				t.Errorf("%d files are left of 4: %q", got, removed)
			}
			if len(odd) != 1 || !strings.Contains(odd[0], "kept for it") {
				t.Errorf("told %q, want it once", odd)
			}
			j.opts.MaxBytes = 2 * file
			j.retain()
			if s := j.Stats(); s.Removed != 2 || s.RemovedUnshipped != 2 {
				t.Errorf("%+v", s)
			}
			if len(removed) != 1 || !strings.Contains(removed[0], "2 of them had entries that were not shipped") {
				t.Errorf("told %q", removed)
			}
		})
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip("no links here:", err)
	}
}

// Nobody ships through a link in the side folder's place, and whoever looks is told.
func TestShipNotThroughLinks(t *testing.T) {
	for _, whole := range []bool{false, true} {
		dir, outside := t.TempDir(), t.TempDir()
		path := filepath.Join(dir, shipDir)
		if !whole {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			path = filepath.Join(path, shipFolder("cloud"))
		}
		link(t, outside, path)
		_, err := spoolTest(t, dir, nil).Attach(context.Background(), "cloud")
		if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("attached: %v", err)
		}
		if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
			t.Errorf("outside: %v, %v", left, err)
		}
		if states, err := ShipStates(context.Background(), dir, testStart); !errors.Is(err, ErrForeign) || len(states) > 0 {
			t.Errorf("%v, %v", states, err)
		}
	}
}
