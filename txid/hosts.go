package txid

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Hosts decides to which hosts the txid's headers and the carried facts may be
// sent. Everything else gets nothing: a user's id and device are nobody else's
// business, and a foreign header breaks some strict APIs. The zero value allows
// private hosts only. A Hosts is immutable and safe for concurrent use.
type Hosts struct {
	exact     map[string]bool
	suffixes  []string // ".example.com"
	noPrivate bool
}

// ErrHostPattern is returned, wrapped, for an allow-list item that is not a host.
var ErrHostPattern = errors.New("txid: invalid host pattern")

// NewHosts returns a Hosts that allows private hosts (see [PrivateHost]) and the
// given ones: a host name, an IP address, or "*.example.com" for every name below
// example.com. Ports are not part of a pattern. The item "-private" takes the
// private hosts out. An empty item, or one with a scheme, a port or a path, is an
// error: an empty string in a list matches nothing.
func NewHosts(allow ...string) (*Hosts, error) {
	h := &Hosts{exact: make(map[string]bool, len(allow))}
	for _, a := range allow {
		p := strings.ToLower(strings.TrimSuffix(a, "."))
		if p == "-private" {
			h.noPrivate = true
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(p, "[]")); err == nil {
			h.exact[ip.Unmap().String()] = true
			continue
		}
		wild := strings.HasPrefix(p, "*.")
		name := strings.TrimPrefix(p, "*.")
		if name == "" || strings.ContainsAny(name, "*/:@?# \t") || strings.Contains(name, "..") || strings.HasPrefix(name, ".") {
			return nil, fmt.Errorf("%w: %q, want a host such as api.example.com, *.example.com or 10.0.0.7, without scheme or port", ErrHostPattern, a)
		}
		if wild {
			h.suffixes = append(h.suffixes, "."+name)
		} else {
			h.exact[name] = true
		}
	}
	return h, nil
}

// Allows reports whether the headers may be sent to host: a name or address,
// with or without a port, as in [net/url.URL.Host].
func (h *Hosts) Allows(host string) bool {
	name := hostOnly(host)
	if name == "" {
		return false
	}
	if h == nil || !h.noPrivate {
		if PrivateHost(name) {
			return true
		}
	}
	if h == nil {
		return false
	}
	if len(h.exact) == 0 && len(h.suffixes) == 0 {
		return false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if ip, err := netip.ParseAddr(name); err == nil {
		name = ip.Unmap().String()
	}
	if h.exact[name] {
		return true
	}
	for _, s := range h.suffixes {
		if strings.HasSuffix(name, s) && len(name) > len(s) {
			return true
		}
	}
	return false
}

// PrivateHost reports whether host can only be one of the user's own: a loopback,
// private (RFC 1918, RFC 4193) or link-local address except the cloud metadata
// ones, a name without a dot ("core", as in Docker and Kubernetes), or a name
// below .localhost, .local, .internal, .svc, .cluster.local, .test (RFC 6762, RFC
// 6761, ICANN's .internal). host is without a port.
func PrivateHost(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if host == "" {
		return false
	}
	if c := host[len(host)-1]; c >= '0' && c <= '9' || strings.IndexByte(host, ':') >= 0 {
		if ip, err := netip.ParseAddr(host); err == nil {
			ip = ip.Unmap()
			if ip == metadata4 || ip == metadata6 {
				return false
			}
			return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
		}
	}
	if strings.IndexByte(host, '.') < 0 {
		return true
	}
	if strings.EqualFold(host, "metadata.google.internal") {
		return false
	}
	for _, s := range [...]string{".localhost", ".local", ".internal", ".svc", ".test"} {
		if len(host) > len(s) && strings.EqualFold(host[len(host)-len(s):], s) {
			return true
		}
	}
	return false
}

var (
	metadata4 = netip.AddrFrom4([4]byte{169, 254, 169, 254})
	metadata6 = netip.MustParseAddr("fd00:ec2::254")
)

// hostOnly takes the port and the brackets off a URL's host.
func hostOnly(host string) string {
	if len(host) > 0 && host[0] == '[' {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		host = host[1:end]
	} else if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		host = host[:i]
	}
	if i := strings.IndexByte(host, '%'); i >= 0 { // an IPv6 zone
		host = host[:i]
	}
	return host
}
