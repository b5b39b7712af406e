package sanitize

// jsonFault closes the books where the input stops making sense: what is being
// hidden stays hidden, and so does every value that waited for its name.
func (r *run) jsonFault(d *doc, base, top, at, mask int) int {
	for k := base; k <= top; k++ {
		f := &r.frames[k]
		from, to := int(f.pend), len(r.pend)
		if k < top {
			to = int(r.frames[k+1].pend)
		}
		for _, p := range r.pend[from:to] {
			r.settle(d, f, p, true)
		}
		if mask == k {
			if f.rule != ruleNone {
				r.maskJSON(d, f.start, at, f.rule)
			}
			return at
		}
		if k < top {
			c := &r.frames[k+1]
			if c.slot >= 0 && c.flags&fLoose == 0 && f.flags&fNamed == 0 && (c.role == roleValue || c.role == roleParams && c.flags&fObject == 0 && f.flags&fNamed == 0) {
				d.edits[c.slot] = r.jsonEdit(d, c.start, at, ruleCut)
				return at
			}
			if c.slot >= 0 && (c.role == roleRows || c.role == roleValue) && c.flags&fTable != 0 && f.cols == 0 {
				d.edits[c.slot] = r.jsonEdit(d, c.start, at, ruleCut)
				return at
			}
		}
	}
	return at
}

// jsonBytes looks at an array of numbers that may be the bytes of a text. It
// hides it when something is found in it, and reports one that is cut.
func (r *run) jsonBytes(d *doc, i, hi int) (end int, cut bool) {
	src := d.src
	p := i + 1
	n := r.push(0)
	if n == nil {
		return 0, false
	}
	defer r.pop()
	for {
		for p < hi && isSpace(src[p]) {
			p++
		}
		if p >= hi {
			return 0, len(n.buf) >= 4 && textual(n.buf)
		}
		v, digits, zero := 0, 0, src[p] == '0'
		for p < hi && isDigit(src[p]) && digits < 4 {
			v = v*10 + int(src[p]-'0')
			digits++
			p++
		}
		for p < hi && isSpace(src[p]) {
			p++
		}
		if p >= hi { // the last number may be half of one
			return 0, len(n.buf) >= 4 && textual(n.buf)
		}
		if digits == 0 || v > 255 || v < 9 || zero { // JSON has no leading zeros
			return 0, false
		}
		n.buf = append(n.buf, byte(v))
		if src[p] == ']' {
			p++
			break
		}
		if src[p] != ',' {
			return 0, false
		}
		p++
	}
	n.src = n.buf
	if len(n.src) < 6 || !textual(n.src) || len(n.src) > r.budget {
		return 0, false
	}
	r.budget -= len(n.src)
	r.inspect(n, 0, len(n.src), scopeBody, false)
	if !n.changed(mark{}) {
		return 0, false
	}
	r.maskJSON(d, i, p, ruleOpaque)
	return p, false
}

// jsonString inspects a string without escapes, which is known not to be plain.
func (r *run) jsonString(d *doc, s, e int) {
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	n.src = d.src[s:e]
	r.inspectValue(n, 0, e-s, scopeBody, false, false)
	if n.changed(mark{}) {
		r.replaceNested(d, s, e, n, appendJSONEscaped)
	}
	r.pop()
}

// jsonEscaped inspects a string value with escapes.
func (r *run) jsonEscaped(d *doc, s, e int) {
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	n.buf = appendUnescaped(n.buf, d.src[s:e])
	n.src = n.buf
	r.inspect(n, 0, len(n.src), scopeBody, false)
	if n.changed(mark{}) {
		r.replaceNested(d, s, e, n, appendJSONEscaped)
	}
	r.pop()
}
