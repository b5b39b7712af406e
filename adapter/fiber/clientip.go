package fibertx

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxForwarded bounds how many addresses of X-Forwarded-For are looked at, from its
// end: the header is the client's to write.
const maxForwarded = 32

// clientIP returns the client's address: the connection's, or where that is a trusted
// proxy's, the last one in X-Forwarded-For that is not trusted. fiber's own setting
// for proxies is not asked: it may trust everybody.
func (cfg *config) clientIP(r *http.Request) string {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok {
		return ""
	}
	ip := peer
	items := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(items) - 1; i >= max(0, len(items)-maxForwarded) && contains(cfg.TrustedProxies, ip); i-- {
		item := strings.TrimSpace(items[i])
		if item == "" {
			continue
		}
		addr, ok := parseAddr(item)
		if !ok {
			break // what stands before it is hearsay
		}
		ip = addr
	}
	return ip.String()
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
