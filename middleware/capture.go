package middleware

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Why a body's content is missing or cut; see [entry.Body.Reason].
const (
	reasonBinary = "binary"
	reasonFile   = "file"
	reasonUnread = "unread"
	reasonLimit  = "capture limit"
	reasonBrief  = "brief" // a strategy wanted no bodies
	// reasonPartial is that of a 206: a piece of something.
	reasonPartial = "partial content"
)

// firstBuffer is what a body of unknown length starts with, in bytes.
const firstBuffer = 2 << 10

// capture is the first bytes of a body, in a buffer of the queue's pool that is
// taken when the first byte comes, and where asked for the last ones. Its exchange's
// lock guards it.
type capture struct {
	buf    []byte
	size   int64 // bytes that went by
	hint   int64 // the declared length, -1 if none
	limit  int
	begun  bool
	reason string // why nothing is captured
	tail   *tail  // nil: nothing is kept of the end
}

// begin says how much of a body of the given type and declared length is kept.
func (c *capture) begin(limit int, contentType string, declared int64) {
	c.begun, c.limit, c.hint = true, limit, declared
	if limit > 0 && binaryType(contentType) {
		c.limit, c.reason = 0, reasonBinary
	}
}

// add takes what has gone by.
func add[S string | []byte](c *capture, pool *sink.BufferPool, p S) {
	c.size += int64(len(p))
	if room := c.limit - len(c.buf); room > 0 && len(p) > 0 {
		n := min(room, len(p))
		c.buf = append(c.grow(pool, n), p[:n]...)
		p = p[n:]
	}
	if c.tail != nil && len(p) > 0 {
		addLast(c.tail, pool, p)
	}
}

// grow returns the buffer with room for n more bytes.
func (c *capture) grow(pool *sink.BufferPool, n int) []byte {
	need := len(c.buf) + n
	if need <= cap(c.buf) {
		return c.buf
	}
	want := max(need, 2*cap(c.buf))
	if c.buf == nil {
		if c.hint > 0 {
			want = max(need, int(min(c.hint, int64(c.limit))))
		} else {
			want = max(need, firstBuffer)
		}
	}
	b := append(pool.Get(min(want, max(c.limit, need))), c.buf...)
	if c.buf != nil {
		pool.Put(c.buf)
	}
	c.buf = b
	return b
}

// undo takes back the last n bytes of what was added: they did not go out.
func (c *capture) undo(n int) {
	c.size -= int64(n)
	if t := c.tail; t != nil {
		t.buf = t.buf[:max(0, len(t.buf)-n)]
	}
	if int64(len(c.buf)) > c.size {
		c.buf = c.buf[:max(0, c.size)]
	}
}

// cut leaves of what was captured what the given bounds allow.
func (c *capture) cut(pool *sink.BufferPool, first, last int) {
	c.limit = min(c.limit, first)
	if len(c.buf) > first {
		c.buf = c.buf[:first]
	}
	if len(c.buf) == 0 && c.buf != nil {
		pool.Put(c.buf)
		c.buf = nil
	}
	if c.tail != nil {
		c.tail.last = min(c.tail.last, last)
	}
}

// detach hands the buffer over to b. From now on add counts only.
func (c *capture) detach(pool *sink.BufferPool, b *entry.Body) {
	whole := c.size <= int64(len(c.buf))
	if c.tail != nil && c.tail.buf != nil {
		whole = c.join(pool)
	}
	b.Raw, b.Size, b.Reason = c.buf, c.size, c.reason
	switch {
	case whole:
		b.Reason = ""
	case c.reason == "" && (c.limit > 0 || len(c.buf) > 0):
		b.Truncated, b.Reason = true, reasonLimit
	default:
		b.Truncated = true
	}
	c.buf, c.tail, c.limit = nil, nil, 0
}
