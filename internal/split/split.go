package split

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// ErrTooLarge is returned for an entry whose small fields, or one pair of a list,
// take more than a part.
var ErrTooLarge = errors.New("split: a field is larger than a part")

// minText is the least of a text that is put at the end of a part: less is not worth
// it.
const minText = 256

// Limits say how large a part may be. They must be set in full.
type Limits struct {
	// Part is how many bytes a part takes at most.
	Part int
	// Base returns how many a part takes that has none of the large fields yet.
	Base func(*entry.Entry) int
	// Text returns how many of s, which is UTF-8, fit into room bytes, and how many they
	// take there. It may cut within a rune.
	Text func(s string, room int) (fit, take int)
	// Pair is what a name and a value take beside their texts.
	Pair int
	// Copies is how often a label's texts are there.
	Copies int
}

// ID is the insertId of the i-th part: the entry's own for the first, one of its own
// for each other, since the same would be taken for the same.
func ID(uid string, i int) string {
	if i == 0 {
		return uid
	}
	return fmt.Sprintf("%s~%04d", uid, i)
}

// Cut returns the parts, at least one. They share e's strings. e must have an
// insertId.
func Cut(e *entry.Entry, l *Limits) ([]*entry.Entry, error) {
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
	c := &cutter{whole: e, limits: l}
	spilled := l.Base(first) > l.Part
	if spilled {
		first.Flags, first.Redactions, first.Facts.Carried, first.Message, first.Error.Message = nil, nil, nil, "", ""
	}
	c.add(first)
	cutList(c, 1, e.Request.Headers, func(p *entry.Entry) *[]entry.Header { return &p.Request.Headers })
	cutList(c, 1, e.Response.Headers, func(p *entry.Entry) *[]entry.Header { return &p.Response.Headers })
	cutList(c, 1, e.Request.Trailers, func(p *entry.Entry) *[]entry.Header { return &p.Request.Trailers })
	cutList(c, 1, e.Response.Trailers, func(p *entry.Entry) *[]entry.Header { return &p.Response.Trailers })
	cutList(c, l.Copies, e.Labels, func(p *entry.Entry) *[]entry.Label { return &p.Labels })
	cutList(c, 1, e.Attributes, func(p *entry.Entry) *[]entry.Label { return &p.Attributes })
	if e.Resource != nil {
		cutList(c, 1, e.Resource.Attributes, func(p *entry.Entry) *[]entry.Label { return &p.Resource.Attributes })
	}
	if spilled {
		c.spill()
	}
	c.text(e.Error.Stack, func(p *entry.Entry, s string) { p.Error.Stack = s })
	c.text(string(e.Request.Body.Content), func(p *entry.Entry, s string) { p.Request.Body.Content = []byte(s) })
	c.text(string(e.Response.Body.Content), func(p *entry.Entry, s string) { p.Response.Body.Content = []byte(s) })
	return c.parts, c.err
}

// spill deals out what are small fields as a rule.
func (c *cutter) spill() {
	e := c.whole
	cutItems(c, e.Flags, func(f string) (int, string) { return c.size(f) + c.limits.Pair, f }, func(p *entry.Entry) *[]string { return &p.Flags })
	cutItems(c, e.Redactions, func(r entry.Redaction) (int, string) { return c.size(r.Rule) + c.limits.Pair + digits, r.Rule },
		func(p *entry.Entry) *[]entry.Redaction { return &p.Redactions })
	cutList(c, 1, e.Facts.Carried, func(p *entry.Entry) *[]entry.Label { return &p.Facts.Carried })
	c.text(e.Message, func(p *entry.Entry, s string) { p.Message = s })
	c.text(e.Error.Message, func(p *entry.Entry, s string) { p.Error.Message = s })
}

// digits is what a count takes at most.
const digits = 20

// cutter deals an entry's large fields out to parts.
type cutter struct {
	whole  *entry.Entry
	limits *Limits
	parts  []*entry.Entry
	left   int  // room in the last part
	empty  bool // nothing large is in it yet
	err    error
}

func (c *cutter) last() *entry.Entry { return c.parts[len(c.parts)-1] }

func (c *cutter) add(p *entry.Entry) {
	c.parts, c.empty = append(c.parts, p), true
	if c.left = c.limits.Part - c.limits.Base(p); c.left < 0 && c.err == nil {
		c.err = fmt.Errorf("%w: %d bytes, of at most %d, before its lists and bodies", ErrTooLarge, c.limits.Part-c.left, c.limits.Part)
	}
}

// next begins another part. It has what a filter may ask for beside the scenario's
// ID, and none of what would count the exchange twice, as its status would.
func (c *cutter) next() {
	e := c.whole
	p := &entry.Entry{
		Time: e.Time, TxID: e.TxID, Severity: e.Severity, Kind: e.Kind, Span: e.Span, InsertID: ID(e.InsertID, len(c.parts)),
		Resource: &entry.Resource{}, Facts: entry.Facts{UserID: e.Facts.UserID},
	}
	if r := e.Resource; r != nil {
		p.Resource.Service, p.Resource.Version, p.Resource.Environment = r.Service, r.Version, r.Environment
	}
	c.add(p)
}

// more reports whether another part has more room than the last one: all of them have the
// same, but for the first, which has all the small fields.
func (c *cutter) more() bool { return !c.empty || len(c.parts) == 1 }

// size is what a text takes.
func (c *cutter) size(s string) int {
	const all = 1 << 40
	_, n := c.limits.Text(s, all)
	return n
}

func cutList[T entry.Header | entry.Label](c *cutter, copies int, items []T, field func(*entry.Entry) *[]T) {
	cutItems(c, items, func(item T) (int, string) {
		pair := entry.Label(item)
		return copies * (c.size(pair.Name) + c.size(pair.Value) + c.limits.Pair), pair.Name
	}, field)
}

// cutItems deals out a list; size says what an item takes, and its name.
func cutItems[T any](c *cutter, items []T, size func(T) (int, string), field func(*entry.Entry) *[]T) {
	for _, item := range items {
		n, name := size(item)
		if n > c.left && c.more() {
			c.next()
		}
		if n > c.left && c.err == nil {
			c.err = fmt.Errorf("%w: %.80q takes %d bytes", ErrTooLarge, name, n)
		}
		if c.err != nil {
			return
		}
		c.left -= n
		c.empty = false
		f := field(c.last())
		*f = append(*f, item)
	}
}

// text deals out a string, cut at runes' edges.
func (c *cutter) text(s string, set func(*entry.Entry, string)) {
	for s != "" && c.err == nil {
		if c.left < minText && c.more() {
			c.next()
			continue
		}
		n, take := c.limits.Text(s, c.left-c.limits.Pair)
		for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		if n == 0 {
			if !c.more() {
				c.err = fmt.Errorf("%w: no room for a text", ErrTooLarge)
				return
			}
			c.next()
			continue
		}
		c.left -= take + c.limits.Pair
		c.empty = false
		set(c.last(), s[:n])
		s = s[n:]
	}
}
