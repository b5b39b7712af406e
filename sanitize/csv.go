package sanitize

import "bytes"

// csv sanitizes a table with a header row: the cells below a sensitive name
// are hidden, and so is a whole row that does not have the header's number of
// cells, because then nobody knows what stands where.
func (r *run) csv(d *doc, lo, hi int, trunc bool) {
	src := d.src
	end := csvRow(src, lo, hi)
	comma := csvComma(src[lo:end])
	rules := make([]ruleID, 0, 16)
	sensitive := false
	for p := lo; p <= end; {
		e := csvCell(src, p, end, comma)
		s, t := csvInner(src, p, e)
		dec := r.key(src[s:t], scopeBody)
		if dec.rule == ruleUnlisted && r.rs.mode != ModeAllow {
			dec.rule = ruleNone
		}
		rules = append(rules, dec.rule)
		sensitive = sensitive || dec.rule != ruleNone
		p = e + 1
	}
	if trunc && end == hi {
		d.dropTail(lo, hi)
		return
	}
	// The header may itself be the first row of data.
	r.csvCells(d, lo, end, comma, nil)
	for p := skipNewline(src, end, hi); p < hi; {
		e := csvRow(src, p, hi)
		if trunc && e == hi {
			d.dropTail(p, hi)
			return
		}
		if e == p {
			p = skipNewline(src, e, hi)
			continue
		}
		if sensitive && csvCount(src, p, e, comma) != len(rules) {
			if m := r.rs.markerAt(src, p, e); m != e {
				r.mask(d, p, e, ruleCut)
			}
		} else if bytes.Contains(src[p:e], []byte(`":`)) && csvCount(src, p, e, comma) != len(rules) {
			r.text(d, p, e, scopeBody, false) // JSON that nobody quoted, its commas in the way
		} else {
			r.csvCells(d, p, e, comma, rules)
		}
		p = skipNewline(src, e, hi)
	}
}

func (r *run) csvCells(d *doc, lo, hi int, comma byte, rules []ruleID) {
	src := d.src
	for p, col := lo, 0; p <= hi; col++ {
		e := csvCell(src, p, hi, comma)
		s, t := csvInner(src, p, e)
		v := src[s:t]
		switch {
		case col < len(rules) && rules[col] != ruleNone:
			if len(v) > 0 && !r.rs.isMarker(v) && !isLiteral(v) {
				r.mask(d, s, t, rules[col])
			}
		case bytes.IndexByte(v, '"') >= 0: // doubled quotes inside
			r.cell(d, s, t)
		case len(v) > 3:
			r.inspect(d, s, t, scopeBody, false)
		}
		p = e + 1
	}
}

// cell inspects a quoted cell that contains quotes.
func (r *run) cell(d *doc, s, e int) {
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	n.buf = append(n.buf, bytes.ReplaceAll(d.src[s:e], []byte(`""`), []byte(`"`))...)
	n.src = n.buf
	r.inspect(n, 0, len(n.src), scopeBody, false)
	if n.changed(mark{}) {
		r.replaceNested(d, s, e, n, func(dst, src []byte) []byte {
			return append(dst, bytes.ReplaceAll(src, []byte(`"`), []byte(`""`))...)
		})
	}
	r.pop()
}

// csvRow returns the end of the row at p: a line end outside quotes.
func csvRow(src []byte, p, hi int) int {
	quoted := false
	start := true
	for ; p < hi; p++ {
		c := src[p]
		switch {
		case c == '"' && (start || quoted):
			quoted = !quoted
		case (c == '\n' || c == '\r') && !quoted:
			return p
		}
		start = c == ',' || c == ';' || c == '\t' || c == '|' || c == '"'
	}
	return hi
}

func skipNewline(src []byte, p, hi int) int {
	if p < hi && src[p] == '\r' {
		p++
	}
	if p < hi && src[p] == '\n' {
		p++
	}
	return p
}

func csvComma(head []byte) byte {
	best, n := byte(','), 0
	for _, c := range []byte{',', ';', '\t', '|'} {
		if k := bytes.Count(head, []byte{c}); k > n {
			best, n = c, k
		}
	}
	return best
}

func csvCell(src []byte, p, hi int, comma byte) int {
	quoted := p < hi && src[p] == '"'
	if quoted {
		p++
	}
	for ; p < hi; p++ {
		if src[p] == '"' && quoted {
			if p+1 < hi && src[p+1] == '"' {
				p++
				continue
			}
			quoted = false
		} else if src[p] == comma && !quoted {
			return p
		}
	}
	return hi
}

func csvInner(src []byte, s, e int) (int, int) {
	for s < e && src[s] == ' ' {
		s++
	}
	for e > s && src[e-1] == ' ' {
		e--
	}
	if e-s >= 2 && src[s] == '"' && src[e-1] == '"' {
		return s + 1, e - 1
	}
	return s, e
}

func csvCount(src []byte, p, hi int, comma byte) int {
	n := 0
	for p <= hi {
		p = csvCell(src, p, hi, comma) + 1
		n++
	}
	return n
}
