package sanitize

import (
	"bytes"
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

// small sanitizes s as what as says and returns the result, s itself when nothing was
// changed. name is its name, where that matters.
func (p *Policy) small(as byte, name, s string, rep *Report) string {
	if s == "" {
		return s
	}
	rs := p.forRoute("")
	r := rs.get()
	h := memoHash(name, s)
	slot, hit := r.memo.slot(h, as, name, s)
	if hit {
		rs.pool.Put(r)
		return s
	}
	if known := r.memo.changed.find(h, as, name, s); known != nil {
		known.report(rs, rep)
		out := known.out
		rs.pool.Put(r)
		return out
	}
	out, verdict := r.small(as, name, s, rep)
	switch verdict {
	case smallFault: // the state is thrown away and nothing comes out
		return faulty(rep)
	case smallPlain:
		slot.put(as, name, s)
	case smallChanged:
		shown := string(out)
		r.memo.changed.put(h, as, name, s, shown, &r.hid)
		s = shown
	case smallShadow:
	}
	rs.pool.Put(r)
	return s
}

// finish applies the edits of a small doc and repeats what was done until it is
// stable. What comes out is the same for many values, "Bearer [masked:…]", and is
// remembered as what passes.
func (r *run) finish(d *doc, as byte, name string) []byte {
	r.out = r.apply(r.out[:0], d, 0, len(d.src))
	shown := view(r.out)
	slot, stable := r.memo.slot(memoHash(name, shown), as, name, shown)
	if stable {
		return r.out
	}
	r.out = r.fixpoint(r.out, 0, func(d *doc) int {
		r.smallDoc(d, as, name)
		return len(d.src)
	})
	// The last pass may have changed something, if it was the last one allowed.
	if out := view(r.out); bytes.Equal(r.again, r.out) && !(as == asHeader && hasBreak(out)) {
		slot.put(as, name, out) // which is nearly always what it was at first
	}
	return r.out
}

// view returns b as a string, for as long as nobody writes to it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Header returns the sanitized value of the header name. Cookie, Set-Cookie,
// Authorization, and headers that carry URLs are read by their own grammar.
// Line breaks, which no header value has, come out escaped. An untouched value
// is returned as it is, without allocating. rep may be nil.
func (p *Policy) Header(name, value string, rep *Report) string {
	return oneLine(p.small(asNamed, name, value, rep))
}

// URL returns u without its credentials: user information, secret query
// values and fragments, presigned signatures, secrets in the path. u may be
// relative. rep may be nil.
func (p *Policy) URL(u string, rep *Report) string {
	return p.small(asURL, "", u, rep)
}

// Query returns the sanitized query string q (without the leading "?").
// rep may be nil.
func (p *Policy) Query(q string, rep *Report) string {
	return p.small(asQuery, "", q, rep)
}

// Text returns the sanitized free text s: a log message, an error string.
// rep may be nil.
func (p *Policy) Text(s string, rep *Report) string {
	return p.small(asText, "", s, rep)
}

// Value returns the sanitized value of something that has a name: a label, a
// log attribute, a carried fact. rep may be nil.
func (p *Policy) Value(key, value string, rep *Report) string {
	return p.small(asNamed, key, value, rep)
}
