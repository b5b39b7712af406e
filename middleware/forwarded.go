package middleware

import (
	"net/netip"
	"strings"
)

// cutElement takes the last element off a line of Forwarded (RFC 7239, section 4). It
// goes from the right, so that no quote that the client left open at the left reaches
// into what a proxy has added. Where a quote is left open, all of it is one element,
// which forwardedFor refuses.
func cutElement(line string) (rest, element string) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case '"':
			if !quoted || !escaped(line, i) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return line[:i], line[i+1:]
			}
		}
	}
	return "", line
}

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	odd := false
	for i--; i >= 0 && s[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}

// forwardedFor returns the address that an element's "for" names. It is not ok where
// there is none, or two, or where the element is not of the grammar.
func forwardedFor(element string) (addr netip.Addr, ok bool) {
	found := false
	for rest := element; rest != ""; {
		name, value, after, valid := cutPair(rest)
		if !valid {
			return netip.Addr{}, false
		}
		rest = after
		if !strings.EqualFold(name, "for") {
			continue
		}
		if found { // which of them did the proxy write?
			return netip.Addr{}, false
		}
		if addr, found = nodeAddr(value); !found {
			return netip.Addr{}, false
		}
	}
	return addr, found
}

// cutPair takes the first name=value off an element, the value without its quotes. An
// empty pair, as behind a semicolon at the end, has no name.
func cutPair(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	at := strings.IndexAny(s, "=;")
	switch {
	case at < 0:
		return "", "", "", s == ""
	case s[at] == ';':
		return "", "", s[at+1:], at == 0
	}
	name, s = s[:at], s[at+1:]
	if s == "" || s[0] != '"' {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimRight(value, " \t")
		return name, value, rest, name != "" && strings.IndexByte(value, '"') < 0
	}
	for end := 1; end < len(s); end++ {
		switch s[end] {
		case '\\':
			end++
		case '"':
			value = unescape(s[1:end])
			s = strings.TrimLeft(s[end+1:], " \t")
			return name, value, strings.TrimPrefix(s, ";"), name != "" && (s == "" || s[0] == ';')
		}
	}
	return "", "", "", false // the quote is left open
}

// unescape takes the backslashes out of what a quoted string holds.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// nodeAddr returns the address of a node: an IPv4 address, an IPv6 address in brackets, with
// or without a port, which may be an obfuscated one (_4711). It is not ok for "unknown"
// and for obfuscated names (_gazonk). Some proxies leave out the brackets.
func nodeAddr(s string) (netip.Addr, bool) {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || strings.IndexByte(s[:end], ':') < 0 {
			return netip.Addr{}, false
		}
		host, port = s[1:end], s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 && i == strings.LastIndexByte(s, ':') {
		host, port = s[:i], s[i:]
	}
	if port != "" && (len(port) < 2 || port[0] != ':' || strings.IndexFunc(port[1:], notPort) >= 0) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// notPort reports what neither a port nor an obfuscated one has in it.
func notPort(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '.' && r != '_' && r != '-'
}
