package sanitize

import (
	"bytes"
)

// secretPath are path segments behind which a secret may stand.
func secretPath(seg []byte) bool {
	if len(seg) > 24 || len(seg) < 3 {
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
	under := ruleNone // the segment before names what stands in this one
	files := len(host) == 0 && sourceFile(src[p:hi])
	left := 0 // how many more segments may be the secret of a word before
	for p < hi {
		if src[p] == '/' || src[p] == '\\' {
			p++
			continue
		}
		if src[p] == '?' || src[p] == '#' {
			return p
		}
		s, e := p, -1
		bracket := false
		for ; p < hi; p++ {
			if c := src[p]; c == '/' || c == '?' || c == '#' {
				break
			} else if c == ';' && e < 0 { // matrix parameters
				e = p
			} else if c == '[' {
				bracket = true
			}
		}
		if e < 0 {
			e = p
		}
		seg := src[s:e]
		decided := len(d.edits)
		switch {
		case bracket && r.rs.markerAt(src, s, e) == e && e > s:
		case r.rs.rules[rulePath].on && (left > 0 && tokenish(seg) || hook && len(seg) >= 16):
			r.mask(d, s, e, rulePath)
		case r.rs.rules[rulePath].on && botToken(seg) > 0:
			if c := s + botToken(seg); !r.rs.isMarker(src[c:e]) {
				r.mask(d, c, e, rulePath)
			}
		case under != ruleNone && pathValue(seg, under):
			r.mask(d, s, e, under)
		case e > s:
			r.encodedValue(d, s, e, scopeURL, trunc && e == hi)
		}
		if left > 0 {
			left--
		}
		under = ruleNone
		if !files && e > s && len(d.edits) == decided && r.rs.rules[rulePath].on && !(bracket && bytes.Contains(seg, []byte("[masked:"))) {
			under = r.pathKey(seg)
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
