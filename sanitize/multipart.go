package sanitize

import (
	"bytes"
	"strings"
)

// multipart sanitizes a multipart body part by part. It returns a reason when
// the body is none.
func (r *run) multipart(d *doc, lo, hi int, contentType string, trunc bool, depth int) string {
	src := d.src
	delim := boundaryOf(contentType)
	if delim == "" { // as the first line says
		p := lo
		for p < hi && isSpace(src[p]) {
			p++
		}
		e := nextLine(src, p, hi)
		line := bytes.TrimRight(src[p:e], "\r\n ")
		if len(line) < 3 || len(line) > 80 || line[0] != '-' || line[1] != '-' {
			d.dropTail(lo, hi)
			return "malformed multipart"
		}
		delim = string(line[2:])
	}
	mark := []byte("--" + delim)
	p, _, kind := nextDelim(src, lo, lo, hi, mark)
	if kind == delimNone {
		d.dropTail(lo, hi)
		return "malformed multipart"
	}
	// The preamble is not shown to anybody; it may hold anything.
	if start := p - len(mark); start > lo {
		d.drop(lo, lineStart(src, lo, p))
	}
	for kind == delimOpen {
		start := nextLine(src, p, hi)
		next, end, k := nextDelim(src, start, start, hi, mark)
		cut := k == delimNone
		if cut {
			end = hi
		}
		r.partOf(d, start, end, trunc && cut, depth)
		if cut && !trunc {
			return "unclosed multipart"
		}
		p, kind = next, k
	}
	if kind == delimClose {
		e := p + 2
		if e < hi && len(bytes.TrimSpace(src[e:hi])) > 0 {
			d.dropTail(e, hi) // the epilogue
		}
	}
	return ""
}

const (
	delimNone = iota
	delimOpen
	delimClose
)

func lineStart(src []byte, lo, p int) int {
	for p > lo && src[p-1] != '\n' {
		p--
	}
	return p
}

// nextDelim finds the next delimiter line: where its text ends, where the
// content before it ends, and its kind.
func nextDelim(src []byte, from, lo, hi int, mark []byte) (p, end, kind int) {
	for from < hi {
		j := bytes.Index(src[from:hi], mark)
		if j < 0 {
			return hi, hi, delimNone
		}
		s := from + j
		p = s + len(mark)
		from = p
		if s > lo && src[s-1] != '\n' {
			continue
		}
		end = s
		if end > lo {
			end--
			if end > lo && src[end-1] == '\r' {
				end--
			}
		}
		q := p
		for q < hi && (src[q] == ' ' || src[q] == '\t') {
			q++
		}
		switch {
		case q+1 < hi && src[p] == '-' && src[p+1] == '-':
			return p, end, delimClose
		case q < hi && (src[q] == '\r' || src[q] == '\n'):
			return p, end, delimOpen
		}
	}
	return hi, hi, delimNone
}

func boundaryOf(contentType string) string {
	return param(contentType, "boundary")
}

// param reads a parameter of a header value, quoted or not.
func param(v, name string) string {
	for {
		semi := strings.IndexByte(v, ';')
		if semi < 0 {
			return ""
		}
		v = strings.TrimLeft(v[semi+1:], " \t")
		eq := strings.IndexByte(v, '=')
		if eq < 0 {
			return ""
		}
		if next := strings.IndexByte(v, ';'); next >= 0 && next < eq {
			continue
		}
		key := strings.TrimSpace(v[:eq])
		v = v[eq+1:]
		var val string
		if strings.HasPrefix(v, `"`) {
			end := 1
			for end < len(v) && v[end] != '"' {
				if v[end] == '\\' {
					end++
				}
				end++
			}
			val = v[1:min(end, len(v))]
			v = v[min(end, len(v)):]
		} else {
			val, _, _ = strings.Cut(v, ";")
			val = strings.TrimSpace(val)
		}
		if strings.EqualFold(key, name) {
			return val
		}
	}
}

// partOf sanitizes one part: its headers and its body.
func (r *run) partOf(d *doc, s, e int, trunc bool, depth int) {
	src := d.src
	body := -1
	for p := s; p < e; {
		n := nextLine(src, p, e)
		if len(bytes.TrimRight(src[p:n], "\r\n")) == 0 {
			body = n
			break
		}
		p = n
	}
	if body < 0 { // headers only, or cut in them
		if trunc {
			d.dropTail(s, e)
		} else {
			r.headerLines(d, s, e, false)
		}
		return
	}
	var disposition, ctype, encoding string
	for p := s; p < body; {
		n := nextLine(src, p, body)
		for n < body && (src[n] == ' ' || src[n] == '\t') {
			n = nextLine(src, n, body)
		}
		name, v, ok := bytes.Cut(bytes.TrimSpace(src[p:n]), []byte(":"))
		if ok {
			switch {
			case strings.EqualFold(string(bytes.TrimSpace(name)), "content-disposition"):
				disposition = strings.TrimSpace(string(v))
			case strings.EqualFold(string(bytes.TrimSpace(name)), "content-type"):
				ctype = strings.TrimSpace(string(v))
			case strings.EqualFold(string(bytes.TrimSpace(name)), "content-transfer-encoding"):
				encoding = strings.ToLower(strings.TrimSpace(string(v)))
			}
		}
		p = n
	}
	r.headerLines(d, s, body, false)
	if body == e {
		return
	}
	rule := ruleNone
	for _, pn := range [...]string{"name", "name*"} {
		name := param(disposition, pn)
		if pn == "name*" {
			if _, after, ok := strings.Cut(name, "''"); ok {
				name = after
			}
		}
		if name == "" {
			continue
		}
		if dec := r.key([]byte(name), scopeURL); dec.rule != ruleNone {
			if !(dec.flags&(wCounter|wStrings) != 0 && isNumber(src[body:e])) && !isLiteral(src[body:e]) {
				rule = dec.rule
			}
		}
	}
	if rule != ruleNone {
		if !r.rs.isMarker(src[body:e]) {
			r.mask(d, body, e, rule)
		}
		return
	}
	if r.rs.isMarker(src[body:e]) {
		return
	}
	switch encoding {
	case "base64", "quoted-printable":
		if trunc {
			d.dropTail(body, e)
			return
		}
		r.transferEncoded(d, body, e, encoding)
		return
	}
	file := param(disposition, "filename") != "" || param(disposition, "filename*") != ""
	if depth >= 4 {
		r.mask(d, body, e, ruleTooDeep)
		return
	}
	kind := kindOf(ctype)
	switch {
	case ctype == "" && !file:
		kind = KindAuto
	case ctype == "":
		kind = KindBinary
	}
	if strings.HasPrefix(strings.ToLower(ctype), "application/http") || strings.HasPrefix(strings.ToLower(ctype), "message/") {
		r.httpMessage(d, body, e, trunc, depth)
		return
	}
	r.part(d, body, e, kind, ctype, trunc, depth)
}

// part sanitizes an embedded document in place; what cannot be read of it is
// hidden behind a marker.
func (r *run) part(d *doc, s, e int, kind Kind, ctype string, trunc bool, depth int) {
	src := d.src
	if kind == KindAuto {
		kind = sniff(src[s:e])
		if kind == KindForm {
			kind = KindText
		}
	}
	if kind == KindBinary || !textual(src[s:e]) && e-s >= 4 {
		r.mask(d, s, e, ruleBinary)
		return
	}
	m := d.mark()
	end, reason := r.span(d, s, e, kind, ctype, trunc, depth+1)
	if reason != "" && !trunc {
		if end <= s {
			d.undo(m)
			r.mask(d, s, e, ruleMalformed)
			return
		}
	}
	if end < e {
		d.dropTail(end, e)
		if !trunc {
			r.mask(d, e, e, ruleMalformed)
		}
	}
}

func (r *run) transferEncoded(d *doc, s, e int, encoding string) {
	src := d.src
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	if encoding == "base64" {
		n.buf = appendBase64Decoded(n.buf, src[s:e])
	} else {
		n.buf = appendQuotedPrintable(n.buf, src[s:e])
	}
	n.src = n.buf
	hit := !textual(n.src)
	if !hit {
		r.inspect(n, 0, len(n.src), scopeBody, false)
		hit = n.changed(mark{})
	}
	r.pop()
	if hit {
		r.mask(d, s, e, ruleOpaque)
	}
}

func appendQuotedPrintable(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c == '=' {
			if i+2 < len(src) && hexVal(src[i+1]) >= 0 && hexVal(src[i+2]) >= 0 {
				dst = append(dst, byte(hexVal(src[i+1])<<4|hexVal(src[i+2])))
				i += 2
				continue
			}
			if i+1 < len(src) && src[i+1] == '\n' {
				i++
				continue
			}
			if i+2 < len(src) && src[i+1] == '\r' && src[i+2] == '\n' {
				i += 2
				continue
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// httpMessage sanitizes a request or response inside a part.
func (r *run) httpMessage(d *doc, s, e int, trunc bool, depth int) {
	src := d.src
	p := nextLine(src, s, e)
	r.text(d, s, p, scopeURL, trunc && p == e)
	body := e
	ctype := ""
	for q := p; q < e; {
		n := nextLine(src, q, e)
		line := bytes.TrimRight(src[q:n], "\r\n")
		if len(line) == 0 {
			body = n
			break
		}
		if name, v, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "content-type") {
			ctype = strings.TrimSpace(string(v))
		}
		q = n
	}
	r.headerLines(d, p, body, trunc && body == e)
	if body < e {
		// Trailing line ends belong to the message, not to the document.
		x := e
		for x > body && isSpace(src[x-1]) {
			x--
		}
		r.part(d, body, x, kindOf(ctype), ctype, trunc, depth+1)
	}
}
