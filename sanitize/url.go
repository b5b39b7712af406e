package sanitize

import "bytes"

// url sanitizes the URL src[lo:hi], absolute or relative.
func (r *run) url(d *doc, lo, hi int, trunc bool) {
	src := d.src
	p := lo
	host := lo
	hostEnd := lo
	for p < hi && p-lo < 32 && (isAlnum(src[p]) || src[p] == '+' || src[p] == '-' || src[p] == '.') {
		p++
	}
	switch {
	case p+2 < hi && src[p] == ':' && src[p+1] == '/' && src[p+2] == '/':
		host, hostEnd = r.authority(d, p+3, hi, trunc)
	case p == lo && p+1 < hi && src[p] == '/' && src[p+1] == '/':
		host, hostEnd = r.authority(d, p+2, hi, trunc)
	case p > lo && p < hi && src[p] == ':':
		// data:, mailto:, urn: and opaque URLs are text.
		q := p
		for q < hi && src[q] != '?' && src[q] != '#' {
			q++
		}
		if bytes.HasPrefix(src[lo:p], []byte("data")) {
			q = hi
		}
		r.text(d, lo, q, scopeURL, trunc && q == hi)
		r.pairs(d, q, hi, trunc)
		return
	default:
		hostEnd = lo
	}
	if hostEnd >= hi {
		return
	}
	p = r.path(d, src[host:hostEnd], hostEnd, hi, trunc)
	if p < hi {
		r.pairs(d, p, hi, trunc)
	}
}

// authority handles user information at s and returns where host and path
// begin.
func (r *run) authority(d *doc, s, hi int, trunc bool) (host, end int) {
	src := d.src
	e := s
	for e < hi && src[e] != '/' && src[e] != '?' && src[e] != '#' && src[e] != '\\' {
		e++
	}
	at := bytes.LastIndexByte(src[s:e], '@')
	if at < 0 && e < hi {
		// A password with an unescaped slash or the like: "kim:pa/ss@host".
		// What follows the colon is then no port.
		if c := bytes.IndexByte(src[s:e], ':'); c >= 0 && s+c+1 <= e && !allDigits(src[s+c+1:e]) && src[s] != '[' {
			if j := bytes.LastIndexByte(src[e:hi], '@'); j >= 0 {
				at = e + j - s
				e = s + at
				for e < hi && src[e] != '/' && src[e] != '?' && src[e] != '#' {
					e++
				}
			}
		}
	}
	if trunc && e == hi {
		// The authority may still turn out to be user information.
		d.dropTail(s, hi)
		return hi, hi
	}
	if at < 0 {
		return s, e
	}
	if at > 0 && r.rs.rules[ruleUserinfo].on && string(src[s:s+at]) != "git" && !r.rs.isMarker(src[s:s+at]) {
		r.mask(d, s, s+at, ruleUserinfo)
	}
	return s + at + 1, e
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// secretPath are path segments behind which a secret may stand.
func secretPath(seg []byte) bool {
	if len(seg) > 24 {
		return false
	}
	var b [24]byte
	n := 0
	for _, c := range seg {
		if c == '-' || c == '_' || c == '.' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[n] = c
		n++
	}
	switch string(b[:n]) {
	case "password", "reset", "resetpassword", "passwordreset", "verify", "verification", "verifyemail", "activate", "activation", "confirm",
		"confirmation", "invite", "invites", "invitation", "invitations", "magic", "magiclink", "token", "tokens", "secret", "secrets", "otp", "webhook",
		"webhooks", "webhookb2", "hooks", "unsubscribe", "signin", "login", "auth", "key", "apikey", "recover", "recovery", "unlock", "share", "session", "accesstoken", "refresh":
		return true
	}
	return false
}

// tokenish reports whether a path segment looks made by a machine: sixteen or
// more letters and digits, mixed.
func tokenish(seg []byte) bool {
	if len(seg) < 16 {
		return false
	}
	digits, lower, upper := 0, 0, 0
	for _, c := range seg {
		switch {
		case isDigit(c):
			digits++
		case c-'a' < 26:
			lower++
		case c-'A' < 26:
			upper++
		case c == '-' || c == '_' || c == '.' || c == '~' || c == '=' || c == '%':
		default:
			return false
		}
	}
	return digits >= 1 && lower+upper >= 1 || lower > 1 && upper > 1 && len(seg) >= 20
}

// path sanitizes the path segments from p on and returns where the query or
// fragment begins.
func (r *run) path(d *doc, host []byte, p, hi int, trunc bool) int {
	src := d.src
	hook := bytes.HasPrefix(host, []byte("hooks.")) || bytes.Contains(host, []byte(".webhook."))
	left := 0 // how many more segments may be the secret of a word before
	for p < hi {
		if src[p] == '/' || src[p] == '\\' {
			p++
			continue
		}
		if src[p] == '?' || src[p] == '#' {
			return p
		}
		s := p
		for p < hi && src[p] != '/' && src[p] != '?' && src[p] != '#' {
			p++
		}
		e := p
		if semi := bytes.IndexByte(src[s:e], ';'); semi >= 0 { // matrix parameters
			e = s + semi
		}
		seg := src[s:e]
		switch {
		case r.rs.markerAt(src, s, e) == e && e > s:
		case r.rs.rules[rulePath].on && (left > 0 && tokenish(seg) || hook && len(seg) >= 16):
			r.mask(d, s, e, rulePath)
		case r.rs.rules[rulePath].on && botToken(seg) > 0:
			if c := s + botToken(seg); !r.rs.isMarker(src[c:e]) {
				r.mask(d, c, e, rulePath)
			}
		case e > s:
			r.encodedValue(d, s, e, scopeURL, trunc && e == hi)
		}
		if left > 0 {
			left--
		}
		if secretPath(seg) {
			left = 2
		}
		if e < p {
			r.pairs(d, e, p, trunc && p == hi)
		}
	}
	if trunc && p == hi {
		s := hi
		for s > 0 && src[s-1] != '/' && hi-s < 4096 {
			s--
		}
		d.dropTail(s, hi)
	}
	return p
}

// botToken returns where the secret of "bot123456:AA…" begins.
func botToken(seg []byte) int {
	if len(seg) < 20 || string(seg[:3]) != "bot" {
		return 0
	}
	i := 3
	for i < len(seg) && isDigit(seg[i]) {
		i++
	}
	if i < 8 || i+1 >= len(seg) || seg[i] != ':' {
		return 0
	}
	return i + 1
}

// pairs sanitizes key=value pairs separated by "&", and by ";", "?" and "#"
// where what follows them is a pair again.
func (r *run) pairs(d *doc, lo, hi int, trunc bool) {
	src := d.src
	p := lo
	named := ruleNone // name=password: the rule of the value=… beside it
	slot, vs, ve := -1, 0, 0
	hidden := false // the pair before was hidden: what has no "=" belongs to it
	for p < hi {
		if c := src[p]; c == '&' || c == '?' || c == '#' || c == ';' || c == '\n' || c == '\r' || c == '!' && p == lo || c == '/' && p == lo+1 {
			p++
			continue
		}
		s := p
		eq := -1
		for p < hi && !r.pairEnd(src, p, hi, eq >= 0) {
			if src[p] == '=' && eq < 0 {
				eq = p
			}
			p++
		}
		last := trunc && p == hi
		if eq < 0 {
			if hidden && !r.rs.isMarker(src[s:p]) && !r.tailOfMarker(src, s, p) {
				r.mask(d, s, p, d.lastRule())
			} else {
				r.encodedValue(d, s, p, scopeURL, last)
			}
			hidden = false
			if last {
				d.dropTail(s, hi)
			}
			continue
		}
		switch r.pairRole(src[s:eq]) {
		case roleName:
			if dec := r.key(src[eq+1:p], scopeBody); !last && p-eq < 64 && dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&(wCounter|wStrings) == 0 {
				named = dec.rule
			}
		case roleValue:
			if slot < 0 {
				slot, vs, ve = d.reserve(), eq+1, p
			}
		}
		hidden = r.pair(d, s, eq, p, last)
	}
	if slot >= 0 && vs < ve && (named != ruleNone || trunc) && !r.hidden(src[vs:ve]) {
		if named == ruleNone {
			named = ruleCut
		}
		ro := len(d.repl)
		d.repl = r.appendMarker(d.repl, named, src[vs:ve])
		d.edits[slot] = edit{s: vs, e: ve, ro: ro, rl: len(d.repl) - ro, rule: named}
	}
}

// pairRole recognises the two names of a pair that is written as two pairs:
// name=password&value=hunter2.
func (r *run) pairRole(k []byte) role {
	switch string(k) {
	case "name", "key", "field", "param":
		return roleName
	case "value", "val":
		return roleValue
	}
	return roleNone
}

func (r *run) tailOfMarker(src []byte, s, e int) bool {
	return r.rs.markerAt(src, s, e) == e
}

// lastRule is the rule of the last edit.
func (d *doc) lastRule() ruleID {
	if n := len(d.edits); n > 0 && d.edits[n-1].rule != ruleNone {
		return d.edits[n-1].rule
	}
	return ruleCut
}

// pairEnd reports whether the pair ends at p.
func (r *run) pairEnd(src []byte, p, hi int, value bool) bool {
	switch src[p] {
	case '&', '\n', '\r':
		return true
	case '#':
		return value || true
	case ';', '?':
		if src[p] == ';' && !value {
			return !(p >= 3 && string(src[p-3:p]) == "amp") // "&amp;" leaves "amp;" before the key
		}
		j := p + 1
		for j < hi && j-p < 64 && (keyByte(src[j]) || src[j] == '[' || src[j] == ']' || src[j] == ' ' && j == p+1) {
			j++
		}
		return j > p+1 && j < hi && src[j] == '='
	}
	return false
}

// pair handles one key=value and reports whether the value was hidden.
func (r *run) pair(d *doc, s, eq, e int, trunc bool) bool {
	src := d.src
	ks := s
	if bytes.HasPrefix(src[s:eq], []byte("amp;")) {
		ks += 4
	}
	for ks < eq && src[ks] == ' ' {
		ks++
	}
	dec := r.key(src[ks:eq], scopeURL)
	v := eq + 1
	if dec.rule == ruleNone {
		if eq-ks > 5 && !dec.keep {
			r.encodedValue(d, ks, eq, scopeURL, false)
		}
		r.encodedValue(d, v, e, scopeURL, trunc)
		if trunc {
			d.dropTail(v, e)
		}
		return false
	}
	if v == e {
		return false
	}
	val := src[v:e]
	if isLiteral(val) || dec.flags&(wCounter|wStrings) != 0 && isNumber(val) {
		if trunc {
			d.dropTail(v, e)
		}
		return false
	}
	if r.hidden(val) {
		return true
	}
	r.mask(d, v, e, dec.rule)
	return true
}

// hidden reports whether a form value is a marker, plain or percent-encoded.
func (r *run) hidden(v []byte) bool {
	if r.rs.isMarker(v) {
		return true
	}
	if len(v) > 12 && v[0] == '%' {
		var buf [80]byte
		return r.rs.isMarker(appendPercentDecoded(buf[:0], v[:min(len(v), 100)], true))
	}
	return false
}

// urlInText handles the URL whose "://" stands at i, in the middle of text.
func (r *run) urlInText(d *doc, floor, i, hi int, trunc bool) int {
	src := d.src
	s := i
	for s > floor && i-s < 32 && (isAlnum(src[s-1]) || src[s-1] == '+' || src[s-1] == '-' || src[s-1] == '.') {
		s--
	}
	e := i + 3
	for e < hi && urlByte(src[e]) {
		e++
	}
	if s == i {
		s = i + 1 // "//host" after something else
	}
	r.url(d, s, e, trunc && e == hi)
	return e
}

// urlByte reports bytes that can belong to a URL written in text.
func urlByte(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '"', '<', '>', '`', '\'', 0x1b, '\\':
		return false
	}
	return c >= 0x20
}

// queryInText handles "?key=" of a relative URL in the middle of text.
func (r *run) queryInText(d *doc, i, hi int, trunc bool) int {
	src := d.src
	p := i + 1
	for p < hi && p-i < 64 && (keyByte(src[p]) || src[p] == '[' || src[p] == ']') {
		p++
	}
	if p == i+1 || p >= hi || src[p] != '=' {
		return 0
	}
	e := p
	for e < hi && urlByte(src[e]) {
		e++
	}
	r.pairs(d, i, e, trunc && e == hi)
	return e
}
