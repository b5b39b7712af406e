package split

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// ErrTooLarge is returned for an entry whose small fields, or one item of a list, take
// more than a part.
var ErrTooLarge = errors.New("split: a field is larger than a part")

// minText is the least of a text that is put at the end of a part: less is not worth
// it.
const minText = 256

// maxHead is what the beginning of a long address or user agent that stays in the first
// part takes there at most, and the user's name that stands in each: what takes it, not
// what it has, since an escaped byte takes six and the smallest part is 4 KiB.
const maxHead = 256

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
	// Pieces lets a pair that is larger than a part be cut. Else it is ErrTooLarge.
	Pieces bool
}

// Part is one part of an entry.
type Part struct {
	*entry.Entry
	// Joint names the list whose first pair here is the rest of the last one in the part
	// before, by name and value; or it is empty.
	Joint string
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
func Cut(e *entry.Entry, l *Limits) ([]Part, error) {
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
		h := &first.HTTP
		h.URL, h.Referer, h.UserAgent = c.head(h.URL), c.head(h.Referer), c.head(h.UserAgent)
	}
	c.add(first)
	for i := range lists {
		if lists[i].small && !spilled {
			continue
		}
		copies := 1
		if lists[i].name == "labels" {
			copies = l.Copies
		}
		cutList(c, &lists[i], copies)
	}
	if spilled {
		c.spill()
	}
	c.text(e.Error.Stack, func(p *entry.Entry, s string) { p.Error.Stack = s })
	c.text(string(e.Request.Body.Content), func(p *entry.Entry, s string) { p.Request.Body.Content = []byte(s) })
	c.text(string(e.Response.Body.Content), func(p *entry.Entry, s string) { p.Response.Body.Content = []byte(s) })
	return c.parts, c.err
}

// head is what stays in the first part of a text that is long.
func (c *cutter) head(s string) string {
	n, _ := c.cut(s, maxHead)
	return s[:n]
}

// spill deals out what are small fields as a rule.
func (c *cutter) spill() {
	e := c.whole
	cutItems(c, e.Flags, func(f string) (int, string) { return c.size(f) + c.limits.Pair, f }, func(p *entry.Entry) *[]string { return &p.Flags })
	cutItems(c, e.Redactions, func(r entry.Redaction) (int, string) { return c.size(r.Rule) + c.limits.Pair + digits, r.Rule },
		func(p *entry.Entry) *[]entry.Redaction { return &p.Redactions })
	c.text(e.Message, func(p *entry.Entry, s string) { p.Message = s })
	c.text(e.Error.Message, func(p *entry.Entry, s string) { p.Error.Message = s })
	c.text(e.HTTP.URL[len(c.head(e.HTTP.URL)):], func(p *entry.Entry, s string) { p.HTTP.URL += s })
	c.text(e.HTTP.Referer[len(c.head(e.HTTP.Referer)):], func(p *entry.Entry, s string) { p.HTTP.Referer += s })
	c.text(e.HTTP.UserAgent[len(c.head(e.HTTP.UserAgent)):], func(p *entry.Entry, s string) { p.HTTP.UserAgent += s })
}

// digits is what a count takes at most.
const digits = 20

// cutter deals an entry's large fields out to parts.
type cutter struct {
	whole  *entry.Entry
	limits *Limits
	parts  []Part
	left   int  // room in the last part
	empty  bool // nothing large is in it yet
	err    error
}

func (c *cutter) last() *Part { return &c.parts[len(c.parts)-1] }

func (c *cutter) add(p *entry.Entry) {
	c.parts, c.empty = append(c.parts, Part{Entry: p}), true
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
		Resource: &entry.Resource{},
	}
	if c.size(e.Facts.UserID) <= maxHead {
		p.Facts.UserID = e.Facts.UserID
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
	const all = math.MaxInt
	_, n := c.limits.Text(s, all)
	return n
}

// cutList deals out a list of pairs.
func cutList(c *cutter, l *list, copies int) {
	for i := range l.len(c.whole) {
		pair := l.at(c.whole, i)
		for c.err == nil {
			name := c.size(pair.Name) + c.limits.Pair
			n := copies * (name + c.size(pair.Value))
			if n <= c.left {
				c.put(l, pair, n)
				break
			}
			if c.more() {
				c.next()
				continue
			}
			fit, take := c.cut(pair.Value, c.left/copies-name)
			if !c.limits.Pieces || fit == 0 {
				c.err = fmt.Errorf("%w: the pair %.80q takes %d bytes", ErrTooLarge, pair.Name, n)
				break
			}
			c.put(l, entry.Label{Name: pair.Name, Value: pair.Value[:fit]}, copies*(name+take))
			pair.Value = pair.Value[fit:]
			c.next()
			c.last().Joint = l.name
		}
	}
}

// put puts a pair of n bytes into the last part.
func (c *cutter) put(l *list, pair entry.Label, n int) {
	c.left -= n
	c.empty = false
	l.add(c.last().Entry, pair)
}

// cut returns how much of a text fits into the room, cut at a rune's edge, and what it
// takes there at most.
func (c *cutter) cut(s string, room int) (fit, take int) {
	fit, take = c.limits.Text(s, room)
	for fit < len(s) && fit > 0 && !utf8.RuneStart(s[fit]) {
		fit--
	}
	return fit, take
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
		f := field(c.last().Entry)
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
		n, take := c.cut(s, c.left-c.limits.Pair)
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
		set(c.last().Entry, s[:n])
		s = s[n:]
	}
}
