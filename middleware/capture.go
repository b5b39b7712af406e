package middleware

import (
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Why a body's content is missing or cut; see [entry.Body.Reason].
const (
	reasonBinary = "binary"
	reasonFile   = "file"
	reasonUnread = "unread"
	reasonLimit  = "capture limit"
)

// firstBuffer is what a body of unknown length starts with, in bytes.
const firstBuffer = 2 << 10

// capture is the first bytes of a body, in a buffer of the queue's pool that is
// taken when the first byte comes. Its exchange's lock guards it.
type capture struct {
	buf    []byte
	size   int64 // bytes that went by
	hint   int64 // the declared length, -1 if none
	limit  int
	reason string // why nothing is captured
}

// begin says how much of a body of the given type and declared length is kept.
func (c *capture) begin(limit int, contentType string, declared int64) {
	c.limit, c.hint = limit, declared
	if limit > 0 && binaryType(contentType) {
		c.limit, c.reason = 0, reasonBinary
	}
}

// add takes what has gone by.
func (c *capture) add(pool *sink.BufferPool, p []byte) {
	c.size += int64(len(p))
	room := c.limit - len(c.buf)
	if room <= 0 || len(p) == 0 {
		return
	}
	if len(p) > room {
		p = p[:room]
	}
	c.buf = append(c.grow(pool, len(p)), p...)
}

// addString is add for a string.
func (c *capture) addString(pool *sink.BufferPool, p string) {
	c.size += int64(len(p))
	room := c.limit - len(c.buf)
	if room <= 0 || len(p) == 0 {
		return
	}
	if len(p) > room {
		p = p[:room]
	}
	c.buf = append(c.grow(pool, len(p)), p...)
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
	// Bytes beyond the limit were counted only.
	if over := c.size - int64(len(c.buf)); over < int64(n) && c.limit > 0 {
		c.buf = c.buf[:len(c.buf)-(n-int(over))]
	}
	c.size -= int64(n)
}

// detach hands the buffer over to b. From now on add counts only.
func (c *capture) detach(b *entry.Body) {
	b.Raw, b.Size, b.Reason = c.buf, c.size, c.reason
	switch {
	case c.size == 0:
		b.Reason = ""
	case c.reason != "":
		b.Truncated = true
	case c.size > int64(len(c.buf)):
		b.Truncated = true
		if c.limit > 0 {
			b.Reason = reasonLimit
		}
	}
	c.buf, c.limit = nil, 0
}

// binaryType reports whether a body of this content type is known to show nothing
// to a reader. Compressed text is not meant: that is Content-Encoding.
func binaryType(ct string) bool {
	if i := strings.IndexByte(ct, ';'); i >= 0 {
		ct = ct[:i]
	}
	ct = strings.TrimSpace(ct)
	major, minor, ok := strings.Cut(ct, "/")
	if !ok || len(minor) == 0 {
		return false
	}
	switch len(major) {
	case 4: // font, text
		return strings.EqualFold(major, "font")
	case 5:
		if strings.EqualFold(major, "image") {
			return !strings.EqualFold(minor, "svg+xml")
		}
		return strings.EqualFold(major, "video") || strings.EqualFold(major, "audio") || strings.EqualFold(major, "model")
	case 11:
		if !strings.EqualFold(major, "application") {
			return false
		}
	default:
		return false
	}
	if len(minor) == 4 && strings.EqualFold(minor, "json") {
		return false // by far the most frequent: spare it the list
	}
	for _, b := range [...]string{
		"octet-stream", "zip", "gzip", "x-gzip", "zstd", "x-tar", "x-bzip2", "x-xz", "x-7z-compressed",
		"vnd.rar", "java-archive", "pdf", "wasm", "protobuf", "x-protobuf", "vnd.google.protobuf",
		"msgpack", "x-msgpack", "vnd.msgpack", "cbor", "avro",
		"msword", "vnd.android.package-archive", "x-shockwave-flash",
	} {
		if strings.EqualFold(minor, b) {
			return true
		}
	}
	for _, prefix := range [...]string{"grpc", "vnd.ms-", "vnd.openxmlformats-", "vnd.oasis.opendocument.", "font-", "x-font-"} {
		if len(minor) >= len(prefix) && strings.EqualFold(minor[:len(prefix)], prefix) {
			// grpc-web-text and grpc+json are text.
			return !strings.Contains(minor, "json") && !strings.Contains(minor, "text")
		}
	}
	return false
}
