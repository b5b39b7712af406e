package journalsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// brokenFS can not open one file, until it is mended.
type brokenFS struct {
	quickFS
	bad    string
	mended atomic.Bool
}

func (b *brokenFS) Open(path string) (file, error) {
	if strings.HasSuffix(path, b.bad) && !b.mended.Load() {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EIO}
	}
	return b.quickFS.Open(path)
}

// asideTest is a folder with a closed file of five entries that can not be read, and
// another one.
type asideTest struct {
	dir   string
	files *brokenFS
	clock atomic.Int64 // ns since testStart
	errs  errorList
	spool *Spool
}

func newAsideTest(t *testing.T) *asideTest {
	t.Helper()
	a := &asideTest{dir: t.TempDir()}
	bad := newBase("web", testStart, 1, 1)
	a.files = &brokenFS{bad: bad + extClosed}
	putFile(t, a.dir, bad, makeBatch(t, 0, 5, 5), true)
	putFile(t, a.dir, newBase("web", testStart.Add(time.Second), 2, 1), makeBatch(t, 5, 5, 5), true)
	a.spool = a.open(t)
	return a
}

// open returns the spool as another process has it.
func (a *asideTest) open(t *testing.T) *Spool {
	t.Helper()
	return spoolTest(t, a.dir, &SpoolOptions{Name: "web", CommitEvery: -1, fs: a.files, OnError: a.errs.add, Now: func() time.Time {
		return testStart.Add(time.Duration(a.clock.Load()))
	}})
}

func (a *asideTest) ship(t *testing.T, to sink.Sink) *sink.Ship {
	t.Helper()
	h, err := sink.NewShip(a.spool, to, &sink.ShipOptions{Name: "cloud", MaxAge: -1, Poll: time.Millisecond, OnError: a.errs.add})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A closed file that can not be read is waited for a while, then put aside: it is told of
// and counted, and no Flush waits for it any more, until it can be read again.
func TestUnreadableIsPutAside(t *testing.T) {
	a := newAsideTest(t)
	mem := &sinktest.Memory{}
	h := a.ship(t, mem)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- h.Flush(ctx) }()
	waitFor(t, func() bool { return len(mem.Entries()) == 5 && a.errs.has(ErrUnreadable) })
	a.clock.Store(int64(asideAfter - 1))
	short, cancelShort := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancelShort()
	if err := h.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it is not waited for: %v", err)
	}
	select {
	case err := <-done:
		t.Fatalf("it is not waited for: %v", err)
	default:
	}
	a.clock.Store(int64(asideAfter))
	if err := <-done; !errors.Is(err, sink.ErrUnread) {
		t.Errorf("waited in vain, and got %v, want ErrUnread", err)
	}
	if err := h.Flush(ctx); err != nil {
		t.Errorf("it is aside, and was waited for: %v", err)
	}
	if s := h.Stats(); s.Waiting != 1 || s.Delivered != 5 || s.Captured != 6 {
		t.Errorf("captured %d, delivered %d, waiting %d; want 6, 5, 1: one for the file", s.Captured, s.Delivered, s.Waiting)
	}
	other, err := a.open(t).Mark(ctx, "cloud")
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, other.Passed)

	a.files.mended.Store(true)
	waitFor(t, func() bool { return h.Stats().Delivered == 10 })
	if err := h.Flush(ctx); err != nil {
		t.Error(err)
	}
	if s := h.Stats(); s.Waiting != 0 || s.Captured != 10 {
		t.Errorf("captured %d, waiting %d; want 10, 0", s.Captured, s.Waiting)
	}
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

// What can not be read is left to the next start, which Close says.
func TestUnreadableIsLeft(t *testing.T) {
	for _, aside := range []bool{false, true} { // true: it is no longer waited for
		t.Run(fmt.Sprintf("aside %t", aside), func(t *testing.T) { testUnreadableIsLeft(t, aside) })
	}
}

func testUnreadableIsLeft(t *testing.T, aside bool) {
	a := newAsideTest(t)
	h := a.ship(t, sink.Discard())
	waitFor(t, func() bool { return h.Stats().Delivered == 5 && a.errs.has(ErrUnreadable) })
	if aside {
		a.clock.Store(int64(asideAfter))
		if err := h.Flush(t.Context()); err == nil {
			t.Error("Flush does not tell of what it went past")
		}
	}
	if err := h.Close(t.Context()); !errors.Is(err, sink.ErrLeft) {
		t.Errorf("closed with a file left: %v, want ErrLeft", err)
	}
	a.files.mended.Store(true)
	mem := &sinktest.Memory{}
	h = a.ship(t, mem)
	if err := h.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(mem.Entries()); n != 5 {
		t.Errorf("after the next start %d entries came, want the 5 that were left", n)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// So it is with a file that could be read when its lines were counted, and can not be when
// they are to be shipped.
func TestUnreadableLater(t *testing.T) {
	a := newAsideTest(t)
	a.files.mended.Store(true)
	f := attachTest(t, a.spool, "cloud")
	defer closeTest(t, f)
	if n := look(t, f); n != 10 {
		t.Fatal(n)
	}
	m := f.Mark()
	a.files.mended.Store(false)
	step := func() sink.Backlog {
		t.Helper()
		ids, _ := nextTest(t, f, 20)
		if err := f.Commit(t.Context(), len(ids)); err != nil {
			t.Fatal(err)
		}
		b, err := f.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := step(); b != (sink.Backlog{Entries: 5, Unread: 5}) || m.Passed() {
		t.Errorf("%+v wait, passed: %v", b, m.Passed())
	}
	a.clock.Store(int64(asideAfter))
	if b := step(); b != (sink.Backlog{Entries: 5, Unread: 5, Aside: 1}) || !m.Passed() || !f.Mark().Passed() {
		t.Errorf("aside: %+v wait, passed: %v", b, m.Passed())
	}
	a.files.mended.Store(true)
	look(t, f)
	if f.Mark().Passed() {
		t.Error("it can be read again, and is not waited for")
	}
	if ids := drain(t, f, 20); len(ids) != 5 || !m.Passed() {
		t.Errorf("then %d entries came, want 5", len(ids))
	}
}
