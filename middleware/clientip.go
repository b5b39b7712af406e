package middleware

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxForwarded bounds how many addresses of X-Forwarded-For are looked at, from
// its end: nobody stands behind more proxies, and the header is the client's to
// write.
const maxForwarded = 32

// clientIP returns the client's address: the connection's, or where that is a
// trusted proxy's, the last one in X-Forwarded-For that is not trusted.
func (c *config) clientIP(r *http.Request) string {
	peer := hostOf(r.RemoteAddr)
	if peer == "" {
		// A middleware that reads X-Forwarded-For itself puts an address without a port
		// there. It is shown, but trusted with nothing: whoever wrote it is not known.
		if addr, ok := parseAddr(r.RemoteAddr); ok {
			return addr.String()
		}
		return ""
	}
	if len(c.TrustedProxies) == 0 || !c.trusted(peer) {
		return peer
	}
	ip := peer
	lines := r.Header["X-Forwarded-For"]
	for seen, i := 0, len(lines)-1; i >= 0; i-- {
		rest := lines[i]
		for rest != "" && seen < maxForwarded {
			seen++
			item := rest
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				item, rest = rest[at+1:], rest[:at]
			} else {
				rest = ""
			}
			item = strings.TrimSpace(item)
			if item == "" {
				continue
			}
			addr, ok := parseAddr(item)
			if !ok {
				return ip // what stands before it is hearsay
			}
			ip = addr.String()
			if !c.trustedAddr(addr) {
				return ip
			}
		}
	}
	return ip
}

func (c *config) trusted(host string) bool {
	addr, ok := parseAddr(host)
	return ok && c.trustedAddr(addr)
}

func (c *config) trustedAddr(addr netip.Addr) bool {
	return contains(c.TrustedProxies, addr)
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
