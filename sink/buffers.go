package sink

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Pooled buffers have a power of two bytes, from 512 B (most JSON bodies) to
// 1 MiB (far above the default capture of 64 KiB); larger ones are left to the
// garbage collector.
const (
	minClass   = 9
	maxClass   = 20
	numClasses = maxClass - minClass + 1
)

// BufferPool lends byte buffers to those who capture bodies. It is safe for
// concurrent use; its zero value is ready, and must not be copied.
//
// Only byte buffers are pooled, never what a handler can still hold, and they are
// cleared before anybody else gets them: a bug in a capture can then not show one
// user's body to another.
type BufferPool struct {
	// A pool holds the address of a buffer's first byte: a pointer fits an
	// interface without allocating, a slice does not.
	classes [numClasses]sync.Pool
}

// Get returns a buffer of length 0 and of at least size bytes of capacity, all
// zero. Whoever holds it gives it back with [BufferPool.Put], or hands it to the
// queue as an entry's Raw.
func (p *BufferPool) Get(size int) []byte {
	c := classOf(size)
	if c >= numClasses {
		return make([]byte, 0, size)
	}
	if first, ok := p.classes[c].Get().(*byte); ok {
		return unsafe.Slice(first, 1<<(c+minClass))[:0]
	}
	return make([]byte, 0, 1<<(c+minClass))
}

// Put clears b to its full capacity and takes it back; nobody may touch it
// afterwards. A buffer that is not of one of the pool's sizes is cleared and let
// go, so that any slice may be put.
func (p *BufferPool) Put(b []byte) {
	b = b[:cap(b)]
	clear(b)
	c := classOf(len(b))
	if c >= numClasses || len(b) != 1<<(c+minClass) {
		return
	}
	p.classes[c].Put(unsafe.SliceData(b))
}

// classOf returns the smallest class that holds size bytes.
func classOf(size int) int {
	if size <= 1<<minClass {
		return 0
	}
	return bits.Len(uint(size-1)) - minClass
}
