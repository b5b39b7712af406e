package sanitize

// inspect sanitizes a value of no known grammar: a whole string value, a form
// value, a decoded word. It tries what the value looks like and falls back to
// the text pass.
func (r *run) inspect(d *doc, lo, hi int, sc scope, trunc bool) {
	r.inspectValue(d, lo, hi, sc, trunc, !trunc)
}

// inspectValue is inspect, with or without a glance at the value before.
func (r *run) inspectValue(d *doc, lo, hi int, sc scope, trunc, glance bool) {
	src := d.src
	s, e := lo, hi
	for s < e && isSpace(src[s]) {
		s++
	}
	for e > s && isSpace(src[e-1]) {
		e--
	}
	if e-s < 4 && !trunc {
		return
	}
	if s == e {
		return
	}
	// A value that begins like a URL may hold one that begins like a URL …
	if r.inner >= maxInner {
		if r.rs.markerAt(src, s, e) != e {
			r.mask(d, s, e, ruleTooDeep)
		}
		return
	}
	if glance && r.rs.plain(src[s:e]) {
		return
	}
	r.inner++
	defer r.leave()
	switch c := src[s]; {
	case c == '{' || c == '[' || c == '"':
		if m := r.rs.markerAt(src, s, e); m == e {
			return
		} else if m > 0 {
			break
		}
		r.documents(d, s, hi, sc, trunc)
		return
	case c == '<' && e-s > 6 && (isAlnum(src[s+1]) || src[s+1] == '?' || src[s+1] == '!') && src[e-1] == '>':
		r.markup(d, s, hi, false, trunc)
		return
	case base64Like(src[s:e]):
		if r.base64Hides(src[s:e], trunc) {
			r.mask(d, s, e, ruleOpaque)
			return
		}
	}
	if src[s] == '/' || src[s] == '?' {
		if looksLikeURL(src[s:e]) {
			r.url(d, s, hi, trunc)
			return
		}
	}
	r.text(d, lo, hi, sc, trunc)
}

// documents sanitizes a value that begins like JSON: one document or several,
// and whatever text follows them.
func (r *run) documents(d *doc, s, hi int, sc scope, trunc bool) {
	src := d.src
	for {
		before := d.mark()
		end, st := r.json(d, s, hi)
		switch {
		case st == jsonCut && trunc, st != jsonOK && r.resumeHidden:
			d.dropTail(end, hi)
			return
		case st != jsonOK && r.keyed:
			// It was meant as JSON: nothing behind the fault may stay.
			if end < hi && !r.rs.isMarker(src[end:hi]) {
				r.mask(d, end, hi, ruleMalformed)
			}
			return
		case st != jsonOK:
			// What was read stays as decided; the rest is text.
			from := max(r.resume, s)
			if from <= s+1 { // only a bracket that is not JSON's
				d.undo(before)
				from = s
			}
			r.text(d, from, hi, sc, trunc)
			return
		}
		s = skipSpace(src, end, hi)
		switch {
		case s == hi:
			return
		case src[s] != '{' && src[s] != '[' || r.rs.markerAt(src, s, hi) > 0:
			r.text(d, end, hi, sc, trunc)
			return
		}
	}
}

// maxInner bounds how deep inspect calls itself, nested docs included.
const maxInner = 12

func (r *run) leave() { r.inner-- }

// looksLikeURL reports whether v, which begins with a slash, is a relative URL
// and not a text that happens to begin so.
func looksLikeURL(v []byte) bool {
	for _, c := range v {
		if c == ' ' || c == '"' || c == '<' || c < 0x20 {
			return false
		}
	}
	return true
}

// encodedValue sanitizes a form or query value src[s:e]: as it stands, or, when
// it is percent-encoded, decoded.
func (r *run) encodedValue(d *doc, s, e int, sc scope, trunc bool) {
	src := d.src
	enc := false
	hot := false
	for _, c := range src[s:e] {
		if c == '%' || c == '+' {
			enc = true
		}
		if r.rs.anchors[c] != aNone {
			hot = true
		}
	}
	if !hot && e-s < 16 {
		if trunc {
			d.dropTail(s, e)
		}
		return
	}
	if !enc {
		r.inspect(d, s, e, sc, trunc)
		return
	}
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	n.buf = appendPercentDecoded(n.buf, src[s:e], true)
	n.src = n.buf
	r.inspect(n, 0, len(n.src), sc, trunc)
	if n.changed(mark{}) {
		r.replaceNested(d, s, e, n, appendPercentEncoded)
		r.pop()
		return
	}
	r.pop()
	if trunc {
		d.dropTail(s, e)
	}
	// "+" is a space in a form and itself in a path or a telephone number.
	if len(src) > s && indexByte(src[s:e], '+') >= 0 {
		r.text(d, s, e, sc, trunc)
	}
}

func indexByte(b []byte, c byte) int {
	for i, x := range b {
		if x == c {
			return i
		}
	}
	return -1
}
