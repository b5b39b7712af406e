package blackbox

import "strings"

// The list lies on a disk in the plain, and there is no time on the request's path for
// the sanitizer. So of a path only the beginning is written down, as far as it looks
// like the words of a route and as no word says that a secret follows; for the rest
// stands what stands for everything that is hidden.
const (
	maskedPath  = "[masked:in-flight]"
	maxSegments = 4
	maxWord     = 20 // bytes of a segment that is a word
	maxShort    = 4  // bytes of one with digits in it: v1
)

// appendPath appends to dst, which has room for it up to its capacity, what may be
// written down of a path. It allocates nothing.
func appendPath(dst []byte, path string) []byte {
	if path == "" || path[0] != '/' {
		return dst // "*" and what else is no path
	}
	rest := path[1:]
	for range maxSegments {
		seg, tail, more := strings.Cut(rest, "/")
		if seg == "" && !more {
			return fitted(dst, "/", "")
		}
		ok, secret := plainSegment(seg)
		if !ok || len(dst)+1+len(seg)+len("/"+maskedPath) > cap(dst) {
			return fitted(dst, "/", maskedPath)
		}
		dst = append(append(dst, '/'), seg...)
		if !more {
			return dst
		}
		if secret {
			break
		}
		rest = tail
	}
	return fitted(dst, "/", maskedPath)
}

// fitted appends a and b if there is room for both.
func fitted(dst []byte, a, b string) []byte {
	if len(dst)+len(a)+len(b) > cap(dst) {
		return dst
	}
	return append(append(dst, a...), b...)
}

// plainSegment reports whether a segment looks like a part of a route, and whether it
// says that what comes next is a secret.
func plainSegment(seg string) (ok, secret bool) {
	if len(seg) == 0 || len(seg) > maxWord {
		return false, false
	}
	start := 0
	for i := range len(seg) {
		switch c := seg[i]; {
		case 'a' <= c && c <= 'z':
		case 'A' <= c && c <= 'Z' && i == start: // one capital at the beginning of a word
		case '0' <= c && c <= '9' && len(seg) <= maxShort && i > 0:
		case (c == '-' || c == '_' || c == '.') && i > start:
			secret = secret || secretWord(seg[start:i])
			start = i + 1
		default:
			return false, false
		}
	}
	return true, secret || secretWord(seg[start:])
}

// secretWord reports whether a word of a path is one behind which secrets stand. They
// are those of links that are mailed, and of resources that are called by a secret.
func secretWord(w string) bool {
	var low [maxWord]byte
	b := low[:copy(low[:], w)]
	if len(b) == 0 {
		return false
	}
	b[0] |= 'a' - 'A' // the one that may be a capital
	switch string(b) {
	case "s", "t", "u", "k", "c", "l", "p", "r", "i", "e",
		"access", "account", "accounts", "activate", "activation", "apikey", "apikeys", "auth", "authorize",
		"bearer", "card", "cards", "code", "codes", "confirm", "confirmation", "cookie", "cookies", "credential",
		"credentials", "download", "downloads", "email", "emails", "file", "files", "hash", "hook", "hooks", "id",
		"invitation", "invitations", "invite", "invites", "jwt", "key", "keys", "link", "links", "login",
		"magic", "mail", "name", "names", "nonce", "oauth", "otp", "pass", "passcode", "passphrase", "passwd",
		"password", "passwords", "phone", "phones", "pin", "pins", "private", "pwd", "recover", "recovery", "redeem",
		"refresh", "reset", "resets", "secret", "secrets", "session", "sessions", "share", "shared",
		"shares", "sid", "sign", "signature", "signed", "signin", "signup", "sso", "ticket", "tickets", "token",
		"tokens", "unlock", "unsubscribe", "user", "username", "usernames", "users", "verification", "verify",
		"voucher", "vouchers", "webhook", "webhooks":
		return true
	}
	return false
}

// plainRoute reports whether a route may be written down: it is a pattern, chosen by a
// program, and not a path that was taken for one.
func plainRoute(route string) bool {
	digits, run := 0, 0
	for i := range len(route) {
		c := route[i]
		switch {
		case c == '/':
			digits, run = 0, 0
			continue
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case strings.IndexByte("-_.:{}*<>()$+~ ", c) >= 0:
		default:
			return false
		}
		if run++; digits >= 6 || run > 40 {
			return false
		}
	}
	return true
}
