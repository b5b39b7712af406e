package sanitize

import (
	"bytes"
)

func nameByte(c byte) bool {
	return isAlnum(c) || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

func localName(n []byte) []byte {
	if c := bytes.LastIndexByte(n, ':'); c >= 0 {
		return n[c+1:]
	}
	return n
}

type attribute struct{ ns, ne, vs, ve int }

// openElement handles a start tag at i and returns where it ends.
func (r *run) openElement(d *doc, base, i, hi int, masked *int, html, trunc bool) (end int, name string, self bool) {
	src := d.src
	p := i + 1
	for p < hi && nameByte(src[p]) {
		p++
	}
	ns, ne := i+1, p
	if ns == ne { // a "<" in text
		if *masked < 0 && trunc && p == hi {
			d.dropTail(i, hi)
		}
		return max(p, i+1), "", true
	}
	var attrs [32]attribute
	n := 0
	more := -1
	for {
		for p < hi && (isSpace(src[p]) || src[p] == '/' && p+1 < hi && src[p+1] != '>') {
			p++
		}
		if p >= hi {
			break
		}
		if src[p] == '>' {
			break
		}
		if src[p] == '/' && p+1 < hi && src[p+1] == '>' {
			self = true
			p++
			break
		}
		a := attribute{ns: p}
		for p < hi && src[p] != '=' && src[p] != '>' && !isSpace(src[p]) && !(src[p] == '/' && p > a.ns) {
			p++
		}
		a.ne = p
		for p < hi && isSpace(src[p]) {
			p++
		}
		if p < hi && src[p] == '=' {
			p++
			for p < hi && isSpace(src[p]) {
				p++
			}
			if p < hi && (src[p] == '"' || src[p] == '\'') {
				q := src[p]
				p++
				a.vs = p
				for p < hi && src[p] != q {
					p++
				}
				a.ve = p
				if p < hi {
					p++
				} else {
					a.ve = hi
				}
			} else {
				a.vs = p
				for p < hi && src[p] != '>' && !isSpace(src[p]) {
					p++
				}
				a.ve = p
			}
		}
		if a.ne == a.ns {
			p++
			continue
		}
		if n < len(attrs) {
			attrs[n] = a
			n++
		} else if more < 0 {
			more = a.ns
		}
	}
	if p >= hi { // the tag is not closed
		if *masked < 0 {
			d.dropTail(i, hi)
		}
		return hi, "", true
	}
	end = p + 1
	if l := &r.xml[base].label; l.dec.rule != ruleNone {
		if inlineElement(src[ns:ne]) {
			l.opened = !(html && void(src[ns:ne]))
		} else {
			*l = label{}
		}
	}
	if *masked >= 0 {
		if !self && !(html && void(src[ns:ne])) && len(r.xml)-base < maxElements {
			r.xml = append(r.xml, xmlFrame{s: ns, e: ne, slot: -1})
		}
		return end, lowerString(src[ns:ne], html), self
	}
	named, hadValue := r.attributes(d, attrs[:n])
	if more >= 0 {
		r.mask(d, more, p, ruleCut)
	}
	self = self || html && void(src[ns:ne])
	local := localName(src[ns:ne])
	dec := r.key(local, scopeBody)
	parent := &r.xml[len(r.xml)-1]
	f := xmlFrame{s: ns, e: ne, content: end, slot: -1, role: dec.role}
	if dec.rule == ruleUnlisted {
		dec.rule = ruleNone
	}
	if dec.rule != ruleNone && dec.flags&wCounter == 0 {
		f.rule = dec.rule
	} else if named != ruleNone && !hadValue {
		f.rule = named
	} else if parent.next != ruleNone && (parent.plist || dec.role == roleValue) {
		f.rule = parent.next
		if parent.plist {
			parent.next = ruleNone
		}
	} else if dec.role == roleValue && parent.slot < 0 && !html {
		parent.slot = d.reserve()
		parent.vs, parent.ve = end, end
	}
	if html && len(local) > 1 && (equalName(local, "script") || equalName(local, "style")) {
		f.rule = ruleNone
	}
	if self {
		return end, lowerString(src[ns:ne], html), true
	}
	if len(r.xml)-base >= maxElements {
		// Too deep to tell elements apart: the rest is hidden.
		f.rule = ruleTooDeep
	}
	r.xml = append(r.xml, f)
	if f.rule != ruleNone {
		*masked = len(r.xml) - 1
	}
	return end, lowerString(src[ns:ne], html), false
}

func lowerString(n []byte, html bool) string {
	if !html || len(n) > 10 {
		return ""
	}
	switch {
	case equalName(n, "script"):
		return "script"
	case equalName(n, "style"):
		return "style"
	case equalName(n, "textarea"):
		return "textarea"
	case equalName(n, "title"):
		return "title"
	}
	return ""
}

func void(n []byte) bool {
	if len(n) < 2 || len(n) > 6 {
		return false
	}
	for _, v := range [...]string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"} {
		if equalName(n, v) {
			return true
		}
	}
	return false
}

// attributes sanitizes the attributes of one tag. An attribute that names the
// element (name="csrf_token") makes its value attributes sensitive, whatever
// their order; the rule is returned, and whether there was such a value.
func (r *run) attributes(d *doc, attrs []attribute) (named ruleID, hadValue bool) {
	src := d.src
	for _, a := range attrs {
		if a.ve <= a.vs || a.ve-a.vs > 80 {
			continue
		}
		n := localName(src[a.ns:a.ne])
		switch {
		case equalName(n, "name"), equalName(n, "id"), equalName(n, "key"), equalName(n, "type"), equalName(n, "property"), equalName(n, "itemprop"), equalName(n, "http-equiv"), equalName(n, "field"), equalName(n, "autocomplete"):
			dec := r.key(src[a.vs:a.ve], scopeBody)
			if equalName(n, "type") && dec.rule != rulePassword {
				continue
			}
			if dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&wCounter == 0 && src[a.vs] != '#' && named == ruleNone {
				named = dec.rule
			}
		}
	}
	for _, a := range attrs {
		if a.ve <= a.vs {
			continue
		}
		n := localName(src[a.ns:a.ne])
		value := equalName(n, "value") || equalName(n, "content") || equalName(n, "val") || equalName(n, "default") || equalName(n, "data-value")
		rule := ruleNone
		if value && named != ruleNone {
			rule = named
			hadValue = true
		} else if dec := r.key(n, scopeBody); dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&wCounter == 0 {
			rule = dec.rule
		}
		v := src[a.vs:a.ve]
		if rule != ruleNone {
			if !r.rs.isMarker(v) && !isLiteral(v) {
				r.mask(d, a.vs, a.ve, rule)
			}
			continue
		}
		if len(v) < 4 {
			continue
		}
		nd := r.push(len(v))
		if nd == nil {
			r.mask(d, a.vs, a.ve, ruleTooDeep)
			continue
		}
		if bytes.IndexByte(v, '&') >= 0 {
			nd.buf = appendEntityDecoded(nd.buf, v)
			nd.src = nd.buf
		} else {
			nd.src = v
		}
		r.inspect(nd, 0, len(nd.src), scopeBody, false)
		if nd.changed(mark{}) {
			r.replaceNested(d, a.vs, a.ve, nd, appendEntityEncoded)
		}
		r.pop()
	}
	return named, hadValue
}

// closeElement handles an end tag at i and returns where it ends.
func (r *run) closeElement(d *doc, base, i, hi int, masked *int, html, trunc bool) int {
	src := d.src
	p := i + 2
	for p < hi && nameByte(src[p]) {
		p++
	}
	name := src[i+2 : p]
	for p < hi && src[p] != '>' {
		p++
	}
	end := min(p+1, hi)
	if p >= hi && *masked < 0 && trunc {
		d.dropTail(i, hi)
		return hi
	}
	floor := base + 1
	if *masked >= 0 {
		floor = *masked
	}
	for k := len(r.xml) - 1; k >= floor; k-- {
		f := &r.xml[k]
		fn := src[f.s:f.e]
		if !bytes.Equal(fn, name) && !(html && len(fn) == len(name) && bytes.EqualFold(fn, name)) {
			continue
		}
		if *masked == k {
			v := bytes.TrimSpace(src[f.content:i])
			if len(v) > 0 && !r.rs.isMarker(v) && !isLiteral(v) {
				r.mask(d, f.content, i, f.rule)
			}
			*masked = -1
		}
		parent := &r.xml[k-1]
		if f.role == roleValue && parent.slot >= 0 && parent.ve == parent.vs && parent.vs == f.content {
			parent.ve = i
		}
		r.xml = r.xml[:k]
		return end
	}
	return end
}
