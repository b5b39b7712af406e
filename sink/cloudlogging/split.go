package cloudloggingsink

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// pieceBytes is how much of the large fields goes into one part: what is beside
// them, and the lengths and tags of a few hundred headers, has room below maxEntry.
const pieceBytes = 160 << 10

// split appends an entry that is larger than the service takes as numbered parts:
// LogEntries of one split.uid, each valid in itself and of the shape of every other
// entry, so that an export takes them. The first part has all that an entry is found
// by, and of lists and bodies as much as there is room for: headers before labels,
// attributes, the stack, and the bodies last. The following parts go on in the same
// fields. Appending each field's pieces in order makes the entry whole again.
func (x *encoder) split(dst, line []byte, now time.Time) ([]byte, int, error) {
	e, err := entry.Parse(line)
	if err != nil {
		return dst, 0, fmt.Errorf("%w: %w", errLine, err)
	}
	pieces := cutUp(e)
	uid := e.InsertID
	if uid == "" {
		uid = "txtrail" + sum(line)
		for i, p := range pieces {
			if i == 0 {
				p.InsertID = uid
			} else {
				p.InsertID = partID(uid, i)
			}
		}
	}
	start := len(dst)
	var buf []byte
	for i, p := range pieces {
		buf = p.AppendJSON(buf[:0])
		if dst, err = x.append(dst, buf, now, part{uid: uid, index: i, total: len(pieces)}); err != nil {
			return dst[:start], 0, fmt.Errorf("part %d of %d: %w", i+1, len(pieces), err)
		}
	}
	return dst, len(pieces), nil
}

// partID is the insertId of the i-th part: of its own, or the service would take
// the parts for one.
func partID(uid string, i int) string { return fmt.Sprintf("%s~%04d", uid, i) }

// cutter deals an entry's large fields out to pieces.
type cutter struct {
	whole  *entry.Entry
	pieces []*entry.Entry
	left   int // room in the last piece
}

func cutUp(e *entry.Entry) []*entry.Entry {
	c := &cutter{whole: e}
	first := &entry.Entry{
		Time: e.Time, TxID: e.TxID, InsertID: e.InsertID, Severity: e.Severity, Kind: e.Kind, Message: e.Message,
		Span: e.Span, Parent: e.Parent, Origin: e.Origin, Refused: e.Refused, Trace: e.Trace,
		HTTP: e.HTTP, Peer: e.Peer, Latency: e.Latency, Timings: e.Timings, Request: e.Request, Response: e.Response,
		Error: e.Error, Flags: e.Flags, Facts: e.Facts, Logger: e.Logger, Source: e.Source, Gap: e.Gap, Redactions: e.Redactions,
	}
	first.Request.Headers, first.Request.Trailers, first.Request.Body.Content = nil, nil, nil
	first.Response.Headers, first.Response.Trailers, first.Response.Body.Content = nil, nil, nil
	first.Error.Stack = ""
	if e.Resource != nil {
		r := *e.Resource
		r.Attributes = nil
		first.Resource = &r
	}
	c.pieces, c.left = []*entry.Entry{first}, pieceBytes

	cutList(c, e.Request.Headers, func(p *entry.Entry) *[]entry.Header { return &p.Request.Headers })
	cutList(c, e.Request.Trailers, func(p *entry.Entry) *[]entry.Header { return &p.Request.Trailers })
	cutList(c, e.Response.Headers, func(p *entry.Entry) *[]entry.Header { return &p.Response.Headers })
	cutList(c, e.Response.Trailers, func(p *entry.Entry) *[]entry.Header { return &p.Response.Trailers })
	cutList(c, e.Labels, func(p *entry.Entry) *[]entry.Label { return &p.Labels })
	cutList(c, e.Attributes, func(p *entry.Entry) *[]entry.Label { return &p.Attributes })
	if e.Resource != nil {
		cutList(c, e.Resource.Attributes, func(p *entry.Entry) *[]entry.Label { return &p.Resource.Attributes })
	}
	c.text(e.Error.Stack, func(p *entry.Entry, s string) { p.Error.Stack = s })
	c.text(string(e.Request.Body.Content), func(p *entry.Entry, s string) { p.Request.Body.Content = []byte(s) })
	c.text(string(e.Response.Body.Content), func(p *entry.Entry, s string) { p.Response.Body.Content = []byte(s) })
	return c.pieces
}

func (c *cutter) last() *entry.Entry { return c.pieces[len(c.pieces)-1] }

// next begins another piece. It has what a filter may ask for beside the scenario's
// ID, and none of what would count the exchange twice, as its status would.
func (c *cutter) next() {
	e := c.whole
	p := &entry.Entry{Time: e.Time, TxID: e.TxID, Severity: e.Severity, Kind: e.Kind, Span: e.Span, InsertID: partID(e.InsertID, len(c.pieces))}
	p.Resource = &entry.Resource{}
	if r := e.Resource; r != nil {
		p.Resource.Service, p.Resource.Version, p.Resource.Environment = r.Service, r.Version, r.Environment
	}
	p.Facts.UserID = e.Facts.UserID
	c.pieces, c.left = append(c.pieces, p), pieceBytes
}

// pairBytes is what a pair takes beside its texts, at most.
const pairBytes = 48

func cutList[T entry.Header | entry.Label](c *cutter, items []T, field func(*entry.Entry) *[]T) {
	for _, item := range items {
		pair := entry.Label(item)
		n := 2*(len(pair.Name)+len(pair.Value)) + pairBytes // labels are there twice
		if n > c.left && c.left < pieceBytes {
			c.next()
		}
		c.left -= n
		f := field(c.last())
		*f = append(*f, item)
	}
}

// text deals out a string, cut at runes' edges.
func (c *cutter) text(s string, set func(*entry.Entry, string)) {
	for s != "" {
		if c.left < 4<<10 {
			c.next()
		}
		n := min(c.left, len(s))
		for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		c.left -= n
		set(c.last(), s[:n])
		s = s[n:]
	}
}
