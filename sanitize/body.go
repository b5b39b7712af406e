package sanitize

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// AppendBody appends the sanitized src to dst and returns the extended slice.
// It never modifies src, and keeps neither. rep may be nil.
func (p *Policy) AppendBody(dst, src []byte, in Input, rep *Report) ([]byte, Result) {
	rs := p.forRoute(in.Route)
	if len(src) == 0 {
		res := Result{Type: in.Kind.String()}
		if in.Truncated {
			res.Truncated, res.Reason = true, "truncated"
		}
		return dst, res
	}
	r := rs.get()
	var res Result
	out, ok := r.appendBody(dst, src, &in, &res, rep)
	if ok {
		rs.pool.Put(r)
	}
	return out, res
}

// appendBody is AppendBody for what is not empty. When ok is false there was a fault
// of ours: r is broken, and nothing has come out.
func (r *run) appendBody(dst, src []byte, in *Input, res *Result, rep *Report) (out []byte, ok bool) {
	r.begin(nil)
	r.trunc = in.Truncated
	n := len(dst)
	out, ok = r.guarded(dst, src, in, res)
	if !ok {
		rep.Add(defaultRules[ruleMalformed-1].name, 1)
		*res = Result{Truncated: true, Reason: reasonFault, Type: in.Kind.String()}
		return dst[:n], false
	}
	r.rs.settle(r, rep)
	return out, true
}

// reasonFault is the Reason of a body that the sanitizer itself failed on.
const reasonFault = "internal fault"

// guarded turns a panic into a refusal: a fault in here must neither reach the
// service that logs nor let a raw byte through.
func (r *run) guarded(dst, src []byte, in *Input, res *Result) (out []byte, ok bool) {
	defer func() {
		if !ok {
			_ = recover()
		}
	}()
	return r.body(dst, src, in, res), true
}

// refuse says in res that nothing of a body of this kind comes out, and why.
func (r *run) refuse(res *Result, kind Kind, reason string) {
	r.count(ruleBinary)
	*res = Result{Truncated: true, Reason: reason, Type: kind.String()}
}

// body appends the sanitized src to dst and says in res, which is empty, what it made of it.
func (r *run) body(dst, src []byte, in *Input, res *Result) []byte {
	if in.Truncated {
		res.Truncated, res.Reason = true, "truncated"
	}
	if r.rs.dropBody {
		r.refuse(res, in.Kind, "route")
		return dst
	}
	if in.ContentEncoding != "" || magic(src) != "" {
		out, whole, reason := r.decodeContent(src, in.ContentEncoding)
		if reason != "" && len(out) == 0 {
			r.refuse(res, KindBinary, reason)
			return dst
		}
		if !whole {
			r.trunc = true
			res.Truncated, res.Reason = true, reason
		}
		src = out
		if len(src) == 0 {
			res.Type = in.Kind.String()
			return dst
		}
	}
	kind := in.Kind
	ct := in.ContentType
	if kind == KindAuto {
		kind = kindOf(ct)
	}
	if kind == KindBinary {
		r.refuse(res, KindBinary, "binary")
		return dst
	}
	src, decoded, reason := toUTF8(r.dec.utf8[:0], src, param(ct, "charset"), r.trunc)
	if decoded {
		r.dec.utf8 = src
	}
	for bytes.HasPrefix(src, []byte("\ufeff")) {
		src = src[3:]
	}
	if reason != "" {
		r.refuse(res, kind, reason)
		return dst
	}
	if r.trunc {
		src = wholeRunes(src)
	}
	if kind == KindAuto || kind == KindText {
		kind = r.settleKind(kind, src)
		if kind == KindBinary {
			r.refuse(res, KindBinary, "binary")
			return dst
		}
	}
	if kind != KindJSON && kind != KindNDJSON && kind != KindMultipart && !readable(src) {
		r.refuse(res, kind, "binary")
		return dst
	}
	d := &r.docs[0]
	d.reset(src)
	r.budget = 16*len(src) + 1<<16
	end, reason := r.span(d, 0, len(src), kind, ct, r.trunc, 0)
	res.Type = kind.String()
	if reason != "" {
		if res.Reason == "" || reason == "too deep" {
			res.Reason = reason
		}
		res.Truncated = true
	}
	if r.rs.mode == ModeShadow {
		r.work = r.apply(r.work[:0], d, 0, end)
		if src = src[:end]; !utf8.Valid(src) {
			src = bytes.ToValidUTF8(src, []byte("\ufffd"))
		}
		dst = append(dst, src...)
	} else {
		n := len(dst)
		dst = r.apply(dst, d, 0, end)
		repaired := kind == KindMultipart && !utf8.Valid(dst[n:])
		if repaired {
			dst = append(dst[:n], bytes.ToValidUTF8(dst[n:], []byte("\ufffd"))...)
		}
		if kind != KindJSON && kind != KindNDJSON && (repaired || len(d.edits) > 0) {
			dst = r.fixpoint(dst, n, func(d *doc) int {
				end, _ := r.span(d, 0, len(d.src), kind, ct, false, 0)
				return end
			})
		}
		if len(dst) == n {
			return dst
		}
	}
	res.Encoding = "utf-8"
	return dst
}

// fixpoint sanitizes dst[n:] again until nothing changes. A marker can make what
// stands beside it look like something else than the secret did; so that a
// second pass over a log changes nothing, that is settled here. JSON does not
// need it: its grammar says what belongs together.
func (r *run) fixpoint(dst []byte, n int, pass func(d *doc) int) []byte {
	d := &r.docs[0]
	for range 4 {
		r.again = append(r.again[:0], dst[n:]...)
		d.reset(r.again)
		r.budget = 16*len(r.again) + 1<<16
		end := pass(d)
		if end == len(d.src) && !d.changed(mark{}) {
			break
		}
		r.before = append(r.before[:0], r.counts...)
		dst = r.apply(dst[:n], d, 0, end)
		if bytes.Equal(dst[n:], r.again) { // markers in the place of markers
			copy(r.counts, r.before)
			break
		}
	}
	return dst
}

// readable reports UTF-8 without control characters that no text has.
func readable(b []byte) bool {
	return utf8.Valid(b) && readableASCII(b)
}

func readableASCII(b []byte) bool {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if (w-swarSpace)&^w&swarHighs != 0 && !readableBytes(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return readableBytes(b)
}

func readableBytes(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && (c < 7 || c > 13 && c != 0x1b && c != 0x1e) {
			return false
		}
	}
	return true
}

// wholeRunes cuts off half a character at the end.
func wholeRunes(b []byte) []byte {
	for k := len(b) - 1; k >= 0 && k >= len(b)-3; k-- {
		if utf8.RuneStart(b[k]) {
			if !utf8.FullRune(b[k:]) {
				return b[:k]
			}
			break
		}
	}
	return b
}

// span sanitizes src[lo:hi] of d with a grammar. It returns where the output
// must end and, when that is before hi or content was lost, why.
func (r *run) span(d *doc, lo, hi int, kind Kind, ct string, trunc bool, depth int) (end int, reason string) {
	src := d.src
	if r.rs.isMarker(bytes.TrimSpace(src[lo:hi])) {
		return hi, ""
	}
	switch kind {
	case KindJSON, KindNDJSON:
		return r.jsonBody(d, lo, hi, trunc)
	case KindForm:
		if s := skipSpace(src, lo, hi); s < hi && (src[s] == '{' || src[s] == '[' || src[s] == '<') && r.rs.markerAt(src, s, hi) == 0 {
			return r.span(d, lo, hi, sniff(src[lo:hi]), ct, trunc, depth) // mislabelled
		}
		r.pairs(d, lo, hi, trunc)
	case KindQuery:
		r.query(d, lo, hi, trunc)
	case KindURL:
		r.url(d, lo, hi, trunc)
	case KindHeader:
		r.headerLines(d, lo, hi, trunc)
	case KindCookie:
		s := lo
		if hi-lo > 7 && equalFold(src[lo:lo+7], "cookie:") {
			s += 7
		}
		r.cookies(d, s, hi, trunc)
	case KindSetCookie:
		for p := lo; p < hi; {
			le := nextLine(src, p, hi)
			s, e := p, trimLine(src, p, le)
			if e-s > 11 && equalFold(src[s:s+11], "set-cookie:") {
				s += 11
			}
			r.setCookie(d, s, e, trunc && e == hi)
			p = le
		}
	case KindMultipart:
		if reason := r.multipart(d, lo, hi, ct, trunc, depth); reason != "" {
			return hi, reason
		}
	case KindXML:
		r.markup(d, lo, hi, false, trunc)
	case KindHTML:
		r.markup(d, lo, hi, true, trunc)
	case KindYAML:
		if s := skipSpace(src, lo, hi); s < hi && src[s] == '{' {
			m := d.mark()
			if end, st := r.json(d, s, hi); st == jsonOK && skipSpace(src, end, hi) == hi {
				return hi, ""
			}
			d.undo(m)
		}
		r.yaml(d, lo, hi, trunc)
	case KindCSV:
		if jsonStart(src[lo:hi]) { // mislabelled: its names would be taken for cells
			return r.jsonBody(d, lo, hi, trunc)
		}
		r.csv(d, lo, hi, trunc)
	case KindSSE:
		r.sse(d, lo, hi, trunc)
	case KindText, KindGraphQL:
		r.inspect(d, lo, hi, scopeText, trunc)
	default:
		return lo, "binary"
	}
	return hi, ""
}

// jsonStart reports whether b begins like a JSON object or an array of them,
// which no header row of a table does.
func jsonStart(b []byte) bool {
	p := skipSpace(b, prefixLen(b), len(b))
	for p < len(b) && b[p] == '[' {
		n := skipSpace(b, p+1, len(b))
		if n < len(b) && b[n] == '"' {
			return true
		}
		p = n
	}
	if p >= len(b) || b[p] != '{' {
		return false
	}
	p = skipSpace(b, p+1, len(b))
	return p < len(b) && (b[p] == '"' || b[p] == '}')
}

func skipSpace(src []byte, p, hi int) int {
	for p < hi && isSpace(src[p]) {
		p++
	}
	return p
}

// query sanitizes a query string, or a URL where one was expected.
func (r *run) query(d *doc, lo, hi int, trunc bool) {
	src := d.src
	if s := src[lo:hi]; len(s) > 0 && s[0] != '?' {
		eq := bytes.IndexByte(s, '=')
		if eq < 0 {
			eq = len(s)
		}
		if s[0] == '/' || bytes.Contains(s[:eq], []byte("://")) || bytes.IndexByte(s[:eq], '?') >= 0 {
			r.url(d, lo, hi, trunc)
			return
		}
	}
	r.pairs(d, lo, hi, trunc)
}
