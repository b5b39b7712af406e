package sink

import (
	"bytes"
	"sync"
	"testing"
)

func TestBufferPoolSizes(t *testing.T) {
	var p BufferPool
	tests := []struct{ size, want int }{
		{-1, 512},
		{0, 512},
		{1, 512},
		{512, 512},
		{513, 1024},
		{1024, 1024},
		{1025, 2048},
		{64 << 10, 64 << 10},
		{64<<10 + 1, 128 << 10},
		{1 << 20, 1 << 20},
		{1<<20 + 1, 1<<20 + 1},
	}
	for range 2 { // new ones, then perhaps pooled ones
		for _, tt := range tests {
			b := p.Get(tt.size)
			if len(b) != 0 || cap(b) != tt.want {
				t.Errorf("Get(%d): len %d, cap %d; want 0, %d", tt.size, len(b), cap(b), tt.want)
			}
			p.Put(b)
		}
	}
}

// TestBufferPoolClears: nobody finds another's bytes in a buffer, however it was
// cut before it was put.
func TestBufferPoolClears(t *testing.T) {
	var p BufferPool
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				b := p.Get(500 << (i % 4))
				all := b[:cap(b)]
				if !bytes.Equal(all, make([]byte, len(all))) {
					t.Error("a buffer was not clear")
					return
				}
				for j := range all {
					all[j] = byte('a' + g)
				}
				p.Put(all[:i%100])
			}
		})
	}
	wg.Wait()
}

func TestBufferPoolTakesAnySlice(t *testing.T) {
	var p BufferPool
	for _, b := range [][]byte{nil, {}, make([]byte, 3), make([]byte, 700), make([]byte, 2<<20)} {
		for i := range b {
			b[i] = 'x'
		}
		p.Put(b)
		if bytes.Contains(b, []byte("x")) {
			t.Errorf("%d bytes were not cleared", len(b))
		}
	}
	part := make([]byte, 4096)
	p.Put(part[1024:1536:1536]) // 512 bytes of something larger: a class's size, and theirs alone
	if b := p.Get(1); cap(b) != 512 {
		t.Errorf("cap %d", cap(b))
	}
}

func TestBufferPoolAllocates(t *testing.T) {
	var p BufferPool
	p.Put(p.Get(4096))
	if n := testing.AllocsPerRun(1000, func() { p.Put(p.Get(4096)) }); n >= 1 {
		// The race detector makes sync.Pool forget at random; else it is 0.
		t.Errorf("Get and Put allocate %v times", n)
	}
}

func BenchmarkBufferPool(b *testing.B) {
	var p BufferPool
	b.ReportAllocs()
	for b.Loop() {
		p.Put(p.Get(4096))
	}
}
