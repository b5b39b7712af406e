package sanitize

import "bytes"

// leastWrapped is how long a line of wrapped base64 is at least. MIME wraps at
// 76 columns, PEM at 64; shorter ones come from people.
const leastWrapped = 16

// lineBreak returns what lies between the lines of wrapped base64 at p: a line
// end and indentation. Logs also write line ends as escapes.
func lineBreak(src []byte, p, hi int) int {
	q := p
	switch {
	case q < hi && (src[q] == '\n' || src[q] == '\r'):
		if src[q] == '\r' {
			q++
		}
		if q < hi && src[q] == '\n' {
			q++
		}
	case q+1 < hi && src[q] == '\\' && (src[q+1] == 'n' || src[q+1] == 'r'):
		if src[q+1] == 'r' {
			q += 2
		}
		if q+1 < hi && src[q] == '\\' && src[q+1] == 'n' {
			q += 2
		}
	default:
		return 0
	}
	for q < hi && (src[q] == ' ' || src[q] == '\t') {
		q++
	}
	return q - p
}

// wrapped looks at the base64 whose first line src[s:e] ends where a line
// does. It hides all lines of it when something is found in them. done is up to
// where it was looked at.
func (r *run) wrapped(d *doc, s, e, hi int, trunc bool) (next, done int) {
	src := d.src
	done = e
	if e-s < leastWrapped || !r.rs.rules[ruleOpaque].on || !base64Like(src[s:s+leastWrapped]) {
		return 0, done
	}
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return e, e
	}
	defer r.pop()
	text := append([]byte(nil), src[s:e]...)
	before, beforeEnd := 0, e // without the last line
	lines := 1
	for src[e-1] != '=' {
		b := lineBreak(src, e, hi)
		if b == 0 {
			break
		}
		q := e + b
		for q < hi && (base64Value(src[q]) < 64 || src[q] == '=') {
			q++
		}
		if q == e+b || q < hi && src[q] != '\n' && src[q] != '\r' && plainWord(src[e+b:q]) {
			break
		}
		before, beforeEnd = len(text), e
		text = append(text, src[e+b:q]...)
		lines++
		e = q
	}
	if lines == 1 {
		return 0, done
	}
	done = e
	if len(text) > r.budget {
		r.mask(d, s, e, ruleTooDeep)
		return e, e
	}
	r.budget -= len(text)
	cut := trunc && len(bytes.TrimSpace(src[e:hi])) == 0
	// The word that follows on the next line may be no part of it.
	for _, try := range [...]struct {
		n, e int
		cut  bool
	}{{len(text), e, cut}, {before, beforeEnd, false}} {
		n.buf = appendBase64Decoded(n.buf[:0], text[:try.n])
		n.reset(n.buf)
		if !textual(n.src) {
			continue
		}
		r.inspect(n, 0, len(n.src), scopeText, try.cut)
		if n.changed(mark{}) {
			for k := len(d.edits); k > 0 && d.edits[k-1].s >= s; k-- {
				d.edits = d.edits[:k-1]
			}
			r.mask(d, s, try.e, ruleOpaque)
			return try.e, try.e
		}
	}
	return 0, done
}

// plainWord reports a word of a sentence: short, and all in small letters but
// for the first.
func plainWord(w []byte) bool {
	for i, c := range w {
		if c-'a' >= 26 && (i > 0 || c-'A' >= 26) {
			return false
		}
	}
	return len(w) <= 12
}

// wrappedAt looks at the end of a line at i: is the line's last word base64
// that goes on below?
func (r *run) wrappedAt(d *doc, lo, i, hi int, trunc bool) (next, done int) {
	src := d.src
	e := i
	if e > lo && src[e-1] == '\r' {
		e--
	}
	s := e
	for s > lo && base64Value(src[s-1]) < 64 {
		s--
	}
	if e-s < leastWrapped {
		return 0, i + 1
	}
	next, done = r.wrapped(d, s, e, hi, trunc)
	return next, max(done, i+1)
}
