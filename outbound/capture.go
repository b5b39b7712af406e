package outbound

import "github.com/txtrail/txtrail/sink"

// captured is the first bytes of a body, in a buffer of the queue's pool that is
// taken when the first byte comes, and the number of all. Its call's lock guards it.
type captured struct {
	buf  []byte
	max  int   // bytes kept; 0 counts only
	hint int64 // the declared length, less than 1 if none
	size int64 // bytes that went by
	eof  bool
}

// firstBuffer is the size of the first buffer for a body of unknown length: most
// JSON answers are smaller.
const firstBuffer = 4 << 10

func (c *captured) add(pool *sink.BufferPool, p []byte) {
	c.size += int64(len(p))
	room := c.max - len(c.buf)
	if room <= 0 || len(p) == 0 {
		return
	}
	p = p[:min(len(p), room)]
	if need := len(c.buf) + len(p); need > cap(c.buf) {
		want := 2 * cap(c.buf)
		if c.buf == nil {
			if want = firstBuffer; c.hint > 0 {
				want = int(min(c.hint, int64(c.max)))
			}
		}
		grown := append(pool.Get(max(need, min(want, c.max))), c.buf...)
		if c.buf != nil {
			pool.Put(c.buf)
		}
		c.buf = grown
	}
	c.buf = append(c.buf, p...)
}

// restart forgets what was captured: the body is sent again from its beginning.
func (c *captured) restart() {
	c.buf = c.buf[:0]
	c.size = 0
	c.eof = false
}

// take gives the buffer away.
func (c *captured) take() []byte {
	b := c.buf
	c.buf = nil
	return b
}
