package journalsink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// tailGuess is how much of a file's end is read at once: mostly the whole index.
const tailGuess = 32 << 10

// readIndex reads the index of a closed file of the given size. Its error wraps
// ErrIndex, or is that of reading.
func readIndex(f io.ReaderAt, size int64) (*index, error) {
	if size < frameHeadLen+indexHeadLen+indexTailLen {
		return nil, fmt.Errorf("%w: the file has %d bytes", ErrIndex, size)
	}
	tail := make([]byte, min(size, tailGuess))
	if err := readFull(f, tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	n, err := trailerLen(tail, size)
	if err != nil {
		return nil, err
	}
	frame := n + frameHeadLen
	if frame > int64(len(tail)) {
		tail = make([]byte, frame)
		if err := readFull(f, tail, size-frame); err != nil {
			return nil, err
		}
	}
	tail = tail[int64(len(tail))-frame:]
	le := binary.LittleEndian
	if le.Uint32(tail) != indexMagic || int64(le.Uint32(tail[4:])) != n {
		return nil, fmt.Errorf("%w: it is in no frame of its own", ErrIndex)
	}
	return parseIndex(tail[frameHeadLen:], size-frame)
}

// indexError is the error of an index that can not be read, for whatever reason.
func indexError(err error) error {
	if errors.Is(err, ErrIndex) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrIndex, err)
}

// readFull is ReadAt of a part that must be there: a file that has become shorter
// is one whose end is missing.
func readFull(f io.ReaderAt, b []byte, at int64) error {
	n, err := f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if isEOF(err) {
		return fmt.Errorf("%w: the file became shorter", ErrIndex)
	}
	return err
}

// indexCache keeps the indexes of closed files, which never change: a second
// look-up opens only the files that have something.
type indexCache struct {
	limit int

	mu    sync.Mutex
	size  int
	items map[string]*index
}

func (c *indexCache) get(base string) *index {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.items[base]
}

func (c *indexCache) put(base string, x *index) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.size > c.limit || c.items[base] != nil {
		return
	}
	if c.items == nil {
		c.items = make(map[string]*index)
	}
	// Any will do: look-ups go over all files.
	for other, o := range c.items {
		if c.size+x.size <= c.limit {
			break
		}
		delete(c.items, other)
		c.size -= o.size
	}
	c.items[base] = x
	c.size += x.size
}

// keep drops the indexes of files that are gone.
func (c *indexCache) keep(there func(base string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for base, x := range c.items {
		if !there(base) {
			delete(c.items, base)
			c.size -= x.size
		}
	}
}
