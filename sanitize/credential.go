package sanitize

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
