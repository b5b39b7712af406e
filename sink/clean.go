package sink

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// ruleFailed names what was hidden because the sanitizer itself failed.
const (
	ruleFailed    = "sanitizer-failed"
	maskedFailed  = "[masked:" + ruleFailed + "]"
	reasonUnclean = "sanitizer failed"
)

// sanitizer is what a cleaner needs of a [sanitize.Session]. It is an interface
// for one reason: that tests can put a policy there that panics.
type sanitizer interface {
	AppendBody(dst, src []byte, in sanitize.Input, rep *sanitize.Report) ([]byte, sanitize.Result)
	Header(name, value string, rep *sanitize.Report) string
	URL(u string, rep *sanitize.Report) string
	Text(s string, rep *sanitize.Report) string
	Value(key, value string, rep *sanitize.Report) string
}

// cleaner sanitizes entries in place. One worker owns it.
type cleaner struct {
	policy     sanitizer
	routes     bool // the policy may have rules for single routes
	buffers    *BufferPool
	report     sanitize.Report
	bodies     []byte            // sanitized, of the batch
	redactions []entry.Redaction // of the batch
	resources  resourceMemo
	sorter     sorter
}

// newCleaner returns a cleaner by a policy, which may be nil.
func newCleaner(p *sanitize.Policy, buffers *BufferPool) cleaner {
	return cleaner{policy: p.NewSession(), routes: p != nil, buffers: buffers}
}

// reset forgets the batch. What it handed out is overwritten by the next.
func (c *cleaner) reset() {
	c.bodies = recycle(c.bodies)
	clear(c.redactions)
	c.redactions = c.redactions[:0]
}

// maxKept bounds the memory a worker keeps between batches, in bytes.
const maxKept = 4 << 20

func recycle(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

// clean makes e fit to be sealed: all that a peer or a handler could have put a
// secret into goes through the policy, and its raw buffers go back to the pool.
// Ids, statuses, addresses and times are kept as they are: they are what people
// search by. So are routes, names and kinds of errors, if they are words.
//
// It fails closed: where the policy panics, the content is left out and the entry
// says so. The error then tells what happened.
func (c *cleaner) clean(e *entry.Entry) (err error) {
	c.report.Reset()
	// The line has no place for these, and what a peer wrote there is nobody's
	// business who reads the entry otherwise.
	e.Trace.Parent, e.Trace.State = "", ""
	route := c.route(e)
	reqErr := c.body(&e.Request.Body, route)
	resErr := c.body(&e.Response.Body, route)
	strErr := c.strings(e)
	if strErr != nil {
		c.hideStrings(e)
	}
	if c.report.Len() > 0 {
		n := len(c.redactions)
		for rule, count := range c.report.All() {
			c.redactions = append(c.redactions, entry.Redaction{Rule: rule, Count: count})
		}
		e.Redactions = c.redactions[n:len(c.redactions):len(c.redactions)]
	}
	return errors.Join(reqErr, resErr, strErr)
}

// route is what per-route rules are selected by: "POST /login". The default
// policy has none.
func (c *cleaner) route(e *entry.Entry) string {
	r := e.HTTP.Route
	if !c.routes || r == "" || strings.ContainsRune(r, ' ') {
		return r
	}
	return e.HTTP.Method + " " + r
}

// body cleans a body and what stands beside it. Each fails by itself: that the policy
// panics on one says nothing of the other, which must not stay raw for that.
func (c *cleaner) body(b *entry.Body, route string) error {
	return errors.Join(c.content(b, route), c.bodyNames(b))
}

func (c *cleaner) content(b *entry.Body, route string) (err error) {
	raw := b.Raw
	b.Raw = nil
	src := raw
	if src == nil {
		src = b.Content // whoever sets Content himself does not get round the policy
	}
	if raw != nil {
		defer c.buffers.Put(raw)
	}
	if len(src) == 0 {
		b.Content, b.Encoding = nil, ""
		return nil
	}
	b.Content = nil
	defer func() {
		if r := recover(); r != nil {
			err = sanitizerError("a body", r)
			b.Content, b.Encoding, b.Truncated, b.Reason = nil, "", true, reasonUnclean
			c.report.Add(ruleFailed, 1)
		}
	}()
	start := len(c.bodies)
	out, res := c.policy.AppendBody(c.bodies, src, sanitize.Input{
		ContentType:     b.Type,
		ContentEncoding: b.ContentEncoding,
		Truncated:       b.Truncated,
		Route:           route,
	}, &c.report)
	c.bodies = out
	content := out[start:len(out):len(out)]
	if !readWhole(res) && !utf8.Valid(content) {
		content = bytes.ToValidUTF8(content, []byte("\ufffd"))
	}
	b.Encoding = res.Encoding
	if len(content) > 0 {
		b.Content = content
	} else {
		b.Encoding = ""
	}
	b.Truncated = b.Truncated || res.Truncated
	// The capture's own reason ("capture limit") says more than that the
	// sanitizer met the end it was told of.
	if res.Reason != "" && (b.Reason == "" || res.Reason != "truncated") {
		b.Reason = res.Reason
	}
	return nil
}

// readWhole reports whether the policy has gone through all of a body as JSON, which is UTF-8
// or no JSON. The Sealer relies on all content being UTF-8; what may not be is looked at
// again, and most bodies need not.
func readWhole(res sanitize.Result) bool {
	return res.Type == "json" && res.Reason == ""
}

// bodyNames cleans what the peer wrote beside the body.
func (c *cleaner) bodyNames(b *entry.Body) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = sanitizerError("a content type", r)
			b.Type, b.ContentEncoding = "", ""
			c.report.Add(ruleFailed, 1)
		}
	}()
	c.header("Content-Type", &b.Type)
	c.header("Content-Encoding", &b.ContentEncoding)
	return nil
}

func (c *cleaner) strings(e *entry.Entry) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = sanitizerError("a field", r)
		}
	}()
	c.text(&e.Message)
	c.text(&e.Refused)
	h := &e.HTTP
	h.Method = c.method(h.Method)
	c.name(&h.Route)
	c.name(&h.ServerAddress)
	c.name(&e.Error.Type)
	c.name(&e.Logger)
	c.url(&h.URL)
	c.url(&h.Referer)
	c.header("User-Agent", &h.UserAgent)
	c.headers(e.Request.Headers)
	c.headers(e.Request.Trailers)
	c.headers(e.Response.Headers)
	c.headers(e.Response.Trailers)
	c.text(&e.Error.Message)
	c.text(&e.Error.Stack)
	f := &e.Facts
	c.value("user.id", &f.UserID)
	c.value("device.model", &f.Device)
	c.value("os.name", &f.OS)
	c.value("app.version", &f.AppVersion)
	c.value("geo.country.iso_code", &f.Country)
	if method, page, ok := strings.Cut(f.EntryPage, " "); ok {
		m, u := c.method(method), page
		if c.url(&u); m != method || u != page {
			f.EntryPage = m + " " + u
		}
	} else {
		c.url(&f.EntryPage)
	}
	c.labels(f.Carried)
	c.labels(e.Labels)
	c.labels(e.Attributes)
	e.Resource = c.resource(e.Resource)
	return nil
}

// headers cleans header fields and puts them in the order of their names, values of
// one name in theirs: net/http keeps no order, and equal lines compress and compare
// better.
func (c *cleaner) headers(hs []entry.Header) {
	c.sorter.sort(hs)
	for i := range hs {
		c.header(hs[i].Name, &hs[i].Value)
		c.name(&hs[i].Name)
	}
}

func (c *cleaner) labels(ls []entry.Label) {
	for i := range ls {
		c.value(ls[i].Name, &ls[i].Value)
		c.name(&ls[i].Name)
	}
}

// Most fields of most entries are empty, and what is empty is clean.

func (c *cleaner) text(s *string) {
	if *s != "" {
		*s = c.policy.Text(*s, &c.report)
	}
}

func (c *cleaner) url(s *string) {
	if *s != "" {
		*s = c.policy.URL(*s, &c.report)
	}
}

func (c *cleaner) header(name string, s *string) {
	if *s != "" {
		*s = c.policy.Header(name, *s, &c.report)
	}
}

func (c *cleaner) value(name string, s *string) {
	if *s != "" {
		*s = c.policy.Value(name, *s, &c.report)
	}
}

// name cleans what is a word as a rule.
func (c *cleaner) name(s *string) {
	if *s != "" && !isWord(*s) {
		c.text(s)
	}
}

// method cleans a method, which a peer may have made up.
func (c *cleaner) method(s string) string {
	if plainMethod(s) {
		return s
	}
	return c.policy.Text(s, &c.report)
}

// resourceMemo remembers the last resource cleaned: nearly always there is one.
type resourceMemo struct {
	raw, clean *entry.Resource
}

func (c *cleaner) resource(r *entry.Resource) *entry.Resource {
	if r == nil || r == c.resources.clean {
		return r
	}
	if r != c.resources.raw {
		own := *r
		own.Attributes = append([]entry.Label(nil), r.Attributes...)
		for i := range own.Attributes {
			l := &own.Attributes[i]
			l.Value = c.policy.Value(l.Name, l.Value, nil)
			if !isWord(l.Name) {
				l.Name = c.policy.Text(l.Name, nil)
			}
		}
		c.resources = resourceMemo{raw: r, clean: &own}
	}
	return c.resources.clean
}

// hideStrings leaves of an entry's strings only those that never go through the
// policy. It does not call the policy.
func (c *cleaner) hideStrings(e *entry.Entry) {
	n := 0
	hide := func(s *string) {
		if *s != "" && *s != maskedFailed {
			*s = maskedFailed
			n++
		}
	}
	hideName := func(s *string) {
		if !isWord(*s) {
			hide(s)
		}
	}
	hideLabels := func(ls []entry.Label) {
		for i := range ls {
			hide(&ls[i].Value)
			hideName(&ls[i].Name)
		}
	}
	h := &e.HTTP
	if !plainMethod(h.Method) {
		hide(&h.Method)
	}
	for _, s := range [...]*string{&h.Route, &h.ServerAddress, &e.Error.Type, &e.Logger} {
		hideName(s)
	}
	for _, s := range [...]*string{
		&e.Message, &e.Refused, &h.URL, &h.Referer, &h.UserAgent, &e.Error.Message, &e.Error.Stack,
		&e.Facts.UserID, &e.Facts.Device, &e.Facts.OS, &e.Facts.AppVersion, &e.Facts.Country, &e.Facts.EntryPage,
		&e.Request.Body.Type, &e.Request.Body.ContentEncoding, &e.Response.Body.Type, &e.Response.Body.ContentEncoding,
	} {
		hide(s)
	}
	for _, hs := range [...][]entry.Header{e.Request.Headers, e.Request.Trailers, e.Response.Headers, e.Response.Trailers} {
		for i := range hs {
			hide(&hs[i].Value)
			hideName(&hs[i].Name)
		}
	}
	hideLabels(e.Facts.Carried)
	hideLabels(e.Labels)
	hideLabels(e.Attributes)
	if e.Resource != nil && e.Resource != c.resources.clean {
		own := *e.Resource
		own.Attributes = nil
		e.Resource = &own
	}
	c.report.Add(ruleFailed, n)
}

// plainMethod reports whether m is a word of capital letters, as methods are.
func plainMethod(m string) bool {
	if len(m) > 16 {
		return false
	}
	for i := range len(m) {
		if m[i] < 'A' || m[i] > 'Z' {
			return false
		}
	}
	return true
}

// sanitizerError tells of a panic without the value that was panicked with, which
// might be the very content: only a runtime error's text is known to be harmless.
func sanitizerError(where string, r any) error {
	if re, ok := r.(runtime.Error); ok {
		return fmt.Errorf("sink: the sanitizer panicked on %s, which was left out: %w", where, re)
	}
	return fmt.Errorf("sink: the sanitizer panicked on %s, which was left out: %T", where, r)
}
