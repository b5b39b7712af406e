package journalsink

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// tidyEvery is how often the folder is looked over when nothing else causes it.
const tidyEvery = time.Minute

// keeper does what must not hold up a write. One goroutine syncs and watches the
// file's age; the other compresses closed files, adopts and removes, one file at a
// time.
type keeper struct {
	j     *Journal
	wake  chan struct{} // holds one token
	stop  chan struct{} // Close was called: finish what was given, then end
	abort atomic.Bool   // leave everything as it is, now
	full  atomic.Bool   // a write found the disk full
	done  sync.WaitGroup
	gone  chan file // see letGo

	mu      sync.Mutex
	pending []*openFile

	flightMu sync.Mutex               // of making it, and of close
	flight   atomic.Pointer[inFlight] // nil: nobody asked for it

	last   map[string]time.Time // when a base could not be compressed
	merged time.Time            // when small files were looked for
	said   map[string]bool      // what reportOnce was told
}

func newKeeper(j *Journal) *keeper {
	return &keeper{j: j, wake: make(chan struct{}, 1), stop: make(chan struct{}), gone: make(chan file, maxGone)}
}

func (k *keeper) start() {
	k.done.Add(2)
	go k.ticks()
	go k.work()
	k.kick()
}

// maxPending bounds the files that are held open until they are compressed.
const maxPending = 64

// give hands a file over whose last line is written. Its lock stays held until it
// is compressed. When writing is so much faster that too many wait, the oldest is
// let go, to be adopted later as a dead writer's would be.
func (k *keeper) give(c *openFile) {
	k.mu.Lock()
	if len(k.pending) >= maxPending {
		_ = k.pending[0].f.Close()
		k.pending = k.pending[1:]
	}
	if len(k.pending) >= maxPendingNoted {
		c.rows = nil
	}
	k.pending = append(k.pending, c)
	k.mu.Unlock()
	k.kick()
}

// maxGone bounds the files that wait to be closed after somebody removed them.
const maxGone = 64

// letGo has a file closed that somebody removed or moved away, beside the write. With its
// last descriptor goes all that the system holds of it, which takes 0.2 ms/MB and more
// (ext4, in its cache), and the write that came upon it has entries to bring into another
// file; only when too many wait it closes one itself. It is called under the journal's lock,
// and not once that is closed: nothing comes after ticks has ended.
func (k *keeper) letGo(f file) {
	select {
	case k.gone <- f:
	default:
		_ = f.Close()
	}
}

// closeGone closes what was let go until now.
func (k *keeper) closeGone() {
	for {
		select {
		case f := <-k.gone:
			_ = f.Close()
		default:
			return
		}
	}
}

func (k *keeper) take() *openFile {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.pending) == 0 {
		return nil
	}
	c := k.pending[0]
	k.pending = k.pending[1:]
	return c
}

func (k *keeper) kick() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) closing() bool {
	select {
	case <-k.stop:
		return true
	default:
		return false
	}
}

// close waits for the work given so far. When ctx ends first, what is being
// compressed is given up and the goroutines end as soon as the disk lets them.
func (k *keeper) close(ctx context.Context) error {
	close(k.stop)
	k.flightMu.Lock() // one that is being made
	l := k.flight.Load()
	k.flightMu.Unlock()
	if l != nil {
		l.close()
	}
	ended := make(chan struct{})
	go func() {
		k.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		k.abort.Store(true)
		return fmt.Errorf("journalsink: closed before the last file was compressed: %w (the next journal in %s does it)", ctx.Err(), k.j.dir)
	}
}

// ticks syncs, rotates by age, and closes what was let go.
func (k *keeper) ticks() {
	defer k.done.Done()
	t := time.NewTicker(k.j.opts.SyncEvery)
	defer t.Stop()
	defer k.closeGone()
	for {
		select {
		case <-k.stop:
			return
		case f := <-k.gone:
			_ = f.Close()
		case <-t.C:
			k.j.tick()
			if l := k.flight.Load(); l != nil {
				l.watch()
			}
		}
	}
}

// tick looks whether the file is still where it was made, whether it is old
// enough, and forces it to the disk. The sync runs outside the lock: it may take
// long, and nobody waits for it.
func (j *Journal) tick() {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return
	}
	c := j.cur
	switch {
	case c == nil:
	case !c.f.Named(c.path):
		j.abandon(fmt.Errorf("journalsink: %s was removed or moved while it was being written; going on in a new file", c.path))
	case c.size > 0 && j.due(j.opts.Now(), 0):
		_ = j.rotate(j.opts.Now()) // reported; the next tick tries again
	}
	c = j.cur
	dirty := c != nil && c.dirty.Swap(false)
	j.unlock()
	if dirty {
		j.syncFile(c)
	}
}

func (j *Journal) syncFile(c *openFile) {
	j.count.syncs.Add(1)
	err := c.f.Sync()
	if err == nil && !c.named.Load() {
		// A new file's name is in the folder, which is on the disk only then.
		if err = j.fs.SyncDir(j.dir); err == nil {
			c.named.Store(true)
		}
	}
	if err == nil {
		return
	}
	c.dirty.Store(true)
	j.mu.Lock()
	old := j.cur != c
	j.mu.Unlock()
	if old {
		return // handed over meanwhile: the compressing syncs it, or it is closed
	}
	j.count.syncErrors.Add(1)
	j.report(fmt.Errorf("journalsink: sync of %s: %w", c.path, err))
}

// work is the second goroutine.
func (k *keeper) work() {
	defer k.done.Done()
	t := time.NewTicker(tidyEvery)
	defer t.Stop()
	for {
		var grown int64
		for c := k.take(); c != nil; c = k.take() {
			k.j.finish(c)
			// A burst must not outgrow the cap while there is always a next file.
			if grown += c.size; k.j.opts.MaxBytes > 0 && grown >= k.j.opts.MaxBytes/32 {
				grown = 0
				k.j.retain()
			}
		}
		if k.closing() {
			if !k.abort.Load() {
				k.j.retain()
			}
			return
		}
		k.j.adoptAll()
		k.j.mergeSmall()
		k.j.adoptTables()
		k.j.retain()
		select {
		case <-k.stop:
		case <-k.wake:
		case <-t.C:
		}
	}
}
