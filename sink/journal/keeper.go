package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
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
	ended chan struct{}  // nothing is to be compressed any more
	gone  chan *openFile // see letGo

	mu      sync.Mutex
	pending []*openFile
	busy    *openFile // taken out of them, and not finished; nil: none

	flightMu sync.Mutex               // of making it, and of close
	flight   atomic.Pointer[inFlight] // nil: nobody asked for it

	last   map[string]time.Time // when a base could not be compressed
	merged time.Time            // when small files were looked for
	said   map[string]bool      // what reportOnce was told
}

func newKeeper(j *Journal) *keeper {
	return &keeper{j: j, wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}), gone: make(chan *openFile, maxGone)}
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
// is compressed, and it is synced as the one being written is. When writing is so much
// faster that too many wait, the oldest is let go, to be adopted later as a dead writer's
// would be. The error is letGo's.
func (k *keeper) give(c *openFile) (err error) {
	var oldest *openFile
	k.mu.Lock()
	if len(k.pending) >= maxPending {
		oldest = k.pending[0]
		k.pending = k.pending[1:]
	}
	if len(k.pending) >= maxPendingNoted {
		c.rows = nil
	}
	k.pending = append(k.pending, c)
	k.mu.Unlock()
	if oldest != nil {
		err = k.letGo(oldest)
	}
	k.kick()
	return err
}

// maxGone bounds the files that wait to be closed.
const maxGone = 64

// letGo has a file closed beside the write: one that somebody removed or moved away, or
// that there is no time to compress. With the last descriptor of a removed file goes all that
// the system holds of it, which takes 0.2 ms/MB and more (ext4, in its cache), and another one
// is synced before; the write that comes upon it has entries to bring into another file. Only
// when too many wait it closes one itself. The error, that of a sync, is for OnError. It is
// called under the journal's lock, and once the keeper has ended only by a write that Close
// did not wait for: see drain.
func (k *keeper) letGo(c *openFile) error {
	select {
	case k.gone <- c:
		return nil
	default:
		return k.drop(c)
	}
}

// drop closes a file, and syncs it before that unless it was removed.
func (k *keeper) drop(c *openFile) (err error) {
	if c.f.Linked() {
		err = k.j.syncFile(c)
	} else {
		c.over.Store(true)
	}
	c.close()
	return err
}

// closeGone closes what was let go until now.
func (k *keeper) closeGone() {
	for {
		select {
		case c := <-k.gone:
			k.j.tell(k.drop(c))
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
	k.busy = c
	return c
}

// taken says that a file which was taken is compressed, or given up.
func (k *keeper) taken() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy = nil
}

// syncWaiting syncs the files that wait to be compressed, and the one that is: the copy that
// takes its place is synced when it is whole, which may be long after SyncEvery.
func (k *keeper) syncWaiting() error {
	k.mu.Lock()
	waiting := slices.Clone(k.pending)
	if k.busy != nil {
		waiting = append(waiting, k.busy)
	}
	k.mu.Unlock()
	for _, c := range waiting {
		if err := k.j.syncFile(c); err != nil {
			return err // the others are on the same disk: at the next tick
		}
	}
	return nil
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

// ticks syncs, rotates by age, and closes what was let go, until all is compressed or Close
// has given up.
func (k *keeper) ticks() {
	defer k.done.Done()
	t := time.NewTicker(k.j.opts.SyncEvery)
	defer t.Stop()
	defer k.closeGone()
	for {
		select {
		case <-k.ended:
			return
		case c := <-k.gone:
			k.j.tell(k.drop(c))
		case <-t.C:
			if k.abort.Load() { // Close has returned: nobody wants to hear of more
				return
			}
			k.j.tick()
			if l := k.flight.Load(); l != nil {
				l.watch()
			}
		}
	}
}

// tick looks whether the file is still where it was made and whether it is old enough, and
// forces it, and those that wait to be compressed, to the disk. The sync runs outside the
// lock: it may take long, and nobody waits for it.
func (j *Journal) tick() {
	j.mu.Lock()
	c := j.cur // none once the journal is closed
	switch {
	case c == nil, j.closing.Load(): // the lock may have come before it came to Close
	case !c.f.Named(c.path):
		j.abandon(fmt.Errorf("journalsink: %s was removed or moved while it was being written; going on in a new file", c.path))
	case c.size > 0 && j.due(j.opts.Now(), 0):
		_ = j.rotate(j.opts.Now()) // reported; the next tick tries again
	}
	c = j.cur
	j.unlock()
	j.tell(j.keep.syncWaiting())
	if c != nil {
		j.tell(j.syncFile(c))
	}
}

// syncFile forces a file to the disk if it was written to since the last time. The error is
// for OnError. Who closes the file afterwards must not overtake a sync that is under way and
// fails: nothing would sync the file any more.
func (j *Journal) syncFile(c *openFile) error {
	c.syncing.Lock()
	defer c.syncing.Unlock()
	if !c.dirty.Swap(false) {
		return nil
	}
	j.count.syncs.Add(1)
	err := c.f.Sync()
	if err == nil && !c.named.Load() {
		// A new file's name is in the folder, which is on the disk only then.
		if err = j.fs.SyncDir(j.dir); err == nil {
			c.named.Store(true)
		}
	}
	if err == nil || c.over.Load() || errors.Is(err, fs.ErrClosed) {
		return nil // closed meanwhile: its copy is on the disk, or what failed was told
	}
	c.dirty.Store(true)
	j.count.syncErrors.Add(1)
	return fmt.Errorf("journalsink: sync of %s: %w", c.path, err)
}

// work is the second goroutine.
func (k *keeper) work() {
	defer k.done.Done()
	defer close(k.ended)
	t := time.NewTicker(tidyEvery)
	defer t.Stop()
	for {
		var grown int64
		for c := k.take(); c != nil; c = k.take() {
			k.j.finish(c)
			k.taken()
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
