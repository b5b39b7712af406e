package capture

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Why a body's content is missing or cut; see [entry.Body.Reason].
const (
	ReasonBinary = "binary"
	ReasonLimit  = "capture limit"
	// ReasonPartial is that of a piece of something.
	ReasonPartial = "partial content"
)

// Body is the first bytes of a body, in a buffer of the queue's pool that is taken
// when the first byte comes, and where asked for the last ones. Its owner's lock
// guards it. The zero value keeps none and counts.
type Body struct {
	// Size is how many bytes have gone by.
	Size int64

	buf   []byte
	hint  int64 // the declared length, less than 1 if none
	limit int
	tail  *tail // nil: nothing is kept of the end
	// Why nothing is captured.
	binary, partial bool
}

// Begin says how much of a body of the given type and declared length is kept; a
// length less than 1 is none.
func (c *Body) Begin(limit int, contentType string, declared int64) {
	c.limit, c.hint = limit, declared
	if limit > 0 && BinaryType(contentType) {
		c.limit, c.binary = 0, true
	}
}

// KeepEnd says how many bytes are kept of the body's end as well, after Begin. It
// does nothing for a body that is not made of records, or is encoded.
func (c *Body) KeepEnd(last int, contentType, contentEncoding string) {
	if last <= 0 || c.binary || contentEncoding != "" {
		return
	}
	if r := recordsOf(contentType); r != noRecords {
		c.tail = &tail{last: last, records: r}
	}
}

// Partial says that the body is a piece of something: it is only counted, since a
// piece from the middle can not be sanitized; what names its values is missing.
func (c *Body) Partial() { c.limit, c.tail, c.partial = 0, nil, true }

// Add takes what has gone by. firstBuffer is the size of the buffer that a body of
// unknown length starts with.
func Add[S string | []byte](c *Body, pool *sink.BufferPool, p S, firstBuffer int) {
	c.Size += int64(len(p))
	if room := c.limit - len(c.buf); room > 0 && len(p) > 0 {
		n := min(room, len(p))
		c.buf = append(c.grow(pool, n, firstBuffer), p[:n]...)
		p = p[n:]
	}
	if c.tail != nil && len(p) > 0 {
		addLast(c.tail, pool, p)
	}
}

// maxHint bounds what is taken on the strength of a declared length, in bytes: a peer
// may announce megabytes and send one byte a minute. It is the default bound of a body.
const maxHint = 64 << 10

// grow returns the buffer with room for n more bytes.
func (c *Body) grow(pool *sink.BufferPool, n, firstBuffer int) []byte {
	need := len(c.buf) + n
	if need <= cap(c.buf) {
		return c.buf
	}
	want := 2 * cap(c.buf)
	if c.buf == nil {
		want = firstBuffer
		if c.hint > 0 {
			want = int(min(c.hint, int64(c.limit), maxHint))
		}
	}
	b := append(pool.Get(min(max(need, want), max(c.limit, need))), c.buf...)
	if c.buf != nil {
		pool.Put(c.buf)
	}
	c.buf = b
	return b
}

// Read takes a whole body of the given size that can be looked at: at reads into
// dst what lies at an offset, and returns how much there was.
func (c *Body) Read(pool *sink.BufferPool, size int64, at func(dst []byte, offset int64) int) {
	c.Size = size
	if n := int(min(size, int64(c.limit))); n > 0 {
		b := pool.Get(n)
		c.buf = b[:at(b[:n], 0)]
	}
	t := c.tail
	if t == nil || size <= int64(len(c.buf)) {
		return
	}
	from := max(int64(len(c.buf)), size-int64(t.last))
	n := int(size - from)
	t.buf = pool.Get(n)
	t.buf = t.buf[:at(t.buf[:n], from)]
}

// Wants reports whether more bytes would be kept.
func (c *Body) Wants() bool { return c.limit > len(c.buf) || c.tail != nil }

// Room returns how many more bytes of the body's beginning would be kept.
func (c *Body) Room() int { return max(0, c.limit-len(c.buf)) }

// Stop keeps what there is; from now on Add counts only.
func (c *Body) Stop() { c.limit, c.tail = min(c.limit, len(c.buf)), nil }

// Undo takes back the last n bytes of what was added: they did not go out.
func (c *Body) Undo(n int) {
	c.Size -= int64(n)
	if t := c.tail; t != nil {
		t.buf = t.buf[:max(0, len(t.buf)-n)]
	}
	if int64(len(c.buf)) > c.Size {
		c.buf = c.buf[:max(0, c.Size)]
	}
}

// Restart forgets what was added: the body goes by again from its beginning.
func (c *Body) Restart() {
	c.Size, c.buf = 0, c.buf[:0]
	if c.tail != nil {
		c.tail.buf = c.tail.buf[:0]
	}
}

// Cut leaves of what was captured what the given bounds allow.
func (c *Body) Cut(pool *sink.BufferPool, first, last int) {
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

// Detach hands the buffer over to b and says there how much of the body it is; a
// body of which nothing was wanted is Truncated without a Reason. From now on Add
// counts only.
func (c *Body) Detach(pool *sink.BufferPool, b *entry.Body) {
	whole := c.Size <= int64(len(c.buf))
	if c.tail != nil && c.tail.buf != nil {
		whole = c.join(pool)
	}
	b.Raw, b.Size, b.Truncated, b.Reason = c.buf, c.Size, !whole, ""
	switch {
	case whole:
	case c.partial:
		b.Reason = ReasonPartial
	case c.binary:
		b.Reason = ReasonBinary
	case c.limit > 0 || len(c.buf) > 0:
		b.Reason = ReasonLimit
	}
	c.buf, c.tail, c.limit = nil, nil, 0
}
