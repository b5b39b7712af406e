package middleware

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ProxyHeader is a header in which proxies write whom they got a request from.
type ProxyHeader uint8

// The choices for [Options.ProxyHeader].
const (
	// XForwardedFor is X-Forwarded-For, a list of addresses. It is the default.
	XForwardedFor ProxyHeader = iota
	// Forwarded is the header of RFC 7239: for=192.0.2.60;proto=https, for="[2001:db8::7]:4711".
	Forwarded
)

// maxForwarded bounds how many hops of a proxies' header are looked at, from its end:
// nobody stands behind more proxies, and the header is the client's to write.
const maxForwarded = 32

// ClientIP returns the address of r's client: the connection's, or, where that is in
// trusted, the last one that header names and that is not in trusted. If there is none,
// it is the earliest one named, and "" where the connection has none. Who connects by a
// Unix socket is on the same machine, and trusted where 127.0.0.1 or ::1 is.
//
// What a header says is believed from its end, as long as those who wrote it are trusted.
// Only the one header is read, by the choice of whoever runs the proxies: a proxy passes on
// the other, which it does not know, as the client wrote it. It ends at the first hop that
// can not be read or is kept secret (for=unknown, for=_hidden): what stands before is
// hearsay, and the client is known by the proxy that said so.
func ClientIP(r *http.Request, trusted []netip.Prefix, header ProxyHeader) string {
	ip := hostOf(r.RemoteAddr)
	switch {
	case ip != "":
		if len(trusted) == 0 {
			return ip
		}
		if addr, ok := parseAddr(ip); !ok || !contains(trusted, addr) {
			return ip
		}
	default:
		// A middleware that reads X-Forwarded-For itself puts an address without a port
		// there. It is shown, but trusted with nothing: whoever wrote it is not known.
		if addr, ok := parseAddr(r.RemoteAddr); ok {
			return addr.String()
		}
		if !overUnixSocket(r) || !contains(trusted, netip.IPv6Loopback()) && !contains(trusted, netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
			return ""
		}
	}
	lines, cut, read := r.Header["X-Forwarded-For"], cutAddress, parseAddr
	if header == Forwarded {
		lines, cut, read = r.Header["Forwarded"], cutElement, forwardedFor
	}
	for seen, i := 0, len(lines)-1; i >= 0; i-- {
		for rest := lines[i]; rest != "" && seen < maxForwarded; {
			seen++
			var hop string
			rest, hop = cut(rest)
			if hop = strings.TrimSpace(hop); hop == "" {
				continue
			}
			addr, ok := read(hop)
			if !ok {
				return ip
			}
			ip = addr.String()
			if !contains(trusted, addr) {
				return ip
			}
		}
	}
	return ip
}

// overUnixSocket reports whether r came so, by what the server knows.
func overUnixSocket(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// cutAddress takes the last address off a line of X-Forwarded-For.
func cutAddress(line string) (rest, addr string) {
	if at := strings.LastIndexByte(line, ','); at >= 0 {
		return line[:at], line[at+1:]
	}
	return "", line
}

func contains(nets []netip.Prefix, addr netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port, as different proxies write it.
func parseAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// hostOf takes the port off an address as net/http writes it; "" for a socket
// without one, and for what net/http does not write.
func hostOf(addr string) string {
	i := strings.LastIndexByte(addr, ':')
	if i <= 0 {
		return ""
	}
	host := addr[:i]
	if host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	if strings.IndexByte(host, ':') >= 0 {
		return "" // an IPv6 address without brackets, thus without a port
	}
	return host
}
