package journalsink

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/txtrail/txtrail/sink"
)

const nobody = 65534

// needRoot skips where nobody else's files can be had.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can act for two users")
	}
}

// asUser runs a function whose file accesses, made by its own goroutine, are a user's.
func asUser(t *testing.T, uid, gid int, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() {
		_, _ = unix.SetfsuidRetUid(0)
		_, _ = unix.SetfsgidRetGid(0)
	}()
	for _, err := range [...]error{unix.Setfsgid(gid), unix.Setfsuid(uid)} {
		if err != nil {
			t.Skip("no other user can be had:", err)
		}
	}
	do()
}

// lettersTest returns dead letters.
func lettersTest(t *testing.T, n int) (letters []sink.DeadLetter) {
	t.Helper()
	for _, e := range makeBatch(t, 0, n, 1) {
		letters = append(letters, sink.DeadLetter{Entry: e, Reason: "no", Time: testStart})
	}
	return letters
}

// reachable returns a folder that every user can reach.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range [...]string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ofNobody returns a folder that belongs to nobody.
func ofNobody(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(reachable(t), "journal")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Skip("no folder can be given away:", err)
	}
	return dir
}

// A group that may read a shared folder is told what waits, and for which sink; it writes
// nothing for that, and may not.
func TestShipStatesForTheGroup(t *testing.T) {
	needRoot(t)
	dir := filepath.Join(reachable(t), "journal")
	j := openTest(t, dir, &Options{Shared: true, MaxFileBytes: 4 << 10})
	s, err := j.Spool(&SpoolOptions{CommitEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	f := attachTest(t, s, "cloud:A b")
	writeTest(t, j, 0, 100)
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := f.Bury(context.Background(), lettersTest(t, 3)); err != nil {
		t.Fatal(err)
	}
	look := func(want bool) {
		asUser(t, nobody, 0, func() { // in root's group, as the folder is
			if _, err := (osFS{}).Open(f.lockPath()); err == nil {
				t.Fatal("the files may be written")
			}
			states, err := ShipStates(context.Background(), dir, testStart)
			if err != nil || len(states) != 1 || states[0].Sink != "cloud:A b" || states[0].Waiting != 100 || states[0].Alive != want || states[0].Err != nil {
				t.Errorf("%+v, %v", states, err)
			}
			dead, err := DeadFiles(dir)
			if err != nil || len(dead) != 1 || dead[0].Sink != "cloud:A b" || dead[0].Letters != 3 {
				t.Errorf("%+v, %v", dead, err)
			}
		})
	}
	look(true)
	closeTest(t, f)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	look(false)
}

// What root makes in a folder of another is that one's, who goes on with it.
func TestRootLeavesNothingOfItsOwn(t *testing.T) {
	needRoot(t)
	dir := ofNobody(t)
	ship := func(who string, from int) {
		t.Helper()
		s, err := OpenSpool(dir, &SpoolOptions{CommitEvery: -1, fs: quickFS{}, OnError: func(err error) { t.Error(who, err) }})
		if err != nil {
			t.Fatal(who, err)
		}
		f, err := s.Attach(context.Background(), "cloud")
		if err != nil {
			t.Fatal(who, err)
		}
		defer closeTest(t, f)
		b, err := f.Look(context.Background())
		if err != nil || b.Entries != int64(100-from) {
			t.Fatalf("%s: %+v, %v", who, b, err)
		}
		if _, b := nextTest(t, f, 10); len(b.Entries) != 10 {
			t.Fatalf("%s: %d entries", who, len(b.Entries))
		}
		if err := f.Commit(context.Background(), 10); err != nil {
			t.Fatal(who, err)
		}
		if err := f.Bury(context.Background(), lettersTest(t, 2)); err != nil {
			t.Error(who, err)
		}
	}
	j := openTest(t, dir, &Options{MaxFileBytes: 4 << 10})
	writeTest(t, j, 0, 100)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	ship("root", 0)
	asUser(t, nobody, nobody, func() { ship("nobody", 10) })
	ship("root again", 20)
	asUser(t, nobody, nobody, func() { ship("nobody again", 30) })
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		if own := st.Sys().(*syscall.Stat_t); own.Uid != nobody || own.Gid != nobody || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: of %d:%d, %v", path, own.Uid, own.Gid, st.Mode())
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Nothing is given away but what was made, and what is made goes to the owner of the folder
// that it is in, wherever a link leads; in root's own folder it stays root's. The mode is as
// it was asked for.
func TestGivenAway(t *testing.T) {
	needRoot(t)
	dir, own := ofNobody(t), t.TempDir()
	owner := func(path string) uint32 {
		t.Helper()
		st, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Sys().(*syscall.Stat_t).Uid
	}
	try := func(path string, want uint32) {
		t.Helper()
		f, err := osFS{}.Create(path, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		closeTest(t, f)
		if got := owner(path); got != want {
			t.Errorf("%s is of %d, want %d", path, got, want)
		}
		if _, err := (osFS{}).Create(path, 0o640); !os.IsExist(err) {
			t.Errorf("made twice: %v", err)
		}
	}
	try(filepath.Join(own, "a"), 0)
	try(filepath.Join(dir, "a"), nobody)
	link(t, own, filepath.Join(dir, "link"))
	try(filepath.Join(dir, "link", "b"), 0)
	link(t, filepath.Join(own, "c"), filepath.Join(dir, "c"))
	if f, err := (osFS{}).Create(filepath.Join(dir, "c"), 0o600); err == nil {
		closeTest(t, f)
		t.Error("made through a link")
	}
	if f, err := (osFS{}).Append(filepath.Join(own, "a"), 0o600); err != nil {
		t.Error(err)
	} else {
		closeTest(t, f)
	}
	folder := filepath.Join(dir, "folder")
	for range 2 { // the second time it is there
		if err := (osFS{}).Mkdir(folder, 0o750|os.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Lstat(folder); err != nil || owner(folder) != nobody || st.Mode() != os.ModeDir|os.ModeSetgid|0o750 {
			t.Errorf("%v, %v, of %d", st.Mode(), err, owner(folder))
		}
	}
	theirs := filepath.Join(dir, "root's")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (osFS{}).Mkdir(theirs, 0o700); err != nil || owner(theirs) != 0 {
		t.Errorf("what was there was given away: %v", err)
	}
}
