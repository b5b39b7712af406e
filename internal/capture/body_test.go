package capture

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

const firstBuffer = 512

// take captures text in pieces of the given size.
func take(pool *sink.BufferPool, c *Body, text string, piece int) entry.Body {
	for text != "" {
		n := min(piece, len(text))
		Add(c, pool, text[:n], firstBuffer)
		text = text[n:]
	}
	var b entry.Body
	c.Detach(pool, &b)
	return b
}

// asText has an empty buffer equal none.
var asText = cmp.Transformer("text", func(b []byte) string { return string(b) })

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i)
	}
	return b.String()
}

func TestBody(t *testing.T) {
	const ndjson = "application/x-ndjson"
	long := strings.Repeat("0123456789", 200)
	for _, c := range []struct {
		name, ctype, encoding, text string
		first, last                 int
		want                        entry.Body
	}{
		{"nothing", "text/plain", "", "", 10, 0, entry.Body{}},
		{"whole", "text/plain", "", "0123456789", 10, 0, entry.Body{Raw: []byte("0123456789"), Size: 10}},
		{"one byte more", "text/plain", "", "0123456789a", 10, 0, entry.Body{Raw: []byte("0123456789"), Size: 11, Truncated: true, Reason: ReasonLimit}},
		{"long", "", "", long, 1500, 0, entry.Body{Raw: []byte(long[:1500]), Size: 2000, Truncated: true, Reason: ReasonLimit}},
		{"nothing wanted", "text/plain", "", "abc", 0, 0, entry.Body{Size: 3, Truncated: true}},
		{"binary", "image/png", "", "abc", 10, 10, entry.Body{Size: 3, Truncated: true, Reason: ReasonBinary}},
		{"both ends", ndjson, "", numbered(20), 20, 20, entry.Body{
			Raw: []byte("{\"n\":0}\n{\"n\":1}\n\"[136 bytes not kept]\"\n{\"n\":18}\n{\"n\":19}\n"), Size: 170, Truncated: true, Reason: ReasonLimit,
		}},
		{"both ends are all", ndjson, "", numbered(4), 20, 20, entry.Body{Raw: []byte(numbered(4)), Size: 32}},
		{"the end alone", ndjson, "", numbered(20), 0, 10, entry.Body{
			Raw: []byte("\"[161 bytes not kept]\"\n{\"n\":19}\n"), Size: 170, Truncated: true, Reason: ReasonLimit,
		}},
		{"no end of what is no record", "text/plain", "", numbered(20), 20, 20, entry.Body{Raw: []byte(numbered(20)[:20]), Size: 170, Truncated: true, Reason: ReasonLimit}},
		{"no end of what is encoded", ndjson, "gzip", numbered(20), 20, 20, entry.Body{Raw: []byte(numbered(20)[:20]), Size: 170, Truncated: true, Reason: ReasonLimit}},
	} {
		pool := &sink.BufferPool{}
		begin := func() *Body {
			b := &Body{}
			b.Begin(c.first, c.ctype, -1)
			b.KeepEnd(c.last, c.ctype, c.encoding)
			return b
		}
		for _, piece := range []int{1, 7, 1 << 20} {
			if d := cmp.Diff(c.want, take(pool, begin(), c.text, piece), asText); d != "" {
				t.Errorf("%s in pieces of %d:\n%s", c.name, piece, d)
			}
			again := begin()
			Add(again, pool, "something else", firstBuffer)
			again.Restart()
			if d := cmp.Diff(c.want, take(pool, again, c.text, piece), asText); d != "" {
				t.Errorf("%s, restarted:\n%s", c.name, d)
			}
		}
		at := begin()
		at.Read(pool, int64(len(c.text)), func(dst []byte, offset int64) int { return copy(dst, c.text[offset:]) })
		var got entry.Body
		at.Detach(pool, &got)
		if d := cmp.Diff(c.want, got, asText); d != "" {
			t.Errorf("%s, read at once:\n%s", c.name, d)
		}
	}
}

func TestBodyUndoAndCut(t *testing.T) {
	pool := &sink.BufferPool{}
	c := &Body{}
	c.Begin(10, "text/plain", 8)
	Add(c, pool, "01234567", firstBuffer)
	c.Undo(3)
	Add(c, pool, []byte("abcdefgh"), firstBuffer)
	c.Undo(1)
	c.Cut(pool, 8, 0)
	var b entry.Body
	c.Detach(pool, &b)
	if d := cmp.Diff(entry.Body{Raw: []byte("01234abc"), Size: 12, Truncated: true, Reason: ReasonLimit}, b); d != "" {
		t.Error(d)
	}
	Add(c, pool, "more", firstBuffer)
	if c.Size != 16 || c.buf != nil {
		t.Errorf("%d bytes, %q after it was detached", c.Size, c.buf)
	}
	c = &Body{}
	c.Begin(10, "text/plain", -1)
	Add(c, pool, "abc", firstBuffer)
	c.Cut(pool, 0, 0)
	b = entry.Body{}
	c.Detach(pool, &b)
	if d := cmp.Diff(entry.Body{Size: 3, Truncated: true}, b); d != "" {
		t.Error(d)
	}
}

// Whatever goes by in whatever pieces: what is kept is whole records of it and one
// that tells of the gap, within the bounds.
func FuzzBody(f *testing.F) {
	f.Add([]byte(numbered(30)), 40, 40, 3, false)
	f.Add([]byte("data: a\r\n\r\ndata: b\n\ndata: c\r\rdata: d"), 8, 12, 1, true)
	f.Add([]byte("\n\n\n"), 1, 1, 2, true)
	f.Fuzz(func(t *testing.T, text []byte, first, last, piece int, sse bool) {
		if first < 0 || last < 1 || piece < 1 || first > 1<<16 || last > 1<<16 {
			return
		}
		ctype := "application/jsonl"
		if sse {
			ctype = "text/event-stream"
		}
		c := &Body{}
		c.Begin(first, ctype, -1)
		c.KeepEnd(last, ctype, "")
		b := take(&sink.BufferPool{}, c, string(text), piece)
		if b.Size != int64(len(text)) || !b.Truncated && !bytes.Equal(b.Raw, text) {
			t.Fatalf("%d of %d bytes, truncated %v: %q", b.Size, len(text), b.Truncated, b.Raw)
		}
		if !b.Truncated {
			return
		}
		if !bytes.HasPrefix(text, b.Raw) && !gapFits(text, b.Raw) {
			t.Fatalf("%q is not made of %q", b.Raw, text)
		}
		if len(b.Raw) > first+last+64 {
			t.Fatalf("%d bytes kept, bounds are %d and %d", len(b.Raw), first, last)
		}
	})
}

// gapFits reports whether kept is a beginning and an end of text, with a record
// between them that tells how much is missing.
func gapFits(text, kept []byte) bool {
	for i := range kept {
		for _, form := range []string{"\"[%d bytes not kept]\"\n", ": %d bytes not kept\n\n"} {
			var n int
			if _, err := fmt.Sscanf(string(kept[i:]), form, &n); err != nil && n == 0 {
				continue
			}
			rest, ok := bytes.CutPrefix(kept[i:], fmt.Appendf(nil, form, n))
			if ok && bytes.HasPrefix(text, kept[:i]) && bytes.HasSuffix(text, rest) && i+n+len(rest) == len(text) {
				return true
			}
		}
	}
	return false
}

func TestAddAllocatesNothing(t *testing.T) {
	pool := &sink.BufferPool{}
	p := make([]byte, 100)
	if n := testing.AllocsPerRun(100, func() {
		var c Body
		var b entry.Body
		c.Begin(1000, "text/plain", 200)
		Add(&c, pool, p, firstBuffer)
		Add(&c, pool, p, firstBuffer)
		c.Detach(pool, &b)
		pool.Put(b.Raw)
	}); n >= 1 { // the race detector makes sync.Pool forget at random
		t.Errorf("%v allocations", n)
	}
}

// A body that goes on past us is kept as far as it was seen.
func TestStop(t *testing.T) {
	var pool sink.BufferPool
	var c Body
	c.Begin(10, "text/plain", -1)
	Add(&c, &pool, "abc", firstBuffer)
	if !c.Wants() || c.Room() != 7 {
		t.Errorf("wants %v, room %d", c.Wants(), c.Room())
	}
	c.Stop()
	Add(&c, &pool, "def", firstBuffer)
	if c.Wants() || c.Room() != 0 {
		t.Errorf("wants %v, room %d", c.Wants(), c.Room())
	}
	var b entry.Body
	if c.Detach(&pool, &b); string(b.Raw) != "abc" || b.Size != 6 || !b.Truncated || b.Reason != ReasonLimit {
		t.Errorf("%+v", b)
	}
}

// What a peer announces is not what it sends: the memory follows the latter.
func TestAnnouncedIsNotTaken(t *testing.T) {
	const large = 8 << 20
	pool := &sink.BufferPool{}
	var b Body
	b.Begin(large, "text/plain", large)
	Add(&b, pool, "a", firstBuffer)
	if cap(b.buf) > maxHint {
		t.Errorf("%d bytes are held for 1", cap(b.buf))
	}
	for range large / 1024 {
		Add(&b, pool, strings.Repeat("a", 1024), firstBuffer)
	}
	var got entry.Body
	b.Detach(pool, &got)
	if len(got.Raw) != large || got.Size != large+1 || !got.Truncated {
		t.Errorf("%d of %d bytes kept, truncated %t", len(got.Raw), got.Size, got.Truncated)
	}
}
