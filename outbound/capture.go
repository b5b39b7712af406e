package outbound

import (
	"strings"

	"github.com/txtrail/txtrail/sink"
)

// capture keeps the first bytes of a body in a buffer of the queue's pool, and
// counts all of them. It is guarded by its call's lock.
type capture struct {
	buf  []byte
	max  int // bytes kept; 0 counts only
	size int64
	eof  bool
}

// firstBuffer is the size of the first buffer for a body of unknown length: most
// JSON answers are smaller.
const firstBuffer = 4 << 10

// expect takes a buffer for a body of n bytes, -1 for an unknown number.
func (c *capture) expect(pool *sink.BufferPool, n int64) {
	if c.max == 0 || n == 0 {
		return
	}
	if n < 0 {
		n = firstBuffer
	}
	c.buf = pool.Get(int(min(n, int64(c.max))))
}

func (c *capture) add(pool *sink.BufferPool, p []byte) {
	c.size += int64(len(p))
	room := c.max - len(c.buf)
	if room <= 0 || len(p) == 0 {
		return
	}
	p = p[:min(len(p), room)]
	if need := len(c.buf) + len(p); need > cap(c.buf) {
		grown := pool.Get(min(max(need, 2*cap(c.buf)), c.max))
		grown = append(grown, c.buf...)
		if c.buf != nil {
			pool.Put(c.buf)
		}
		c.buf = grown
	}
	c.buf = append(c.buf, p...)
}

// restart forgets what was captured: the body is sent again from its beginning.
func (c *capture) restart() {
	c.buf = c.buf[:0]
	c.size = 0
	c.eof = false
}

// take gives the buffer away.
func (c *capture) take() []byte {
	b := c.buf
	c.buf = nil
	return b
}

// binaryType reports whether bodies of a content type are worth their size only.
// A type that is not listed is captured: the sanitizer decides what of it may be
// shown, and an unnamed type is JSON more often than not.
func binaryType(ct string) bool {
	ct, _, _ = strings.Cut(ct, ";")
	ct = strings.TrimSpace(ct)
	major, minor, ok := strings.Cut(ct, "/")
	if !ok {
		return false
	}
	if len(minor) > 4 && (strings.EqualFold(minor[len(minor)-4:], "json") || strings.EqualFold(minor[len(minor)-4:], "+xml")) {
		return false
	}
	switch {
	case strings.EqualFold(major, "image"), strings.EqualFold(major, "audio"), strings.EqualFold(major, "video"), strings.EqualFold(major, "font"):
		return true
	case !strings.EqualFold(major, "application"):
		return false
	}
	switch minor = strings.ToLower(minor); minor {
	case "octet-stream", "pdf", "wasm", "zip", "gzip", "x-gzip", "zstd", "x-tar", "x-7z-compressed", "x-bzip2", "x-rar-compressed",
		"java-archive", "protobuf", "x-protobuf", "x-google-protobuf", "vnd.google.protobuf", "proto", "grpc", "grpc-web",
		"msgpack", "x-msgpack", "vnd.msgpack", "cbor", "avro", "x-avro", "vnd.apache.parquet", "vnd.apache.arrow.stream", "x-thrift",
		"vnd.android.package-archive", "vnd.ms-excel", "msword", "x-sqlite3", "vnd.sqlite3":
		return true
	}
	return strings.HasPrefix(minor, "grpc+proto") || strings.HasPrefix(minor, "grpc-web+proto") || strings.HasPrefix(minor, "connect+proto") ||
		strings.HasPrefix(minor, "vnd.openxmlformats-")
}
