package sanitize

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// Policy is a compiled set of rules. It is immutable and safe for concurrent
// use. A nil *Policy applies the defaults.
type Policy struct {
	base   *ruleset
	routes []routeRules // longest pattern first
}

type routeRules struct {
	pattern string
	prefix  bool
	rs      *ruleset
}

// New compiles a policy. Nil options mean the defaults; they are copied. The
// error names the rule that is wrong and what is wrong with it.
func New(opts *Options) (*Policy, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Mode > ModeShadow {
		return nil, fmt.Errorf("sanitize: unknown mode %d", o.Mode)
	}
	for _, b := range [...]struct {
		name        string
		v           *int
		def, lo, hi int
	}{
		{"MaxDepth", &o.MaxDepth, 512, 1, 10000},
		{"MaxDecoded", &o.MaxDecoded, 4 << 20, 1024, 1 << 30},
		{"MaxRatio", &o.MaxRatio, 200, 1, 1 << 20},
	} {
		if *b.v == 0 {
			*b.v = b.def
		}
		if *b.v < b.lo || *b.v > b.hi {
			return nil, fmt.Errorf("sanitize: %s is %d: use %d to %d", b.name, *b.v, b.lo, b.hi)
		}
	}
	base, err := newRuleset(&o, nil)
	if err != nil {
		return nil, err
	}
	p := &Policy{base: base}
	for i := range o.Routes {
		rt := &o.Routes[i]
		if rt.Pattern == "" {
			return nil, fmt.Errorf("sanitize: route %d: an empty pattern", i)
		}
		if rt.Mode > ModeShadow {
			return nil, fmt.Errorf("sanitize: route %q: unknown mode %d", rt.Pattern, rt.Mode)
		}
		rs, err := newRuleset(&o, rt)
		if err != nil {
			return nil, fmt.Errorf("%w (route %q)", err, rt.Pattern)
		}
		name, prefix := strings.CutSuffix(rt.Pattern, "*")
		p.routes = append(p.routes, routeRules{name, prefix, rs})
	}
	slices.SortStableFunc(p.routes, func(a, b routeRules) int { return len(b.pattern) - len(a.pattern) })
	return p, nil
}

func (p *Policy) forRoute(route string) *ruleset {
	if p == nil {
		return defaultPolicy().base
	}
	if route != "" {
		for i := range p.routes {
			rr := &p.routes[i]
			if rr.pattern == route || rr.prefix && strings.HasPrefix(route, rr.pattern) {
				return rr.rs
			}
		}
	}
	return p.base
}

// small runs f on s as a doc and returns the result, s itself when nothing was
// changed. as and name are what f knows besides s.
func (p *Policy) small(as byte, name, s string, rep *Report, f func(r *run, d *doc)) (out string) {
	if s == "" {
		return s
	}
	rs := p.forRoute("")
	r := rs.get()
	slot, hit := r.memo.slot(rs.seed, as, name, s)
	if hit {
		rs.pool.Put(r)
		return s
	}
	done := false
	defer func() {
		if !done { // a fault of ours: nothing comes out, see guarded
			_ = recover()
			rep.Add(defaultRules[ruleMalformed-1].name, 1)
			out = "[masked:malformed]"
		}
	}()
	// The doc is only ever read from.
	d := r.begin(unsafe.Slice(unsafe.StringData(s), len(s)))
	f(r, d)
	out = s
	if d.changed(mark{}) {
		r.finish(d, f)
		if rs.mode != ModeShadow {
			out = string(r.out)
		}
	} else {
		slot.put(as, name, s)
	}
	done = true
	rs.put(r, rep)
	return out
}

// finish applies the edits of a small doc and repeats f until it is stable.
func (r *run) finish(d *doc, f func(r *run, d *doc)) []byte {
	r.out = r.apply(r.out[:0], d, 0, len(d.src))
	r.out = r.fixpoint(r.out, 0, func(d *doc) int {
		f(r, d)
		return len(d.src)
	})
	return r.out
}

// Header returns the sanitized value of the header name. Cookie, Set-Cookie,
// Authorization, and headers that carry URLs are read by their own grammar.
// Line breaks, which no header value has, come out escaped. An untouched value
// is returned as it is, without allocating. rep may be nil.
func (p *Policy) Header(name, value string, rep *Report) string {
	out := p.named(name, value, rep)
	if strings.IndexByte(out, '\n') >= 0 || strings.IndexByte(out, '\r') >= 0 {
		out = strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(out)
	}
	return out
}

// named sanitizes a value under a name.
func (p *Policy) named(name, value string, rep *Report) string {
	return p.small(asNamed, name, value, rep, func(r *run, d *doc) {
		r.headerValue(d, unsafe.Slice(unsafe.StringData(name), len(name)), 0, len(d.src), false)
	})
}

// URL returns u without its credentials: user information, secret query
// values and fragments, presigned signatures, secrets in the path. u may be
// relative. rep may be nil.
func (p *Policy) URL(u string, rep *Report) string {
	return p.small(asURL, "", u, rep, (*run).smallURL)
}

func (r *run) smallURL(d *doc) { r.url(d, 0, len(d.src), false) }

// Query returns the sanitized query string q (without the leading "?").
// rep may be nil.
func (p *Policy) Query(q string, rep *Report) string {
	return p.small(asQuery, "", q, rep, (*run).smallQuery)
}

func (r *run) smallQuery(d *doc) { r.query(d, 0, len(d.src), false) }

// Text returns the sanitized free text s: a log message, an error string.
// rep may be nil.
func (p *Policy) Text(s string, rep *Report) string {
	return p.small(asText, "", s, rep, (*run).smallText)
}

func (r *run) smallText(d *doc) { r.inspect(d, 0, len(d.src), scopeText, false) }

// Value returns the sanitized value of something that has a name: a label, a
// log attribute, a carried fact. rep may be nil.
func (p *Policy) Value(key, value string, rep *Report) string {
	return p.named(key, value, rep)
}
