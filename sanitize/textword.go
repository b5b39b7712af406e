package sanitize

import (
	"bytes"
	"unicode/utf8"
)

// provider is a published shape of a key: a prefix and the least length of
// what follows it.
type provider struct {
	prefix string
	least  int
	upper  bool // only capitals and digits, and exactly least of them
}

// providers by first byte. Sources: the providers' own documentation of their
// prefixes, as secret scanners use them.
var providers = [256][]provider{
	'A': {{"AKIA", 16, true}, {"ASIA", 16, true}, {"ABIA", 16, true}, {"ACCA", 16, true}, {"AIza", 30, false}, {"ATATT3", 20, false}, {"AGE-SECRET-KEY-1", 20, false}},
	'E': {{"EAACEdEose0cBA", 10, false}, {"EAAG", 60, false}},
	'G': {{"GOCSPX-", 20, false}},
	'L': {{"LTAI", 12, false}},
	'P': {{"PMAK-", 24, false}},
	'S': {{"SG.", 30, false}},
	'd': {{"dckr_pat_", 16, false}, {"dop_v1_", 32, false}, {"doo_v1_", 32, false}, {"dapi", 32, false}, {"dp.pt.", 30, false}},
	'f': {{"figd_", 20, false}, {"fly_", 24, false}, {"fo1_", 24, false}},
	'g': {{"ghp_", 16, false}, {"gho_", 16, false}, {"ghu_", 16, false}, {"ghs_", 16, false}, {"ghr_", 16, false}, {"github_pat_", 16, false},
		{"glpat-", 16, false}, {"gldt-", 16, false}, {"glrt-", 16, false}, {"glptt-", 16, false}, {"gsk_", 24, false}, {"glsa_", 24, false}, {"glc_", 24, false}},
	'h': {{"hf_", 24, false}, {"hvs.", 20, false}, {"hvb.", 20, false}},
	'k': {{"key-", 32, false}},
	'l': {{"lin_api_", 20, false}},
	'n': {{"npm_", 24, false}, {"ntn_", 24, false}, {"nfp_", 24, false}},
	'p': {{"pypi-", 24, false}, {"phx_", 24, false}, {"pul-", 32, false}, {"pscale_", 20, false}, {"pat-", 32, false}},
	'r': {{"rk_live_", 10, false}, {"rk_test_", 10, false}, {"r8_", 30, false}, {"rubygems_", 30, false}, {"rpa_", 30, false}},
	's': {{"sk-", 20, false}, {"sk_live_", 10, false}, {"sk_test_", 10, false}, {"shpat_", 20, false}, {"shpss_", 20, false}, {"shpca_", 20, false}, {"shppa_", 20, false},
		{"sq0csp-", 20, false}, {"sq0atp-", 20, false}, {"sntrys_", 20, false}, {"sntryu_", 20, false}, {"secret_", 32, false}, {"sbp_", 30, false}},
	't': {{"tvly-", 20, false}},
	'w': {{"whsec_", 20, false}},
	'x': {{"xoxb-", 10, false}, {"xoxp-", 10, false}, {"xoxa-", 10, false}, {"xoxr-", 10, false}, {"xoxs-", 10, false}, {"xoxe-", 10, false}, {"xoxe.", 10, false}, {"xapp-", 10, false}, {"xai-", 40, false}},
	'y': {{"ya29.", 16, false}},
}

func tokenByte(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// provider looks at the word at w for a published prefix.
func (r *run) provider(d *doc, floor, w, hi int) int {
	if w >= hi || w < floor {
		return 0
	}
	src := d.src
	list := providers[src[w]]
	if list == nil || !r.rs.rules[ruleProvider].on {
		return 0
	}
	if w > floor && (isAlnum(src[w-1]) || src[w-1] == '_') {
		return 0
	}
	for i := range list {
		p := &list[i]
		if hi-w < len(p.prefix)+p.least || string(src[w:w+len(p.prefix)]) != p.prefix {
			continue
		}
		e := w + len(p.prefix)
		if p.upper {
			for e < hi && (isDigit(src[e]) || src[e]-'A' < 26) {
				e++
			}
			if e-w-len(p.prefix) != p.least || e < hi && isAlnum(src[e]) {
				continue
			}
		} else {
			for e < hi && (tokenByte(src[e]) || src[e] == '.' && e+1 < hi && isAlnum(src[e+1]) && (p.prefix == "ya29." || p.prefix == "SG." || p.prefix[0] == 'd')) {
				e++
			}
			if e-w-len(p.prefix) < p.least || !mixed(src[w+len(p.prefix):e]) {
				continue
			}
		}
		r.mask(d, w, e, ruleProvider)
		return e
	}
	return 0
}

// mixed reports whether v looks made by a machine: it has a digit, or both
// cases.
func mixed(v []byte) bool {
	var lower, upper bool
	for _, c := range v {
		switch {
		case isDigit(c):
			return true
		case c-'a' < 26:
			lower = true
		case c-'A' < 26:
			upper = true
		}
	}
	return lower && upper
}

// dash looks at the "-" at i: a PEM block, a key with a dashed prefix, a
// command line flag.
func (r *run) dash(d *doc, floor, i, hi int) int {
	src := d.src
	if i+1 < hi && src[i+1] == '-' {
		if i+10 < hi && src[i+2] == '-' && src[i+3] == '-' {
			return r.pem(d, i, hi)
		}
		if i == floor || isSpace(src[i-1]) || src[i-1] == '"' || src[i-1] == '\'' {
			return r.flag(d, i, hi)
		}
		return 0
	}
	if i+3 < hi && src[i+1] == 'u' && (src[i+2] == ' ' || src[i+2] == '=') && (i == floor || isSpace(src[i-1])) {
		return r.userFlag(d, i+3, hi)
	}
	w := i
	for w > floor && i-w < 8 && isAlnum(src[w-1]) {
		w--
	}
	if w == i {
		return 0
	}
	return r.provider(d, floor, w, hi)
}

// userFlag hides the argument of curl's -u.
func (r *run) userFlag(d *doc, s, hi int) int {
	src := d.src
	for s < hi && (src[s] == ' ' || src[s] == '\'' || src[s] == '"') {
		s++
	}
	e := bareEnd(src, s, hi)
	c := bytes.IndexByte(src[s:e], ':')
	if c < 0 || c+1 == e-s || !r.rs.rules[ruleUserinfo].on {
		return 0
	}
	if !r.rs.isMarker(src[s+c+1 : e]) {
		r.mask(d, s+c+1, e, ruleUserinfo)
	}
	return e
}

// flag hides the argument of a long flag with a sensitive name that stands
// behind a space: --password hunter2. (With "=" it is a key and a value.)
func (r *run) flag(d *doc, i, hi int) int {
	src := d.src
	s := i + 2
	e := s
	for e < hi && (isAlnum(src[e]) || src[e] == '-' || src[e] == '_') {
		e++
	}
	if e == s || e+1 >= hi || src[e] != ' ' || src[e+1] == '-' {
		return 0
	}
	if string(src[s:e]) == "user" || string(src[s:e]) == "proxy-user" {
		return r.userFlag(d, e, hi)
	}
	dec := r.key(src[s:e], scopeText)
	if dec.rule == ruleNone || dec.flags&wCounter != 0 {
		return 0
	}
	v := e
	for v < hi && src[v] == ' ' {
		v++
	}
	if v >= hi || src[v] == '\n' {
		return 0
	}
	return r.hideValue(d, s, v, hi, '=', dec)
}

// pem hides private keys in PEM and the like, and steps over public ones,
// whose base64 means nothing.
func (r *run) pem(d *doc, i, hi int) int {
	src := d.src
	s := i
	for s < hi && src[s] == '-' {
		s++
	}
	if s < hi && src[s] == ' ' {
		s++
	}
	if !bytes.HasPrefix(src[s:hi], []byte("BEGIN ")) {
		return s
	}
	label := src[s+6 : min(hi, s+80)]
	n := bytes.Index(label, []byte("---"))
	if n < 0 {
		return 0
	}
	private := bytes.Contains(label[:n], []byte("PRIVATE")) || bytes.Contains(label[:n], []byte("SECRET"))
	body := s + 6 + n
	for body < hi && src[body] == '-' {
		body++
	}
	end := hi
	if j := bytes.Index(src[body:hi], []byte("---")); j >= 0 {
		if k := bytes.Index(src[body+j:min(hi, body+j+16)], []byte("END")); k >= 0 {
			end = body + j
			if x := bytes.Index(src[end+k:min(hi, end+k+110)], []byte("---")); x >= 0 {
				stop := end + k + x
				for stop < hi && src[stop] == '-' {
					stop++
				}
				if !private {
					return stop
				}
			}
		}
	}
	if !private {
		return body
	}
	if !r.rs.rules[rulePEM].on {
		return body
	}
	v := bytes.TrimSpace(src[body:end])
	if len(v) == 0 || r.rs.isMarker(v) {
		return end
	}
	// Keep the line structure around the block readable.
	a, b := body, end
	for a < b && isSpace(src[a]) {
		a++
	}
	for b > a && isSpace(src[b-1]) {
		b--
	}
	r.mask(d, a, b, rulePEM)
	return end
}

// jwt hides what begins with "eyJ" at s: a token of two or more parts whatever
// they hold, or one piece of base64 when it holds something sensitive.
func (r *run) jwt(d *doc, floor, s, hi int, trunc bool) int {
	src := d.src
	if s > floor && (isAlnum(src[s-1]) || src[s-1] == '_' || src[s-1] == '+') {
		return 0
	}
	e, parts, part := s, 1, 0
	for e < hi {
		c := src[e]
		if c == '.' {
			if e+1 < hi && (tokenByte(src[e+1]) || src[e+1] == '.') {
				parts++
				part = 0
				e++
				continue
			}
			break
		}
		if !tokenByte(c) && c != '+' && c != '/' && c != '=' {
			break
		}
		part++
		e++
	}
	if parts >= 2 && r.rs.rules[ruleJWT].on {
		r.mask(d, s, e, ruleJWT)
		return e
	}
	if e-s >= 12 && r.base64Hides(src[s:e], trunc && e == hi) {
		r.mask(d, s, e, ruleOpaque)
		return e
	}
	return 0
}

// base64Hides reports whether v is base64 of text in which something would be
// hidden.
func (r *run) base64Hides(v []byte, trunc bool) bool {
	if !r.rs.rules[ruleOpaque].on {
		return false
	}
	n := r.push(len(v))
	if n == nil {
		return true
	}
	defer r.pop()
	n.buf = appendBase64Decoded(n.buf, v)
	n.src = n.buf
	if !textual(n.src) {
		return false
	}
	r.inspect(n, 0, len(n.src), scopeText, trunc)
	return n.changed(mark{})
}

// appendBase64Decoded decodes either alphabet, with or without padding. It
// stops at the first thing that is neither.
func appendBase64Decoded(dst, v []byte) []byte {
	var acc uint32
	bits := 0
	for _, c := range v {
		var x uint32
		switch {
		case c-'A' < 26:
			x = uint32(c - 'A')
		case c-'a' < 26:
			x = uint32(c-'a') + 26
		case c-'0' < 10:
			x = uint32(c-'0') + 52
		case c == '+' || c == '-':
			x = 62
		case c == '/' || c == '_':
			x = 63
		case c == '\n' || c == '\r':
			continue
		default:
			return dst
		}
		acc = acc<<6 | x
		bits += 6
		if bits >= 8 {
			bits -= 8
			dst = append(dst, byte(acc>>bits))
		}
	}
	return dst
}

// textual reports whether b is text: UTF-8 (possibly cut) without control
// characters.
func textual(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		ru, n := utf8.DecodeRune(b[i:])
		if ru == utf8.RuneError && n == 1 {
			return len(b)-i < 4 && !utf8.FullRune(b[i:])
		}
		i += n
	}
	return true
}

// base64Value is the value of a character of either alphabet, 255 for others.
func base64Value(c byte) byte {
	switch {
	case c-'A' < 26:
		return c - 'A'
	case c-'a' < 26:
		return c - 'a' + 26
	case c-'0' < 10:
		return c - '0' + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return 255
}

// base64Like reports whether all of v could be base64 worth decoding.
func base64Like(v []byte) bool {
	if len(v) < 16 {
		return false
	}
	// Most ids do not get beyond their first characters.
	a, b := base64Value(v[0]), base64Value(v[1])
	if c := a<<2 | b>>4; a > 63 || b > 63 || c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c >= 0x7f && c < 0xC2 {
		return false
	}
	var head [12]byte
	if !textual(appendBase64Decoded(head[:0], v[:16])) {
		return false
	}
	for i, c := range v {
		if !tokenByte(c) && c != '+' && c != '/' && !(c == '=' && i >= len(v)-2) {
			return false
		}
	}
	return true
}

// bearer looks at the "b" at i: "Bearer" or "Basic" and a credential.
func (r *run) bearer(d *doc, floor, i, hi int) int {
	src := d.src
	n := 0
	switch {
	case hi-i > 10 && src[i+1]|0x20 == 'e' && equalFold(src[i:i+6], "bearer"):
		n = 6
	case hi-i > 9 && src[i+1]|0x20 == 'a' && equalFold(src[i:i+5], "basic"):
		n = 5
	default:
		return 0
	}
	if i > floor && (isAlnum(src[i-1]) || src[i-1] == '_') || !r.rs.rules[ruleAuthorization].on {
		return 0
	}
	s := i + n
	if src[s] == '%' && s+3 < hi && src[s+1] == '2' && src[s+2] == '0' {
		s += 3
	} else {
		for s < hi && (src[s] == ' ' || src[s] == '\t') {
			s++
		}
		if s == i+n {
			return 0
		}
	}
	if m := r.rs.markerAt(src, s, hi); m > 0 {
		return m
	}
	e := s
	for e < hi && (tokenByte(src[e]) || src[e] == '.' || src[e] == '+' || src[e] == '/' || src[e] == '=' || src[e] == '~' || src[e] == '|' || src[e] == ':') {
		e++
	}
	for e > s && (src[e-1] == '.' || src[e-1] == ':') {
		e--
	}
	v := src[s:e]
	if n == 5 {
		if len(v) < 4 || !basicCredential(v) {
			return 0
		}
	} else if len(v) < 6 || !mixed(v) && len(v) < 24 {
		return 0
	}
	r.mask(d, s, e, ruleAuthorization)
	return e
}

// basicCredential reports whether v is base64 of something with a colon.
func basicCredential(v []byte) bool {
	var buf [96]byte
	out := appendBase64Decoded(buf[:0], v[:min(len(v), 120)])
	return textual(out) && bytes.IndexByte(out, ':') > 0
}

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

// tagInText hides the content of an XML element with a sensitive name in the
// middle of text: <password>hunter2</password>.
func (r *run) tagInText(d *doc, i, hi int) int {
	src := d.src
	p := i + 1
	if p >= hi || !isAlnum(src[p]) && src[p] < 0x80 {
		return 0
	}
	for p < hi && p-i < 80 && (keyByte(src[p]) || src[p] == ':') {
		p++
	}
	name := src[i+1 : p]
	if c := bytes.LastIndexByte(name, ':'); c >= 0 {
		name = name[c+1:]
	}
	dec := r.key(name, scopeText)
	if dec.rule == ruleNone {
		return 0
	}
	for p < hi && src[p] != '>' && src[p] != '<' {
		p++
	}
	if p >= hi || src[p] != '>' || src[p-1] == '/' {
		return 0
	}
	p++
	e := p
	for e < hi && src[e] != '<' {
		e++
	}
	if e < hi && bytes.HasPrefix(src[e:hi], []byte("<![CDATA[")) {
		if j := bytes.Index(src[e:hi], []byte("]]>")); j >= 0 {
			e += j + 3
		} else {
			e = hi
		}
	}
	if v := bytes.TrimSpace(src[p:e]); len(v) == 0 || r.rs.isMarker(v) || isLiteral(v) {
		return e
	}
	r.mask(d, p, e, dec.rule)
	return e
}
