package journalsink

import (
	"context"
	"fmt"
)

// Close compresses the last file and stops the background work, within ctx. What
// ctx leaves undone is not lost: the next journal in this folder, of any process,
// adopts the file as it is. A second Close does nothing.
//
// A Write that a stalled disk holds up is not waited for beyond ctx either. When it ends,
// with an outcome that its caller is told, its file is let go.
func (j *Journal) Close(ctx context.Context) error {
	if j.closing.Swap(true) {
		return nil
	}
	handed := make(chan struct{})
	if j.mu.TryLock() {
		j.handOver(handed)
		return j.keep.close(ctx)
	}
	go func() {
		j.mu.Lock()
		j.handOver(handed)
	}()
	select {
	case <-handed:
		return j.keep.close(ctx)
	case <-ctx.Done():
	}
	j.keep.abort.Store(true)
	_ = j.keep.close(ctx) // it may find nothing to do: the file is not its own yet
	go func() {
		<-handed
		j.keep.drain()
	}()
	return fmt.Errorf("journalsink: closed while a write had not ended: %w (the next journal in %s compresses the file)", ctx.Err(), j.dir)
}

// handOver gives the last file to the keeper, and frees the lock.
func (j *Journal) handOver(handed chan<- struct{}) {
	last := j.cur
	j.cur = nil
	j.buf, j.marks = nil, nil
	if last != nil {
		j.afterwards(j.keep.give(last))
	}
	j.unlock()
	close(handed)
}

// drain lets go of the files that came when nobody took them any more: those of a write that
// ended after Close had returned.
func (k *keeper) drain() {
	k.done.Wait()
	for c := k.take(); c != nil; c = k.take() {
		k.j.finish(c) // not compressed any more: synced, and closed
		k.taken()
	}
	k.closeGone()
}
