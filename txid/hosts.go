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
// private hosts out. An empty item, or one with a scheme, a port, a path or bytes
// beyond ASCII, is an error that wraps [ErrHostPattern]: what would match nothing,
// or something else than it seems, is not a rule.
func NewHosts(allow ...string) (*Hosts, error) {
	h := &Hosts{exact: make(map[string]bool, len(allow))}
	for _, a := range allow {
		p := strings.ToLower(strings.TrimSuffix(a, "."))
		if p == "-private" {
			h.noPrivate = true
			continue
		}
		if ip, ok := parseAddr(strings.Trim(p, "[]")); ok {
			h.exact[ip.String()] = true
			continue
		}
		wild := strings.HasPrefix(p, "*.")
		name := strings.TrimPrefix(p, "*.")
		if name == "" || !hostName(name) {
			return nil, fmt.Errorf("%w: %q, want a host such as api.example.com, *.example.com or 10.0.0.7, without scheme or port (an international name in its xn-- form)", ErrHostPattern, a)
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
	if ip, ok := parseAddr(name); ok {
		name = ip.String()
	} else if !hostName(name) {
		return false
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
// unspecified ("0.0.0.0"), private (RFC 1918, RFC 4193) or link-local address, a
// name without a dot ("core", as in Docker and Kubernetes), or a name below
// .localhost, .local (which covers .cluster.local), .internal, .svc, .test (RFC
// 6762, RFC 6761, ICANN's .internal). host is without a port.
//
// The clouds' metadata and credential services are not, by address or by name:
// they answer to whoever runs the machines. Nor is a name that a resolver may read
// as something else: a number (2130706433 is an address in decimal), or one with
// bytes beyond ASCII (U+3002 becomes a dot).
func PrivateHost(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if host == "" {
		return false
	}
	if ip, ok := parseAddr(host); ok {
		return privateAddr(ip)
	}
	if !hostName(host) || metadataName(host) {
		return false
	}
	if strings.IndexByte(host, '.') < 0 {
		return !numeric(host)
	}
	for _, s := range [...]string{".localhost", ".local", ".internal", ".svc", ".test"} {
		if len(host) > len(s) && strings.EqualFold(host[len(host)-len(s):], s) {
			return true
		}
	}
	return false
}

// parseAddr reads an address, without its zone. Most names are sorted out before,
// since netip's error for them would be an allocation on every call.
func parseAddr(host string) (netip.Addr, bool) {
	if host == "" {
		return netip.Addr{}, false
	}
	if c := host[len(host)-1]; (c < '0' || c > '9') && strings.IndexByte(host, ':') < 0 {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(host)
	return ip.Unmap().WithZone(""), err == nil
}

func privateAddr(ip netip.Addr) bool {
	for _, n := range metadataNets {
		if n.Contains(ip) {
			return false
		}
	}
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
}

// metadataNets hold the addresses, among those that are private or link-local, at
// which clouds serve instance metadata, credentials, time and names: AWS, Azure,
// Google Cloud and others at 169.254.169.254; ECS and EKS at 169.254.170.2 and
// .23; AWS on IPv6 below fd00:ec2::, Google Cloud below fd20:ce::.
var metadataNets = [...]netip.Prefix{
	netip.MustParsePrefix("169.254.169.0/24"),
	netip.MustParsePrefix("169.254.170.0/24"),
	netip.MustParsePrefix("fd00:ec2::/32"),
	netip.MustParsePrefix("fd20:ce::/32"),
}

func metadataName(host string) bool {
	for _, s := range [...]string{"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"} {
		if strings.EqualFold(host, s) {
			return true
		}
	}
	return false
}

// numeric reports whether a name without dots is what inet_aton reads as an
// address: decimal, octal or hexadecimal digits.
func numeric(host string) bool {
	digits := host
	hex := len(host) > 1 && host[0] == '0' && (host[1] == 'x' || host[1] == 'X')
	if hex {
		digits = host[2:]
	}
	for i := range len(digits) {
		if _, ok := unhex(digits[i]); !ok || !hex && digits[i] > '9' {
			return false
		}
	}
	return true
}

// hostName reports whether s is made of labels of ASCII letters, digits, hyphens
// and underscores.
func hostName(s string) bool {
	dot := true // as before the first label
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if dot {
				return false
			}
			dot = true
		case wordByte(c), c == '-', c == '_':
			dot = false
		default:
			return false
		}
	}
	return !dot
}

// hostOnly takes the port, the brackets and the zone off a URL's host. It returns
// "" where what stands in their place is none: a resolver may read it otherwise.
func hostOnly(host string) string {
	if len(host) > 0 && host[0] == '[' {
		end := strings.IndexByte(host, ']')
		if end < 0 || !isPort(host[end+1:]) {
			return ""
		}
		host = host[1:end]
	} else if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		if !isPort(host[i:]) {
			return ""
		}
		host = host[:i]
	}
	// Only an IPv6 address has a zone: "core%.example.com" is a name of its own.
	if i := strings.IndexByte(host, '%'); i >= 0 && strings.IndexByte(host[:i], ':') >= 0 {
		host = host[:i]
	}
	return host
}

// isPort reports whether s is nothing, or a colon and digits.
func isPort(s string) bool {
	if s != "" && s[0] != ':' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
