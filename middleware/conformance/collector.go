package conformance

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxWaits is how many times its patience a case may take in all: some wait several
// times, one after the other.
const maxWaits = 10

// collector stands in for a testing.T: it keeps what a case says.
type collector struct {
	ctx context.Context

	mu       sync.Mutex
	said     []string
	cleanups []func()
}

// examine runs one case and returns what it said, nothing where it passed. The
// rule's reason, with which each failure ends, is cut off.
func examine(ctx context.Context, patience time.Duration, reason string, run func(t *collector)) []string {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &collector{ctx: ctx}
	t.within(maxWaits*patience, "the case", func() { run(t) })
	cancel()
	t.within(maxWaits*patience, "the end of the case's servers", t.cleanUp)

	t.mu.Lock()
	defer t.mu.Unlock()
	said := make([]string, 0, len(t.said))
	for _, s := range t.said {
		said = append(said, strings.TrimSuffix(s, "\nThe rule: "+reason))
	}
	return said
}

// within calls f in a goroutine of its own, which f may end by Goexit, and waits for
// its end up to limit.
func (t *collector) within(limit time.Duration, what string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("%s panicked: %v", what, v)
			}
		}()
		f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Errorf("%s did not come to its end within %v", what, limit)
	}
}

func (t *collector) cleanUp() {
	t.mu.Lock()
	cleanups := t.cleanups
	t.cleanups = nil
	t.mu.Unlock()
	for _, f := range slices.Backward(cleanups) {
		f()
	}
}

// Helper does nothing: a failure's place in this package tells a reader nothing.
func (t *collector) Helper() {}

// Errorf keeps what it is told.
func (t *collector) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

// Fatalf is Errorf and ends the calling goroutine.
func (t *collector) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Cleanup keeps f for the end.
func (t *collector) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// TempDir makes a folder that goes with the case.
func (t *collector) TempDir() string {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Context ends when the case does.
func (t *collector) Context() context.Context { return t.ctx }
