package sanitize

import "bytes"

// keyValue looks at the "=" or ":" at i: is what stands before it a sensitive
// key? It returns the end of the value it hid, or 0.
func (r *run) keyValue(d *doc, floor, i, hi int, sc scope, trunc bool) int {
	src := d.src
	ks, ke := keyBefore(src, floor, i)
	if ks >= ke {
		return 0
	}
	if src[i] == ':' && ke-ks == 4 && string(src[ks:ke]) == "data" {
		return r.dataURL(d, i, hi, trunc)
	}
	if sc == scopeBody {
		sc = scopeText
	}
	if src[i] == '=' && ks > 0 && (src[ks-1] == '&' || src[ks-1] == '?') {
		sc = scopeURL // a piece of a query
	}
	if src[i] == ':' && ks > floor && src[ks-1] == '/' && fileName(src[ks:ke]) {
		return 0
	}
	dec := r.key(src[ks:ke], sc)
	if dec.rule == ruleNone && !dec.keep && ke-ks <= 6 && lastWordOfTwo(src[ks:ke]) {
		// "api key: x", "Card Number=x": the word before belongs to it.
		if j := ks; j > floor && src[j-1] == ' ' {
			j--
			for j > floor && ks-j < 24 && keyByte(src[j-1]) {
				j--
			}
			dec = r.key(src[j:ke], sc)
		}
	}
	if dec.rule == ruleNone {
		return 0
	}
	v := i + 1
	for n := 0; v < hi && n < 2 && (src[v] == '=' || src[v] == '>'); n++ {
		v++
	}
	for v < hi && (src[v] == ' ' || src[v] == '\t') {
		v++
	}
	if v >= hi || src[v] == '\n' || src[v] == '\r' {
		v = indentedBelow(src, v, hi)
		if v == 0 {
			return 0
		}
	}
	return r.hideValue(d, ks, v, hi, src[i], dec)
}

// indentedBelow finds a value on the next line, when that line is indented.
func indentedBelow(src []byte, v, hi int) int {
	if v < hi && src[v] == '\r' {
		v++
	}
	if v+2 < hi && src[v] == '\n' && (src[v+1] == ' ' || src[v+1] == '\t') {
		v++
		for v < hi && (src[v] == ' ' || src[v] == '\t') {
			v++
		}
		if v < hi && !isSpace(src[v]) && src[v] != '-' {
			return v
		}
	}
	return 0
}

// fileName reports a name with an extension: "open /run/token.json: denied".
func fileName(n []byte) bool {
	dot := bytes.LastIndexByte(n, '.')
	return dot > 0 && len(n)-dot >= 3 && len(n)-dot <= 6
}

func lastWordOfTwo(w []byte) bool {
	var b [6]byte
	for i, c := range w {
		b[i] = c | 0x20
	}
	switch string(b[:len(w)]) {
	case "key", "keys", "id", "number", "no", "code", "num", "data":
		return true
	}
	return false
}

func keyByte(c byte) bool {
	return isAlnum(c) || c == '_' || c == '-' || c == '.' || c == '%' || c == '$' || c == '\\' || c == '@' || c >= 0x80
}

// keyBefore finds the key that ends before the separator at i: a quoted one, or
// a run of name characters with subscripts.
func keyBefore(src []byte, floor, i int) (ks, ke int) {
	const maxKey = 80
	k := i
	for n := 0; k > floor && n < 4 && (src[k-1] == ' ' || src[k-1] == '\t'); n++ {
		k--
	}
	for n := 0; k > floor && n < 3 && src[k-1] == '*'; n++ {
		k--
	}
	if k == floor {
		return 0, 0
	}
	if q := src[k-1]; q == '"' || q == '\'' || q == '`' {
		ke = k - 1
		for ke > floor && src[ke-1] == '\\' {
			ke--
		}
		ks = ke
		for ks > floor && ke-ks < maxKey && src[ks-1] != q && src[ks-1] != '\n' {
			ks--
		}
		return ks, ke
	}
	ke = k
	ks = ke
	for ks > floor && ke-ks < maxKey {
		c := src[ks-1]
		if c == ']' {
			if m := markerBefore(src, floor, ks); m > 0 {
				ks = m - 1
				continue
			}
		}
		switch {
		case keyByte(c), c == '[', c == ']':
		case (c == '"' || c == '\'') && (ks < ke && src[ks] == ']' || ks-2 >= floor && src[ks-2] == '['):
		default:
			return ks, ke
		}
		ks--
	}
	return ks, ke
}

// markerBefore returns one more than where the marker that ends at e begins.
func markerBefore(src []byte, floor, e int) int {
	i := bytes.LastIndexByte(src[max(floor, e-80):e], '[')
	if i < 0 {
		return 0
	}
	i += max(floor, e-80)
	if bytes.HasPrefix(src[i:e], []byte("[masked:")) && bytes.IndexByte(src[i:e], ']') == e-i-1 {
		return i + 1
	}
	return 0
}

// hideValue hides the value that begins at v under a sensitive key.
func (r *run) hideValue(d *doc, ks, v, hi int, sep byte, dec decision) int {
	src := d.src
	if m := r.rs.markerAt(src, v, hi); m > 0 && bareEnd(src, m, hi) == m {
		return m
	}
	// A quoted value.
	if open, q, nb := quoteAt(src, v, hi); open > 0 {
		s := v + open
		e := quoteEnd(src, s, hi, q, nb, open)
		if s == e || r.rs.isMarker(src[s:e]) {
			return max(min(e+open, hi), v+1)
		}
		if dec.rule == ruleAuthorization {
			return r.hideCredential(d, s, e, hi, dec.rule)
		}
		if m := r.markerPrefix(src, s, e); m {
			return e
		}
		r.mask(d, s, e, dec.rule)
		return e
	}
	// A structure.
	if c := src[v]; c == '{' || c == '[' || c == '(' && v+1 < hi && src[v+1] != '*' {
		if dec.flags&wStrings != 0 && c != '[' {
			return 0
		}
		e := balancedEnd(src, v, hi)
		r.mask(d, v, e, dec.rule)
		return e
	}
	if c := src[v]; c == '|' || c == '>' {
		if blockScalar(src[v:hi]) {
			return 0 // the YAML reader's business; in text the lines below are looked at
		}
	}
	end := bareEnd(src, v, hi)
	if end == v {
		return 0
	}
	val := src[v:end]
	if r.rs.isMarker(val) || isLiteral(val) {
		return end
	}
	if dec.flags&(wCounter|wStrings) != 0 && isNumber(val) {
		return end
	}
	if sep == ':' && statusWord(val) {
		return 0 // "invalid token: expired" is about a token
	}
	line := dec.rule == ruleAuthorization || dec.rule == ruleCookie && sep == ':'
	if line {
		stop := lineEnd(src, v, hi)
		if ks > 0 {
			if q := src[ks-1]; q == '\'' || q == '"' || q == '`' { // as in -H 'Authorization: …'
				if j := bytes.IndexByte(src[v:stop], q); j >= 0 {
					stop = v + j
					for stop > v && src[stop-1] == '\\' {
						stop--
					}
				}
			}
		}
		if dec.rule == ruleAuthorization {
			return r.hideCredential(d, v, stop, hi, dec.rule)
		}
		if r.onlyMarkers(src[v:stop]) {
			return stop
		}
		r.mask(d, v, stop, dec.rule)
		return stop
	}
	if n := schemeLen(val); n == len(val) && end+1 < hi && src[end] == ' ' { // token: Bearer x
		s := end
		for s < hi && src[s] == ' ' {
			s++
		}
		if m := r.rs.markerAt(src, s, hi); m > 0 && bareEnd(src, m, hi) == m {
			return m
		}
		if e := bareEnd(src, s, hi); e > s {
			r.mask(d, s, e, dec.rule)
			return e
		}
	}
	r.mask(d, v, end, dec.rule)
	return end
}

// statusWord reports words that follow "token:" or "password:" in messages
// about one.
func statusWord(v []byte) bool {
	switch string(v) {
	case "expired", "invalid", "missing", "required", "must", "is", "not", "unexpected", "unknown", "malformed", "revoked", "cannot", "failed", "has",
		"wrong", "empty", "expected", "too", "should", "no", "the", "incorrect", "unauthorized", "denied", "does", "contains", "could", "unable", "never", "already", "was":
		return true
	}
	return false
}

// markerPrefix reports whether a quoted value was already treated: a scheme
// and a marker.
func (r *run) markerPrefix(src []byte, s, e int) bool {
	n := schemeLen(src[s:e])
	if n == 0 {
		return false
	}
	s += n
	for s < e && src[s] == ' ' {
		s++
	}
	return r.rs.isMarker(src[s:e])
}

// onlyMarkers reports whether each of the space-separated words of v has been
// treated: name=[masked:…]; or a marker.
func (r *run) onlyMarkers(v []byte) bool {
	return r.rs.isMarker(bytes.TrimSpace(v))
}

// hideCredential hides the credential src[s:e] of an Authorization value and
// keeps a known scheme.
func (r *run) hideCredential(d *doc, s, e, hi int, id ruleID) int {
	src := d.src
	n := schemeLen(src[s:e])
	c := s
	if n > 0 {
		c = s + n
		for c < e && isSpace(src[c]) {
			c++
		}
		if c == s+n || c == e { // no space, or nothing behind it: not a scheme
			c = s
		}
	}
	for e > c && isSpace(src[e-1]) {
		e--
	}
	if c > s && singleToken(src[s:s+n]) { // what follows the token is not part of it
		if m := r.rs.markerAt(src, c, e); m > 0 {
			if m == e || isSpace(src[m]) || src[m] == ',' {
				return m
			}
		}
		t := c
		for t < e && !isSpace(src[t]) {
			t++
		}
		for t > c+1 && (src[t-1] == ',' || src[t-1] == '.' || src[t-1] == ';') {
			t--
		}
		e = t
	}
	if c < e && !r.rs.isMarker(src[c:e]) {
		r.mask(d, c, e, id)
	}
	return max(e, s+1)
}

// schemeLen returns the length of the authentication scheme that v begins
// with, 0 if it begins with no known one.
func schemeLen(v []byte) int {
	n := 0
	for n < len(v) && n < 24 && (isAlnum(v[n]) || v[n] == '-' || v[n] == '_') {
		n++
	}
	if n == 0 || n < len(v) && v[n] != ' ' && v[n] != '\t' {
		return 0
	}
	var b [24]byte
	for i := range n {
		b[i] = v[i]
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	switch string(b[:n]) {
	case "bearer", "basic", "digest", "negotiate", "ntlm", "token", "apikey", "api-key", "hawk", "mac", "oauth", "hoba", "mutual",
		"scram-sha-1", "scram-sha-256", "vapid", "dpop", "gnap", "aws4-hmac-sha256", "aws4-ecdsa-p256-sha256", "aws", "googlelogin", "sharedkey", "sharedkeylite",
		"sharedaccesssignature", "signature", "privatetoken", "concealed", "jwt", "key", "hmac-sha256", "kakaoak":
		return n
	}
	return 0
}

// singleToken reports whether the scheme's credential is one word.
func singleToken(scheme []byte) bool {
	switch scheme[0] | 0x20 {
	case 'b', 'n', 't', 'k', 'j', 'p':
		return true
	case 'd':
		return len(scheme) == 4
	case 'a':
		return len(scheme) > 2 && scheme[1]|0x20 == 'p'
	}
	return false
}

// quoteAt recognises an opening quote at v: its length, its character, and how
// many backslashes escape it.
func quoteAt(src []byte, v, hi int) (open int, q byte, nb int) {
	i := v
	for i < hi && src[i] == '\\' {
		i++
	}
	if i >= hi {
		return 0, 0, 0
	}
	switch src[i] {
	case '"', '\'', '`':
		if i == v && i+2 < hi && src[i] == '"' && src[i+1] == '"' && src[i+2] == '"' {
			return 3, '"', 0
		}
		return i - v + 1, src[i], i - v
	case 0xE2: // “ and ‘
		if i == v && i+2 < hi && src[i+1] == 0x80 && (src[i+2] == 0x9C || src[i+2] == 0x98) {
			return 3, src[i+2] + 1, 0
		}
	}
	return 0, 0, 0
}

// quoteEnd returns where the closing quote begins, hi when there is none.
func quoteEnd(src []byte, s, hi int, q byte, nb, open int) int {
	switch {
	case open == 3 && q == '"' && nb == 0:
		if j := bytes.Index(src[s:hi], []byte(`"""`)); j >= 0 {
			return s + j
		}
		return hi
	case q >= 0x80:
		if j := bytes.Index(src[s:hi], []byte{0xE2, 0x80, q}); j >= 0 {
			return s + j
		}
		return hi
	}
	for i := s; i < hi; {
		j := bytes.IndexByte(src[i:hi], q)
		if j < 0 {
			return hi
		}
		j += i
		b := j
		for b > s && src[b-1] == '\\' {
			b--
		}
		if n := j - b; nb == 0 && n%2 == 0 || nb > 0 && n <= nb {
			return b
		}
		i = j + 1
	}
	return hi
}

// balancedEnd returns the end of the bracketed structure at v, hi when it is
// not closed.
func balancedEnd(src []byte, v, hi int) int {
	depth := 0
	for i := v; i < hi; i++ {
		switch c := src[i]; c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"', '\'', '`':
			if c == '\'' && i > v && isAlnum(src[i-1]) { // an apostrophe
				continue
			}
			nb := 0
			for b := i; b > v && src[b-1] == '\\'; b-- {
				nb++
			}
			if e := quoteEnd(src, i+1, hi, c, nb, 1+nb); e < hi {
				i = e
				for i < hi && src[i] == '\\' {
					i++
				}
			}
		}
	}
	return hi
}

// bareEnd returns the end of an unquoted value. It ends at white space and
// where something else clearly begins: a bracket, comma or semicolon inside a
// password does not end it.
func bareEnd(src []byte, v, hi int) int {
	for i := v; i < hi; i++ {
		switch c := src[i]; c {
		case ' ', '\t', '\n', '\r', '&', 0x1b, '"', '<', '`':
			if c == '<' && i == v {
				continue
			}
			return i
		case '[':
			if bytes.HasPrefix(src[i:hi], []byte("[masked:")) {
				if j := bytes.IndexByte(src[i:min(hi, i+128)], ']'); j > 0 {
					i += j
				}
			}
		case '\'':
			if i > v && (i+1 >= hi || !isAlnum(src[i+1])) {
				return i
			}
		case '\\':
			if i+1 < hi && (src[i+1] == '"' || src[i+1] == '\'' || src[i+1] == 'n' || src[i+1] == 'r' || src[i+1] == 't') {
				return i
			}
		case ',', ';', ')', '}', ']', '|':
			if i > v && boundary(src, i+1, hi) {
				return i
			}
		}
	}
	return hi
}

// boundary reports whether what follows a separator is the end, space, more
// punctuation, or another key.
func boundary(src []byte, i, hi int) bool {
	if i >= hi {
		return true
	}
	switch src[i] {
	case ' ', '\t', '\n', '\r', '"', '\'', '`', ')', '}', ']', ',', ';', '\\', '<', '{', '[', '|', '.':
		return true
	}
	j := i
	for j < hi && j-i < 40 && (keyByte(src[j]) || src[j] == '[' || src[j] == ']') {
		j++
	}
	return j > i && j < hi && (src[j] == '=' || src[j] == ':')
}

func lineEnd(src []byte, v, hi int) int {
	for i := v; i < hi; i++ {
		switch src[i] {
		case '\n', '\r':
			return i
		case '\\':
			if i+1 < hi && (src[i+1] == 'n' || src[i+1] == 'r') {
				return i
			}
		}
	}
	return hi
}

func isLiteral(v []byte) bool {
	switch string(v) {
	case "true", "false", "null", "nil", "None", "none", "undefined", "True", "False", "NULL", "<nil>":
		return true
	}
	return false
}

func isNumber(v []byte) bool {
	if len(v) == 0 || len(v) > 20 {
		return false
	}
	for _, c := range v {
		if !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return false
		}
	}
	return isDigit(v[len(v)-1])
}

// blockScalar recognises "|", ">-" and the like at the end of a line.
func blockScalar(v []byte) bool {
	for i, c := range v {
		if c == '\n' || c == '\r' {
			return i > 0
		}
		if c != '|' && c != '>' && c != '-' && c != '+' && c != ' ' && !isDigit(c) {
			return false
		}
	}
	return true
}
