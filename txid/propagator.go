package txid

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The headers of a scenario.
const (
	Header          = "X-Transaction-Id"     // the ID
	HeaderParent    = "X-Transaction-Parent" // the caller's span, 16 hex digits
	HeaderEntryPage = "X-Transaction-Entry"  // the page by which the user came in
)

// ErrOptions is returned, wrapped, by [NewPropagator] for options that can not work.
var ErrOptions = errors.New("txid: invalid options")

// Options configure a [Propagator]. The zero value, and a nil pointer, mean the
// defaults.
type Options struct {
	// Header is the name under which the ID is sent on and returned.
	// Default X-Transaction-Id.
	Header string
	// Accept lists the headers an ID is read from, first match wins.
	// Default: Header alone.
	Accept []string
	// Query names a query parameter an ID is read from when no header has one,
	// for what can not set headers: a WebSocket, an <img>, a form. Default none.
	Query string
	// Cookie names a cookie an ID is read from when neither header nor query has
	// one. Default none.
	Cookie string
	// Trust says who may bring an ID. Default everyone. It is asked by
	// ExtractRequest alone: whoever reads another carrier decides for itself.
	Trust Trust
	// Carried lists the headers that travel with the ID. Default [DefaultCarried];
	// a non-nil empty list carries none. At most 16.
	Carried []string
	// Hosts says where ID and facts may be sent. Default private hosts only.
	Hosts *Hosts
	// NoTraceparent stops the forwarding of an incoming traceparent. Set it where
	// a tracer does the forwarding. Default false: it is forwarded as it came, and
	// only where the outgoing message has none.
	NoTraceparent bool
	// SigningKey signs the outgoing ID for services that trust by [Signed].
	// Default none.
	SigningKey []byte
	// Minter mints. Default one of the Propagator's own; share one in a process.
	Minter *Minter
}

// Propagator reads scopes from incoming messages and writes them into outgoing
// ones. It is immutable and safe for concurrent use.
type Propagator struct {
	opts    Options
	accept  []string
	origins []Origin // of accept
	carried []string
	minter  *Minter
	reads   marked
}

// NewPropagator compiles opts; nil means the defaults. The error wraps
// [ErrOptions] and names the field.
func NewPropagator(opts *Options) (*Propagator, error) {
	p := &Propagator{}
	if opts != nil {
		p.opts = *opts
	}
	o := &p.opts
	if o.Header == "" {
		o.Header = Header
	}
	accept := o.Accept
	if len(accept) == 0 {
		accept = []string{o.Header}
	}
	var err error
	if o.Header, err = headerName("Header", o.Header); err != nil {
		return nil, err
	}
	for _, a := range accept {
		if a, err = headerName("Accept", a); err != nil {
			return nil, err
		}
		p.accept = append(p.accept, a)
		p.origins = append(p.origins, Origin("header:"+a))
	}
	carried := o.Carried
	if carried == nil {
		carried = DefaultCarried()
	}
	if len(carried) > MaxCarried {
		return nil, fmt.Errorf("%w: Carried lists %d headers, at most %d", ErrOptions, len(carried), MaxCarried)
	}
	for _, c := range carried {
		if c, err = headerName("Carried", c); err != nil {
			return nil, err
		}
		if slices.Contains(p.carried, c) {
			return nil, fmt.Errorf("%w: Carried lists %s twice", ErrOptions, c)
		}
		p.carried = append(p.carried, c)
	}
	if p.minter = o.Minter; p.minter == nil {
		p.minter = NewMinter(nil)
	}
	o.SigningKey = append([]byte(nil), o.SigningKey...)
	o.Accept, o.Carried = nil, nil
	p.reads = newMarked(p.accept, p.carried)
	return p, nil
}

func headerName(field, name string) (string, error) {
	c := textproto.CanonicalMIMEHeaderKey(name)
	if !token(c) {
		return "", fmt.Errorf("%w: %s: %q is not a header name", ErrOptions, field, name)
	}
	switch c {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie":
		return "", fmt.Errorf("%w: %s must not name %s: credentials do not travel with a scenario", ErrOptions, field, c)
	case "Connection", "Content-Length", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return "", fmt.Errorf("%w: %s must not name %s: it belongs to one connection or message", ErrOptions, field, c)
	}
	return c, nil
}

// token reports whether s is one (RFC 9110, section 5.6.2), as header names are.
func token(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != ""
}

// tokenByte holds the bytes of a token. A table: Inject asks for every fact.
var tokenByte = func() (t [256]bool) {
	for b := '!'; b < 0x7f; b++ {
		t[b] = !strings.ContainsRune(`()<>@,;:\"/[]?={}`, b)
	}
	return t
}()

// Header returns the name under which the ID is sent on and returned.
func (p *Propagator) Header() string { return p.opts.Header }

// Minter returns the Minter that p uses.
func (p *Propagator) Minter() *Minter { return p.minter }

// Carried returns the names of the carried headers, in canonical form.
func (p *Propagator) Carried() []string { return append([]string(nil), p.carried...) }

// Allows reports whether ID and facts may be sent to host; see [Hosts.Allows].
func (p *Propagator) Allows(host string) bool { return p.opts.Hosts.Allows(host) }

// Start returns the scope of a new scenario that begins in this process: a cron
// job, a consumer of foreign messages.
func (p *Propagator) Start(now time.Time) *Scope {
	return &Scope{ID: p.minter.At(now), Origin: OriginMinted, Span: p.minter.Span()}
}

// Extract reads the scope of an incoming message. Where it brings no acceptable
// ID, one is minted; the Scope is never without.
func (p *Propagator) Extract(c Carrier, now time.Time) *Scope {
	s := &Scope{}
	for i, name := range p.accept {
		if v := c.Get(name); v != "" {
			if p.take(s, v, p.origins[i]) {
				break
			}
		}
	}
	p.finish(s, func(_ int, name string) string { return c.Get(name) }, now)
	return s
}

// ExtractRequest reads the scope of an incoming HTTP request: headers in the
// order of [Options.Accept], then the query parameter, then the cookie, where
// those are asked for. An ID from somebody who is not trusted is recorded as
// refused, and its parent span with it; the carried facts are taken all the same.
func (p *Propagator) ExtractRequest(r *http.Request, now time.Time) *Scope {
	s := &Scope{}
	p.ExtractRequestInto(s, r, now)
	return s
}

// ExtractRequestInto is ExtractRequest for a Scope that lies in a larger
// allocation of the caller's. s must be zero.
func (p *Propagator) ExtractRequestInto(s *Scope, r *http.Request, now time.Time) {
	p.ExtractMarkedInto(s, r, Marks{}, now)
}

// ExtractMarkedInto is ExtractRequestInto for a caller that has given the names of all of
// r's header fields to [Marks.Mark]: what has no mark is not looked for. Marks of another
// Propagator count for nothing.
func (p *Propagator) ExtractMarkedInto(s *Scope, r *http.Request, m Marks, now time.Time) {
	if m.by != p {
		m = Marks{}
	}
	for i, name := range p.accept {
		if !m.has(firstAccept + i) {
			continue
		}
		vs := r.Header[name]
		if len(vs) == 0 || len(vs) == 1 && vs[0] == "" {
			continue
		}
		if len(vs) > 1 && slices.ContainsFunc(vs, func(v string) bool { return v != vs[0] }) {
			// Two IDs are two scenarios: choosing one would hide the other. The same
			// one twice is a proxy's doing and still one.
			s.Refused = refused(strings.Join(vs[:2], ", ")) + ": sent more than once"
			continue
		}
		if p.take(s, vs[0], p.origins[i]) {
			break
		}
	}
	if s.ID == "" && p.opts.Query != "" && r.URL != nil && strings.Contains(r.URL.RawQuery, p.opts.Query) {
		if v := queryValue(r.URL.RawQuery, p.opts.Query); v != "" {
			p.take(s, v, Origin("query:"+p.opts.Query))
		}
	}
	if s.ID == "" && p.opts.Cookie != "" {
		if c, err := r.Cookie(p.opts.Cookie); err == nil {
			p.take(s, c.Value, Origin("cookie:"+p.opts.Cookie))
		}
	}
	if s.ID != "" && p.opts.Trust != nil && !p.opts.Trust(r, s.ID) {
		s.Refused = refused(string(s.ID)) + ": caller not trusted"
		s.ID = ""
	}
	h := r.Header
	p.finish(s, func(i int, name string) string {
		if !m.has(i) {
			return ""
		}
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}, now)
}

func queryValue(raw, name string) string {
	for raw != "" {
		var kv string
		kv, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(kv, "=")
		if k == name {
			if u, err := url.QueryUnescape(v); err == nil {
				return u
			}
			return v
		}
	}
	return ""
}

func (p *Propagator) take(s *Scope, v string, o Origin) bool {
	id, err := Parse(v)
	if err != nil {
		s.Refused = refused(v) + strings.TrimPrefix(err.Error(), ErrInvalid.Error())
		return false
	}
	s.ID, s.Origin = id, o
	return true
}

// finish fills in what comes beside the ID. get returns the value of a field, by its
// mark and its name.
func (p *Propagator) finish(s *Scope, get func(mark int, name string) string, now time.Time) {
	if s.ID == "" {
		s.ID, s.Origin = p.minter.At(now), OriginMinted
	} else {
		if v := get(markParent, HeaderParent); v != "" {
			s.Parent, _ = ParseSpan(v) // a bad parent leaves the exchange without one
		}
	}
	if v := get(markEntryPage, HeaderEntryPage); carryable(v) {
		s.EntryPage = v
	}
	s.Span = p.minter.Span()
	if v := get(markTrace, "Traceparent"); v != "" {
		if t, err := ParseTraceparent(v); err == nil {
			s.Trace = t
			if ts := get(markTrace, "Tracestate"); ts != "" && len(ts) <= maxTraceState && printableASCII(ts) {
				s.Trace.State = ts
			}
		}
	}
	n := 0
	for i, name := range p.carried {
		if get(firstAccept+len(p.accept)+i, name) != "" {
			n++
		}
	}
	if n == 0 {
		return
	}
	s.Carried = make(Carried, 0, n)
	for i, name := range p.carried {
		if v := get(firstAccept+len(p.accept)+i, name); carryable(v) {
			s.Carried = append(s.Carried, Fact{Name: name, Value: v})
		}
	}
}

// printableASCII checks the alphabet of tracestate: printable ASCII.
func printableASCII(v string) bool {
	for i := range len(v) {
		if v[i] < 0x20 || v[i] > 0x7e {
			return false
		}
	}
	return true
}

// Inject writes s into an outgoing message, whose own exchange has the given
// span: the receiver will name it as its parent. Whether the receiver may have
// it is the caller's question: see [Propagator.Allows]. Values that the message
// has already for carried facts are kept: the caller may know better.
//
// What could make the message unsendable, or split it, is left out: an ID that
// [Parse] would refuse (and all else with it), a fact or page with control
// characters or beyond [MaxCarriedValue]. No call fails because of its txid.
func (p *Propagator) Inject(s *Scope, span SpanID, c Carrier) {
	if s == nil || !s.ID.Valid() {
		return
	}
	c.Set(p.opts.Header, string(s.ID))
	if span != 0 {
		c.Set(HeaderParent, span.String())
	}
	if len(p.opts.SigningKey) > 0 {
		c.Set(HeaderSignature, Sign(p.opts.SigningKey, s.ID))
	}
	if s.Kept() {
		c.Set(HeaderKeep, KeepValue)
	}
	page := s.EntryPage
	if page == "" && s.Recorder != nil {
		page = s.Recorder.EntryPage()
	}
	if carryable(page) {
		c.Set(HeaderEntryPage, page)
	}
	for _, f := range s.Carried {
		if carryable(f.Value) && token(f.Name) && c.Get(f.Name) == "" {
			c.Set(f.Name, f.Value)
		}
	}
	if s.Trace.Parent != "" && printableASCII(s.Trace.Parent) && !p.opts.NoTraceparent && c.Get("Traceparent") == "" {
		c.Set("Traceparent", s.Trace.Parent)
		if s.Trace.State != "" && printableASCII(s.Trace.State) {
			c.Set("Tracestate", s.Trace.State)
		}
	}
}
