package journalsink

import (
	"io/fs"
	"os"
	"path/filepath"
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
