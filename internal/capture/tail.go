package capture

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/sink"
)

// records is how a body is made of records that stand each for itself.
type records uint8

const (
	noRecords records = iota
	lines             // a JSON value in each line
	events            // server-sent events, with an empty line behind each
)

// recordsOf returns the records of a body of this content type.
func recordsOf(ct string) records {
	media, _, _ := strings.Cut(ct, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "text/event-stream":
		return events
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
		"application/jsonlines", "application/x-jsonlines":
		return lines
	}
	return noRecords
}

// ends lists what ends a record.
func (r records) ends() []string {
	if r == lines {
		return []string{"\n"}
	}
	return []string{"\n\n", "\r\n\r\n", "\r\r"}
}

// firstEnd returns where the first record in b, or what is left of it, ends: len(b)
// if it does not.
func (r records) firstEnd(b []byte) int {
	at := len(b)
	for _, sep := range r.ends() {
		if i := bytes.Index(b, []byte(sep)); i >= 0 {
			at = min(at, i+len(sep))
		}
	}
	return at
}

// lastEnd returns where the last whole record in b ends; 0 if there is none.
func (r records) lastEnd(b []byte) int {
	at := 0
	for _, sep := range r.ends() {
		if i := bytes.LastIndex(b, []byte(sep)); i >= 0 {
			at = max(at, i+len(sep))
		}
	}
	return at
}

// gap is a record that says how many bytes are left out in its place.
func (r records) gap(n int64) string {
	size := strconv.FormatInt(n, 10)
	if r == lines {
		return `"[` + size + ` bytes not kept]"` + "\n"
	}
	return ": " + size + " bytes not kept\n\n"
}

// tail is what went by last, behind a Body's limit.
type tail struct {
	buf     []byte // up to twice last
	last    int    // how many bytes are to be kept
	records records
}

// addLast keeps the last t.last bytes at least. When the buffer, of twice that
// size, is full, they are moved to its beginning.
func addLast[S string | []byte](t *tail, pool *sink.BufferPool, p S) {
	if t.buf == nil {
		t.buf = pool.Get(2 * t.last)
	}
	if len(p) > t.last {
		t.buf = t.buf[:0]
		p = p[len(p)-t.last:]
	}
	if len(t.buf)+len(p) > 2*t.last {
		keep := t.last - len(p)
		n := copy(t.buf, t.buf[len(t.buf)-keep:])
		t.buf = t.buf[:n]
	}
	t.buf = append(t.buf, p...)
}

// join puts what was kept of the body's end behind what was kept of its beginning,
// whole records of both, and reports whether that is the whole body.
func (c *Body) join(pool *sink.BufferPool) bool {
	t := c.tail
	defer pool.Put(t.buf)
	if t.last == 0 {
		return false
	}
	head, end, gap := c.buf, t.buf[max(0, len(t.buf)-t.last):], ""
	whole := int64(len(head)+len(end)) == c.Size
	if !whole {
		end = end[t.records.firstEnd(end):]
		head = head[:t.records.lastEnd(head)]
		gap = t.records.gap(c.Size - int64(len(head)+len(end)))
	}
	all := append(append(append(pool.Get(len(head)+len(gap)+len(end)), head...), gap...), end...)
	if c.buf != nil {
		pool.Put(c.buf)
	}
	c.buf = all
	return whole
}
