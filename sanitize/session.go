package sanitize

import (
	"strings"
	"unsafe"
)

// Session is a [Policy] in the hands of one goroutine that sanitizes one thing after
// the other. Its answers are the policy's. It costs less: it keeps the state of a
// call, and what it has learned of the values that come again and again, instead of
// lending them anew each time, and changed values share an allocation. It is not safe
// for concurrent use.
type Session struct {
	p    *Policy
	rs   *ruleset
	r    *run
	text []byte // room for changed values; what was handed out is never written again
}

// textChunk is how much room for changed values is made at a time, in bytes. A value
// that is kept keeps its neighbours alive.
const textChunk = 2 << 10

// NewSession returns a session of p. A nil *Policy applies the defaults.
func (p *Policy) NewSession() *Session {
	rs := p.forRoute("")
	return &Session{p: p, rs: rs, r: rs.get()}
}

// AppendBody is [Policy.AppendBody].
func (s *Session) AppendBody(dst, src []byte, in Input, rep *Report) ([]byte, Result) {
	if len(src) == 0 || in.Route != "" && s.p != nil && s.p.forRoute(in.Route) != s.rs {
		return s.p.AppendBody(dst, src, in, rep)
	}
	var res Result
	out, ok := s.r.appendBody(dst, src, &in, &res, rep)
	if !ok {
		s.r = s.rs.get()
	}
	return out, res
}

// Header is [Policy.Header].
func (s *Session) Header(name, value string, rep *Report) string {
	return s.small(asHeader, name, value, rep)
}

// Value is [Policy.Value].
func (s *Session) Value(key, value string, rep *Report) string {
	return s.small(asNamed, key, value, rep)
}

// URL is [Policy.URL].
func (s *Session) URL(u string, rep *Report) string { return s.small(asURL, "", u, rep) }

// Text is [Policy.Text].
func (s *Session) Text(text string, rep *Report) string { return s.small(asText, "", text, rep) }

func (s *Session) small(as byte, name, value string, rep *Report) string {
	if value == "" {
		return ""
	}
	h := memoHash(name, value)
	slot, hit := s.r.memo.slot(h, as, name, value)
	if hit {
		return value
	}
	if known := s.r.memo.changed.find(h, as, name, value); known != nil {
		known.report(s.rs, rep)
		return known.out
	}
	return s.smallNew(h, slot, as, name, value, rep)
}

// smallNew is small for a value that is not remembered.
func (s *Session) smallNew(h uint64, slot *memoSlot, as byte, name, value string, rep *Report) string {
	out, verdict := s.r.small(as, name, value, rep)
	switch verdict {
	case smallFault: // the state is thrown away and nothing comes out
		s.r = s.rs.get()
		return faulty(rep)
	case smallPlain:
		if as != asHeader || !hasBreak(value) {
			slot.put(as, name, value)
			return value
		}
	case smallShadow:
	case smallChanged:
		shown := s.keep(out)
		if as == asHeader {
			shown = oneLine(shown)
		}
		s.r.memo.changed.put(h, as, name, value, shown, &s.r.hid)
		return shown
	}
	if as == asHeader {
		return oneLine(value)
	}
	return value
}

// keep returns b as a string that nobody writes to.
func (s *Session) keep(b []byte) string {
	if len(b) > textChunk/4 {
		return string(b)
	}
	if cap(s.text)-len(s.text) < len(b) {
		s.text = make([]byte, 0, textChunk)
	}
	n := len(s.text)
	s.text = append(s.text, b...)
	return unsafe.String(unsafe.SliceData(s.text[n:]), len(b))
}

// verdict says what became of a small value.
type verdict uint8

const (
	smallFault   verdict = iota // a fault of ours: the state is broken
	smallPlain                  // there is nothing in it
	smallShadow                 // there is, and it stays: see ModeShadow
	smallChanged                // there is, and it is hidden
)

// small sanitizes value as what as says. out is valid until the next call, and only
// where the value has changed.
func (r *run) small(as byte, name, value string, rep *Report) (out []byte, v verdict) {
	defer func() {
		if v == smallFault { // see guarded
			_ = recover()
		}
	}()
	// The doc is only ever read from.
	d := r.begin(unsafe.Slice(unsafe.StringData(value), len(value)))
	r.smallDoc(d, as, name)
	result := smallPlain
	if d.changed(mark{}) {
		out = r.finish(d, as, name)
		result = smallChanged
		if r.rs.mode == ModeShadow {
			result = smallShadow
		}
		r.hid = r.hiddenBy()
	}
	r.rs.settle(r, rep)
	return out, result
}

// smallDoc sanitizes a doc as what as says.
func (r *run) smallDoc(d *doc, as byte, name string) {
	switch as {
	case asNamed, asHeader:
		r.headerValue(d, unsafe.Slice(unsafe.StringData(name), len(name)), 0, len(d.src), false)
	case asURL:
		r.url(d, 0, len(d.src), false)
	case asQuery:
		r.query(d, 0, len(d.src), false)
	default:
		r.inspect(d, 0, len(d.src), scopeText, false)
	}
}

// faulty is what comes out where the sanitizer itself failed.
func faulty(rep *Report) string {
	rep.Add(defaultRules[ruleMalformed-1].name, 1)
	return "[masked:malformed]"
}

// oneLine escapes line breaks.
func oneLine(s string) string {
	if hasBreak(s) {
		s = strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(s)
	}
	return s
}

func hasBreak(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}
