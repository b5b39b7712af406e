package sanitize

import (
	"bytes"
)

// xmlFrame is an open element.
type xmlFrame struct {
	s, e    int // its name in the source
	content int
	rule    ruleID // its content is hidden
	role    role
	next    ruleID // a <key> or <name> child named this: hides a later sibling
	plist   bool   // … the very next one
	slot    int    // reserved edit of a <value> child that came before its name
	vs, ve  int
	label   label // in the outermost frame: what the text so far ended with
}

// maxElements bounds the depth of elements that is told apart.
const maxElements = 1024

// markup sanitizes XML, or HTML. It is lenient about structure, because
// nothing depends on it but how far a sensitive element reaches, and that is
// then taken to be the rest of the document.
func (r *run) markup(d *doc, lo, hi int, html, trunc bool) {
	src := d.src
	base := len(r.xml)
	r.xml = append(r.xml, xmlFrame{slot: -1})
	masked := -1
	raw := ""
	defer func() { r.xml = r.xml[:base] }()
	i := lo
	for i < hi {
		lt := bytes.IndexByte(src[i:hi], '<')
		if raw != "" {
			lt = rawEnd(src[i:hi], raw)
		}
		t := hi
		if lt >= 0 {
			t = i + lt
		}
		if masked < 0 && t > i {
			r.characterData(d, base, i, t, raw != "", trunc && t == hi)
		}
		if t == hi {
			break
		}
		raw = ""
		i = t
		rest := src[i:hi]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			i = r.enclosed(d, i, i+4, hi, "-->", masked >= 0, trunc)
			continue
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			e := bytes.Index(rest[9:], []byte("]]>"))
			stop, after := hi, hi
			if e >= 0 {
				stop, after = i+9+e, i+9+e+3
			}
			if masked < 0 {
				r.inspect(d, i+9, stop, scopeBody, trunc && stop == hi)
				r.noteName(d, base, i+9, stop)
			}
			i = after
			continue
		case bytes.HasPrefix(rest, []byte("<?")):
			i = r.enclosed(d, i, i+2, hi, "?>", masked >= 0, trunc)
			continue
		case bytes.HasPrefix(rest, []byte("<!")):
			i = r.declaration(d, i, hi, masked >= 0, trunc)
			continue
		case len(rest) > 1 && rest[1] == '/':
			i = r.closeElement(d, base, i, hi, &masked, html, trunc)
			continue
		}
		n, name, selfClosed := r.openElement(d, base, i, hi, &masked, html, trunc)
		if n == hi && src[hi-1] != '>' {
			break
		}
		i = n
		if html && !selfClosed {
			switch name {
			case "script", "style", "textarea", "title":
				raw = name
			}
		}
	}
	// Whatever is open at the end reaches to the end.
	if masked >= 0 {
		f := &r.xml[masked]
		if f.content < hi && len(bytes.TrimSpace(src[f.content:hi])) > 0 {
			r.mask(d, f.content, hi, f.rule)
		}
	} else if trunc {
		for k := base; k < len(r.xml); k++ {
			f := &r.xml[k]
			if k+1 < len(r.xml) && f.slot >= 0 && f.ve == f.vs && r.xml[k+1].content == f.vs {
				f.ve = hi // cut inside the value
			}
			if f.slot >= 0 && f.next == ruleNone && f.slot < len(d.edits) {
				r.fillXML(d, f, ruleCut)
			}
		}
	}
}

// rawEnd finds the end tag of a raw text element.
func rawEnd(b []byte, name string) int {
	for from := 0; ; {
		j := bytes.Index(b[from:], []byte("</"))
		if j < 0 {
			return -1
		}
		j += from
		if len(b)-j-2 >= len(name) && equalFold(b[j+2:j+2+len(name)], name) {
			return j
		}
		from = j + 2
	}
}

// enclosed runs the text pass inside a comment or processing instruction.
func (r *run) enclosed(d *doc, start, s, hi int, stop string, masked, trunc bool) int {
	j := bytes.Index(d.src[s:hi], []byte(stop))
	e, after := hi, hi
	if j >= 0 {
		e, after = s+j, s+j+len(stop)
	}
	if !masked {
		if e == hi && trunc {
			d.dropTail(start, hi)
		} else {
			r.text(d, s, e, scopeBody, false)
		}
	}
	return after
}

// declaration handles <!DOCTYPE …>: its internal subset is dropped, entities
// are never expanded.
func (r *run) declaration(d *doc, i, hi int, masked, trunc bool) int {
	src := d.src
	open := -1
	depth := 0
	q := byte(0)
	p := i + 2
	for p < hi {
		c := src[p]
		switch {
		case q != 0:
			if c == q {
				q = 0
			}
		case c == '"' || c == '\'':
			q = c
		case c == '[':
			if depth == 0 && open < 0 {
				open = p
			}
			depth++
		case c == ']':
			depth--
		case c == '>' && depth <= 0:
			if !masked && open >= 0 && r.rs.rules[ruleDoctype].on {
				d.edits = append(d.edits, edit{s: open, e: p, rule: ruleDoctype})
			} else if !masked {
				r.text(d, i+2, p, scopeBody, false)
			}
			return p + 1
		}
		p++
	}
	if !masked {
		if trunc || r.rs.rules[ruleDoctype].on {
			d.dropTail(i, hi)
		} else {
			r.text(d, i+2, hi, scopeBody, false)
		}
	}
	return hi
}

// characterData sanitizes text between tags.
func (r *run) characterData(d *doc, base, s, e int, raw, trunc bool) {
	src := d.src
	n := r.push(e - s)
	if n == nil {
		r.mask(d, s, e, ruleTooDeep)
		return
	}
	enc := appendTextEncoded
	if raw {
		n.src = src[s:e]
		enc = nil
	} else if bytes.IndexByte(src[s:e], '&') >= 0 {
		n.buf = appendEntityDecoded(n.buf, src[s:e])
		n.src = n.buf
	} else {
		n.src = src[s:e]
	}
	if trunc {
		n.edits = n.edits[:0]
	}
	if l := r.xml[base].label; l.dec.rule != ruleNone && len(bytes.TrimSpace(n.src)) > 0 && r.labelled(n, l) {
		r.xml[base].label = label{}
		if behind := n.edits[0].e; behind < len(n.src) {
			r.text(n, behind, len(n.src), scopeBody, trunc)
		}
	} else {
		switch v := bytes.TrimSpace(n.src); {
		case len(v) == 0:
		case len(v) == 1 && (v[0] == ':' || v[0] == '='): // a separator of its own
			r.xml[base].label.colon, r.xml[base].label.opened = true, false
		case raw:
			r.xml[base].label = label{}
		default:
			r.xml[base].label = r.labelOf(v)
		}
		r.inspect(n, 0, len(n.src), scopeBody, trunc)
	}
	if n.changed(mark{}) {
		r.replaceNested(d, s, e, n, enc)
	}
	r.pop()
	if !trunc {
		r.noteName(d, base, s, e)
	}
}

// noteName remembers what the content of a <key> or <name> element names.
func (r *run) noteName(d *doc, base, s, e int) {
	top := len(r.xml) - 1
	if top <= base || !r.xml[top].role.names() || e-s > 80 {
		return
	}
	f := &r.xml[top]
	v := bytes.TrimSpace(d.src[s:e])
	dec := r.key(v, scopeBody)
	if dec.rule == ruleNone || dec.rule == ruleUnlisted {
		return
	}
	p := &r.xml[top-1]
	p.next = dec.rule
	p.plist = equalName(d.src[f.s:f.e], "key")
	if p.slot >= 0 {
		r.fillXML(d, p, dec.rule)
	}
}

func equalName(n []byte, want string) bool {
	return len(n) == len(want) && equalFold(n, want)
}

func (r *run) fillXML(d *doc, p *xmlFrame, rule ruleID) {
	v := bytes.TrimSpace(d.src[p.vs:p.ve])
	if len(v) > 0 && !r.rs.isMarker(v) {
		ro := len(d.repl)
		d.repl = r.appendMarker(d.repl, rule, d.src[p.vs:p.ve])
		d.edits[p.slot] = edit{s: p.vs, e: p.ve, ro: ro, rl: len(d.repl) - ro, rule: rule}
	}
	p.slot = -1
}

func appendTextEncoded(dst, s []byte) []byte {
	for _, c := range s {
		switch c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
