package sanitize

import (
	"bytes"
)

// The text pass walks free text once. A table says which bytes, before which
// others, can be the anchor of something sensitive; everything else is skipped.
// Each anchor has a verifier that looks around it, never back beyond
// what was already decided and never further than a bound, so that the pass is
// linear whatever the input.
const (
	aNone uint8 = iota
	aDigit
	aPlus
	aAt
	aColon
	aEq
	aDash
	aUnder
	aDot
	aPercent
	aBracket
	aLess
	aQuery
	aJ
	aA
	aB
	aEscape
	aBackslash
	aWide
	aLine
	aD
	aV
)

func (rs *ruleset) buildAnchors() {
	t := &rs.anchors
	for c := '0'; c <= '9'; c++ {
		t[c] = aDigit
	}
	t['+'] = aPlus
	t['@'] = aAt
	t[':'] = aColon
	t['='] = aEq
	t['-'] = aDash
	t['_'] = aUnder
	t['.'] = aDot
	t['%'] = aPercent
	t['['] = aBracket
	t['<'] = aLess
	t['?'] = aQuery
	t['y'] = aJ
	t['D'] = aD
	t['V'], t['v'] = aV, aV
	t['A'], t['L'], t['E'] = aA, aA, aA
	t['B'], t['b'] = aB, aB
	t[0x1b] = aEscape
	t['\\'] = aBackslash
	t['\n'] = aLine
	t[0xEF], t[0xE2], t[0xC2], t[0xCD] = aWide, aWide, aWide, aWide
}

// text sanitizes free text src[lo:hi] of d. trunc says that the text goes on
// beyond hi: its last words are then dropped, because they may be the
// beginning of something.
func (r *run) text(d *doc, lo, hi int, sc scope, trunc bool) {
	if len(r.rs.patterns) > 0 {
		r.userText(d, lo, hi, sc, trunc)
	} else {
		r.plainText(d, lo, hi, sc, trunc)
	}
	if trunc {
		d.dropTail(textTail(d.src, lo, hi), hi)
	}
}

// textTail returns where the possibly incomplete end of a cut text begins:
// its last word, and numbers before it, because card numbers and the like may
// be written in groups.
func textTail(src []byte, lo, hi int) int {
	i := hi
	for i > lo && !isSpace(src[i-1]) {
		i--
	}
	for i > lo {
		c := src[i-1]
		if !isDigit(c) && c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != '+' && c != ',' && c != '\t' {
			break
		}
		i--
	}
	// A number directly behind a word goes with the word: user@123 456.
	for i > lo && i < hi && !isSpace(src[i-1]) && !isSpace(src[i]) {
		i--
	}
	// Words in front that announce a credential have nothing to hide
	// themselves. IBANs in groups begin with letters:
	if j := i; j > lo+5 && isSpace(src[j-1]) {
		k := j - 1
		for k > lo && isAlnum(src[k-1]) {
			k--
		}
		if j-1-k == 4 && isDigit(src[k+2]) && isDigit(src[k+3]) {
			i = k
		}
	}
	return i
}

func (r *run) plainText(d *doc, lo, hi int, sc scope, trunc bool) {
	src := d.src[:hi]
	table := &r.rs.anchors
	floor := lo
	plainTo := lo   // up to here the line was looked at without its colours
	wordDone := -1  // start of the last word whose prefix was looked at
	decodedTo := lo // up to here percent-encoding was looked at
	wrappedTo := lo // up to here wrapped base64 was looked at
	for i := lo; i < len(src); {
		if i = r.rs.hints.anchor(src, i); i == len(src) {
			break
		}
		next := 0
		switch table[src[i]] {
		case aDigit, aPlus:
			next = r.digits(d, floor, i, hi)
			if next < 0 { // nothing here; go on behind the word
				i = -next
				continue
			}
		case aAt:
			next = r.at(d, floor, i, hi)
		case aColon:
			if i+2 < hi && src[i+1] == '/' && src[i+2] == '/' {
				next = r.urlInText(d, floor, i, hi, trunc)
			} else if i == lo || i+1 >= hi || !isDigit(src[i-1]) || !isDigit(src[i+1]) || floor == i-1 {
				next = r.keyValue(d, floor, i, hi, sc, trunc)
			} else if isTimeLike(src, i, floor) {
				break
			} else {
				next = r.keyValue(d, floor, i, hi, sc, trunc)
			}
		case aEq:
			if i+2 < hi && src[i+1] == '?' {
				next = r.encodedWord(d, i, hi)
			}
			if next == 0 {
				next = r.keyValue(d, floor, i, hi, sc, trunc)
			}
		case aDash:
			next = r.dash(d, floor, i, hi)
		case aUnder, aDot:
			w := i
			for w > floor && i-w < 16 && (isAlnum(src[w-1]) || src[w-1] == '_') {
				w--
			}
			if w != wordDone {
				wordDone = w
				next = r.provider(d, floor, w, hi)
			}
		case aA:
			if i == lo || !isAlnum(src[i-1]) {
				next = r.provider(d, floor, i, hi)
			}
		case aJ:
			if i > floor && src[i-1] == 'e' && i+1 < hi && src[i+1] == 'J' {
				next = r.jwt(d, floor, i-1, hi, trunc)
			}
		case aB:
			next = r.bearer(d, floor, i, hi)
		case aQuery:
			next = r.queryInText(d, i, hi, trunc)
		case aLess:
			next = r.tagInText(d, i, hi)
		case aBracket:
			if m := r.rs.markerAt(src, i, hi); m > 0 {
				next = m
			} else {
				next = r.byteList(d, i, hi)
			}
		case aPercent:
			if i >= decodedTo {
				next, decodedTo = r.percentToken(d, floor, i, hi, trunc)
				if next == 0 && decodedTo > i+1 { // all of it was looked at, decoded
					i = decodedTo
					continue
				}
			}
		case aD:
			next = r.duplicateEntry(d, i, hi, trunc)
		case aV:
			next = r.insertValues(d, floor, i, hi)
		case aLine:
			if i >= wrappedTo {
				next, wrappedTo = r.wrappedAt(d, lo, i, hi, trunc)
			}
		case aEscape, aBackslash, aWide:
			if i >= plainTo && hidesText(src, i) {
				next, plainTo = r.plainLine(d, floor, i, hi, sc, trunc)
			}
		}
		if next > 0 {
			before := floor
			floor = next
			i = next
			wordDone = -1
			// What was hidden may have ended in a key.
			if i < hi && (src[i] == '=' || src[i] == ':' && (i+2 >= hi || src[i+1] != '/' || src[i+2] != '/')) {
				if n := r.keyValue(d, before, i, hi, sc, trunc); n > 0 {
					floor, i = n, n
				}
			}
		} else {
			i++
		}
	}
}

// isTimeLike reports a colon between short numbers, as in 10:20:30 or a port.
func isTimeLike(src []byte, i, floor int) bool {
	j := i
	for j > floor && isDigit(src[j-1]) {
		j--
	}
	return j == floor || !isAlnum(src[j-1]) && src[j-1] < 0x80 && src[j-1] != '_'
}

// hidesText reports whether the byte at i begins something that hides text
// from a matcher.
func hidesText(src []byte, i int) bool {
	switch src[i] {
	case 0x1b:
		return true
	case '\\':
		return i+5 < len(src) && src[i+1] == 'u' && hex4(src[i+2:]) >= 0
	case 0xEF: // U+F000 to U+FFFF: full-width forms and the byte order mark
		return i+2 < len(src) && (src[i+1] == 0xBC || src[i+1] == 0xBD || src[i+1] == 0xBB && src[i+2] == 0xBF || src[i+1] == 0xB8)
	case 0xE2: // U+2000 to U+206F: zero width and direction marks
		return i+2 < len(src) && (src[i+1] == 0x80 && (src[i+2] >= 0x8B && src[i+2] <= 0x8F || src[i+2] >= 0xAA && src[i+2] <= 0xAE) ||
			src[i+1] == 0x81 && src[i+2] >= 0xA0 && src[i+2] <= 0xAF)
	case 0xC2: // soft hyphen
		return i+1 < len(src) && src[i+1] == 0xAD
	case 0xCD: // combining grapheme joiner
		return i+1 < len(src) && src[i+1] == 0x8F
	}
	return false
}

// plainLine looks at the line around i as a reader sees it. When something is
// found there, the line is replaced by its plain form, sanitized.
func (r *run) plainLine(d *doc, floor, i, hi int, sc scope, trunc bool) (next, plainTo int) {
	ls := i
	for ls > floor && d.src[ls-1] != '\n' {
		ls--
	}
	le := hi
	if j := bytes.IndexByte(d.src[i:hi], '\n'); j >= 0 {
		le = i + j
	}
	n := r.push(le - ls)
	if n == nil {
		r.mask(d, ls, le, ruleTooDeep)
		return le, le
	}
	n.buf = appendPlain(n.buf, d.src[ls:le])
	n.src = n.buf
	m := d.mark()
	n.edits = n.edits[:0]
	r.text(n, 0, len(n.src), sc, trunc && le == hi)
	if n.changed(mark{}) {
		for k := len(d.edits); k > 0 && d.edits[k-1].s >= ls; k-- {
			d.edits = d.edits[:k-1]
		}
		r.replaceNested(d, ls, le, n, nil)
		r.pop()
		return le, le
	}
	r.pop()
	d.undo(m)
	return 0, le
}

// replaceNested puts the sanitized nested doc in the place of src[s:e],
// encoded by enc when it is not nil.
func (r *run) replaceNested(d *doc, s, e int, n *doc, enc func(dst, src []byte) []byte) {
	ro := len(d.repl)
	if enc == nil {
		d.repl = r.apply(d.repl, n, 0, len(n.src))
	} else {
		r.work = r.apply(r.work[:0], n, 0, len(n.src))
		d.repl = enc(d.repl, r.work)
	}
	d.edits = append(d.edits, edit{s: s, e: e, ro: ro, rl: len(d.repl) - ro})
}

// userText runs the user's patterns around their anchors, and the text pass
// on what lies between the matches.
func (r *run) userText(d *doc, lo, hi int, sc scope, trunc bool) {
	const window = 256
	pos := lo
	for pos < hi {
		bs, be, id := hi, hi, ruleNone
		for i := range r.rs.patterns {
			p := &r.rs.patterns[i]
			for from := pos; from < bs; {
				at := bytes.Index(d.src[from:min(bs+len(p.anchor), hi)], p.anchor)
				if at < 0 {
					break
				}
				at += from
				ws, we := max(pos, at-window), min(hi, at+len(p.anchor)+window)
				m := p.re.FindSubmatchIndex(d.src[ws:we])
				if m != nil {
					s, e := ws+m[0], ws+m[1]
					if len(m) >= 4 && m[2] >= 0 {
						s, e = ws+m[2], ws+m[3]
					}
					if s < bs && e > s && !r.rs.isMarker(d.src[s:e]) {
						bs, be, id = s, e, p.rule
						break
					}
				}
				from = at + len(p.anchor)
			}
		}
		r.plainText(d, pos, bs, sc, trunc && bs == hi)
		if id == ruleNone {
			return
		}
		r.mask(d, bs, be, id)
		pos = be
	}
}
