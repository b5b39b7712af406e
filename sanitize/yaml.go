package sanitize

import "bytes"

// yaml sanitizes YAML by lines and indentation: a sensitive key hides its
// scalar and everything indented below it. Flow style, quoted keys and the
// like are the text pass's.
func (r *run) yaml(d *doc, lo, hi int, trunc bool) {
	src := d.src
	text := lo // from here on nothing was looked at yet
	var item yamlItem
	item.slot = -1
	explicit := ruleNone // "? password" was read
	for p := lo; p < hi; {
		ls := p
		le := nextLine(src, p, hi)
		p = le
		k, indent, dash := yamlIndent(src, ls, le)
		if k >= le || src[k] == '#' || src[k] == '\n' || src[k] == '\r' {
			continue
		}
		if dash || indent < item.indent {
			r.yamlSettle(d, &item, false)
			item = yamlItem{slot: -1, indent: indent}
		}
		if src[k] == '?' && k+1 < le && src[k+1] == ' ' {
			explicit = r.key(bytes.Trim(bytes.TrimSpace(src[k+2:le]), `"'`), scopeBody).rule
			continue
		}
		if src[k] == ':' && explicit != ruleNone {
			e := yamlBlock(src, le, hi, indent, false)
			r.text(d, text, k, scopeBody, false)
			r.yamlMask(d, k+1, e, explicit, decision{})
			text, p, explicit = e, e, ruleNone
			continue
		}
		explicit = ruleNone
		ks, ke, v := yamlKey(src, k, le)
		if ke <= ks {
			continue
		}
		dec := r.key(src[ks:ke], scopeBody)
		if dec.hit() && dec.rule == ruleNone {
			continue // the text pass finds it
		}
		rule := dec.rule
		vs := v
		for vs < le && (src[vs] == ' ' || src[vs] == '\t') {
			vs++
		}
		ve := le
		for ve > vs && isSpace(src[ve-1]) {
			ve--
		}
		switch {
		case rule != ruleNone:
		case dec.role.names() && ve > vs:
			// (A name that the cut may have shortened says nothing.)
			nd := r.key(bytes.Trim(src[vs:ve], `"'`), scopeBody)
			if nd.rule != ruleNone && nd.flags&wCounter == 0 {
				item.name = nd.rule
				item.indent = indent
			}
			item.named = item.named || !trunc || le < hi
		case dec.role == roleValue && item.name != ruleNone && indent == item.indent:
			rule = item.name
		case dec.role == roleValue && ve > vs && item.slot < 0 && strictYAML(src[ks:ke]):
			r.text(d, text, vs, scopeBody, false)
			item.slot, item.s, item.indent = d.reserve(), vs, indent
			e := yamlBlock(src, le, hi, indent, false)
			item.e = trimEnd(src, vs, e)
			text = vs
		}
		if rule == ruleNone {
			continue
		}
		e := yamlBlock(src, le, hi, indent, ve == vs)
		if ve > vs && (src[vs] == '"' || src[vs] == '\'') {
			if qe := quoteEnd(src, vs+1, hi, src[vs], 0, 1); qe >= le {
				e = max(e, nextLine(src, min(qe, hi), hi))
			}
		}
		r.text(d, text, v, scopeBody, false)
		r.yamlMask(d, v, e, rule, dec)
		text, p = e, e
	}
	r.yamlSettle(d, &item, trunc)
	r.text(d, text, hi, scopeBody, trunc)
}

// yamlItem is the list item or mapping being read, as far as it is a name and
// a value.
type yamlItem struct {
	name   ruleID
	named  bool
	indent int
	slot   int
	s, e   int
}

func strictYAML(k []byte) bool {
	return equalName(k, "value") || equalName(k, "val") || equalName(k, "v")
}

func (r *run) yamlSettle(d *doc, it *yamlItem, cut bool) {
	if it.slot < 0 {
		return
	}
	rule := it.name
	if rule == ruleNone && cut && !it.named {
		rule = ruleCut
	}
	if rule != ruleNone {
		v := d.src[it.s:it.e]
		if len(v) > 0 && !r.rs.isMarker(bytes.Trim(v, `"'`)) {
			e := r.jsonEdit(d, it.s, it.e, rule)
			d.edits[it.slot] = e
		}
	}
	it.slot = -1
}

func trimEnd(src []byte, s, e int) int {
	for e > s && isSpace(src[e-1]) {
		e--
	}
	return e
}

// yamlIndent returns where the content of a line begins and its column; list
// dashes count as indentation.
func yamlIndent(src []byte, ls, le int) (k, indent int, dash bool) {
	k = ls
	for k < le {
		switch {
		case src[k] == ' ' || src[k] == '\t':
			k++
		case src[k] == '-' && k+1 < le && src[k+1] == ' ':
			dash = true
			k += 2
		default:
			return k, k - ls, dash
		}
	}
	return k, k - ls, dash
}

// yamlKey finds "key:" at k. v is behind the colon.
func yamlKey(src []byte, k, le int) (ks, ke, v int) {
	if c := src[k]; c == '"' || c == '\'' {
		e := quoteEnd(src, k+1, le, c, 0, 1)
		if e+1 < le && src[e] == c {
			j := e + 1
			for j < le && src[j] == ' ' {
				j++
			}
			if j < le && src[j] == ':' {
				return k + 1, e, j + 1
			}
		}
		return 0, 0, 0
	}
	for j := k; j < le; j++ {
		switch src[j] {
		case ':':
			if j+1 >= le || isSpace(src[j+1]) {
				return k, j, j + 1
			}
		case '{', '[', '"', '\'', '#':
			return 0, 0, 0
		}
	}
	return 0, 0, 0
}

// yamlBlock returns the end of the block below a key at the given indentation:
// blank lines, deeper lines, and, below a key without a value, list items at
// the same depth.
func yamlBlock(src []byte, p, hi, indent int, list bool) int {
	for p < hi {
		le := nextLine(src, p, hi)
		k := p
		for k < le && (src[k] == ' ' || src[k] == '\t') {
			k++
		}
		if k < le && src[k] != '\n' && src[k] != '\r' {
			col := k - p
			item := list && col == indent && src[k] == '-' && k+1 < le && src[k+1] == ' '
			if col <= indent && !item {
				return p
			}
		}
		p = le
	}
	return p
}

func (r *run) yamlMask(d *doc, s, e int, rule ruleID, dec decision) {
	src := d.src
	for s < e && isSpace(src[s]) {
		s++
	}
	e = trimEnd(src, s, e)
	if s >= e {
		return
	}
	v := src[s:e]
	if isLiteral(v) || string(v) == "~" || string(v) == `""` || string(v) == "''" || r.rs.isMarker(bytes.Trim(v, `"'`)) ||
		dec.flags&(wCounter|wStrings) != 0 && isNumber(v) {
		return
	}
	r.maskJSON(d, s, e, rule)
}
