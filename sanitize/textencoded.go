package sanitize

import (
	"bytes"
)

// encodedWord looks at an RFC 2047 encoded word at "=?".
func (r *run) encodedWord(d *doc, i, hi int) int {
	src := d.src
	win := src[i+2 : min(hi, i+2+256)]
	q1 := bytes.IndexByte(win, '?')
	if q1 < 1 || q1+3 >= len(win) || win[q1+2] != '?' {
		return 0
	}
	text := win[q1+3:]
	q3 := bytes.Index(text, []byte("?="))
	stop := len(win)
	if q3 >= 0 {
		text = text[:q3]
		stop = q1 + 3 + q3
	}
	enc := win[q1+1] | 0x20
	n := r.push(len(text))
	if n == nil {
		r.mask(d, i+2, i+2+stop, ruleTooDeep)
		return i + 2 + stop
	}
	switch enc {
	case 'b':
		n.buf = appendBase64Decoded(n.buf, text)
	case 'q':
		for k := 0; k < len(text); k++ {
			switch c := text[k]; {
			case c == '_':
				n.buf = append(n.buf, ' ')
			case c == '=' && k+2 < len(text) && hexVal(text[k+1]) >= 0 && hexVal(text[k+2]) >= 0:
				n.buf = append(n.buf, byte(hexVal(text[k+1])<<4|hexVal(text[k+2])))
				k += 2
			default:
				n.buf = append(n.buf, c)
			}
		}
	default:
		r.pop()
		return 0
	}
	n.src = n.buf
	r.inspect(n, 0, len(n.src), scopeText, false)
	hit := n.changed(mark{})
	r.pop()
	s, e := i+2+q1+3, i+2+stop
	if hit && s < e {
		r.mask(d, s, e, ruleOpaque)
		return e
	}
	return 0
}

// byteList looks at a list of decimal bytes, as Go prints a []byte and as
// JSON carries one: [123 34 112] or [123,34,112].
func (r *run) byteList(d *doc, i, hi int) int {
	src := d.src
	if i+12 > hi || !isDigit(src[i+1]) {
		return 0
	}
	n := r.push(0)
	if n == nil {
		return 0
	}
	defer r.pop()
	p := i + 1
	start := p
	count := 0
	for p < hi {
		v, nd := 0, 0
		for p < hi && isDigit(src[p]) && nd < 4 {
			v = v*10 + int(src[p]-'0')
			nd++
			p++
		}
		if nd == 0 || v > 255 {
			return 0
		}
		n.buf = append(n.buf, byte(v))
		count++
		if p < hi && (src[p] == ' ' || src[p] == ',') {
			p++
			for p < hi && src[p] == ' ' {
				p++
			}
			continue
		}
		break
	}
	if p < hi && src[p] != ']' || count < 4 {
		return 0
	}
	n.src = n.buf
	if !textual(n.src) {
		return 0
	}
	r.budget -= len(n.src)
	r.inspect(n, 0, len(n.src), scopeText, false)
	if !n.changed(mark{}) {
		return 0
	}
	r.mask(d, start, p, ruleOpaque)
	return p
}

// percentToken decodes the percent-encoded word around i. When something is
// found in it, it is replaced by its sanitized form, encoded again. The second
// result is where that word ends.
func (r *run) percentToken(d *doc, floor, i, hi int, trunc bool) (next, done int) {
	src := d.src
	if i+2 >= hi || hexVal(src[i+1]) < 0 || hexVal(src[i+2]) < 0 {
		return 0, i + 1
	}
	s := i
	for s > floor && percentByte(src[s-1]) {
		s--
	}
	e := i
	for e < hi && percentByte(src[e]) {
		e++
	}
	if r.rs.keysOnly {
		return 0, e
	}
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return e, e
	}
	n.buf = appendPercentDecoded(n.buf, src[s:e], false)
	n.src = n.buf
	r.inspect(n, 0, len(n.src), scopeURL, trunc && e == hi)
	if !n.changed(mark{}) {
		r.pop()
		return 0, e
	}
	for k := len(d.edits); k > 0 && d.edits[k-1].s >= s; k-- {
		d.edits = d.edits[:k-1]
	}
	r.replaceNested(d, s, e, n, appendPercentEncoded)
	r.pop()
	return e, e
}

// percentByte reports bytes that make up a percent-encoded word in text.
func percentByte(c byte) bool {
	return tokenByte(c) || c == '%' || c == '.' || c == '~' || c == '@' || c == '+' || c == '*' || c == '!' || c == '$' || c == ':' || c == '[' || c == ']'
}

// dataURL hides what a data: URL carries, unless it is harmless plain text.
func (r *run) dataURL(d *doc, i, hi int, trunc bool) int {
	src := d.src
	p := i + 1
	for p < hi && p-i < 128 && src[p] != ',' && !isSpace(src[p]) && src[p] != '"' && src[p] != '\'' {
		p++
	}
	if p >= hi || src[p] != ',' || !bytes.ContainsAny(src[i+1:p], "/;") || !r.rs.rules[ruleOpaque].on {
		return 0
	}
	b64 := bytes.HasSuffix(src[i+1:p], []byte(";base64"))
	s := p + 1
	e := s
	for e < hi && !isSpace(src[e]) && src[e] != '"' && src[e] != '\'' && src[e] != '<' && src[e] != '>' && src[e] != ')' && src[e] != '\\' {
		e++
	}
	if e == s || r.rs.isMarker(src[s:e]) {
		return e
	}
	if r.rs.markerAt(src, s, hi) == e {
		return e
	}
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return e
	}
	if b64 {
		n.buf = appendBase64Decoded(n.buf, src[s:e])
	} else {
		n.buf = appendPercentDecoded(n.buf, src[s:e], false)
	}
	n.src = n.buf
	plain := textual(n.src)
	if plain {
		r.inspect(n, 0, len(n.src), scopeText, trunc && e == hi)
		plain = !n.changed(mark{})
	}
	r.pop()
	if plain {
		return e
	}
	r.mask(d, s, e, ruleOpaque)
	return e
}
