package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Dependency says of a service that is called what its calls do not say
// themselves. See [Options.Dependencies].
type Dependency struct {
	// Host is the service's host: a name, an IP address, or "*.example.com" for
	// every name below example.com; with ":8443" behind it at that port alone.
	// Required. Where several Dependencies match, the most exact one does: a host
	// before a pattern, a longer pattern before a shorter one, with a port before
	// without.
	Host string
	// Service is the service's name, as it calls itself: the entry's Peer.Service.
	// At most 512 bytes. Default none.
	Service string
	// Routes are templates of the paths of its URLs, so that calls can be counted by
	// what they ask for: "/v1/items/{id}", "/files/{path...}", "POST /v1/charge". A
	// name in braces stands for one part of the path, one with dots, at the end, for
	// all that follows. The most exact one matches, part by part: a text before a
	// name, a method before none. [Options.Route] goes first. Default none.
	Routes []string
	// Quota is how many calls the service takes. It is recorded only, for the share
	// of calls beyond it: nothing is held back. Default unknown.
	Quota Quota
	// RequestID lists the response headers in which the service names the request as
	// its own log does; the first one that is there becomes the entry's label
	// [entry.LabelPeerRequestID]. Default: the names in use at the large providers,
	// from X-Request-Id, X-Amzn-RequestId, Apigw-RequestId, X-Guploader-UploadId and
	// X-Ms-Request-Id to X-Correlation-Id; a non-nil empty list records none.
	RequestID []string
}

// Quota is a number of calls in a time: Quota{100, time.Minute}. Both are set, or
// neither.
type Quota struct {
	Requests int
	Per      time.Duration
}

// maxRequestID bounds how many headers a Dependency may list.
const maxRequestID = 16

// dependency is a Dependency, compiled.
type dependency struct {
	port      int // 0: any
	peer      entry.Peer
	routes    *routes
	requestID []string // nil: the default names
}

// dependencies finds the one that a host belongs to. It is immutable.
type dependencies struct {
	exact map[string][]*dependency // by host; the one for a port first
	below []below                  // the longest first
}

type below struct {
	suffix string // ".example.com"
	by     []*dependency
}

// compileDependencies checks ds; the error names the field. No dependencies are nil.
func compileDependencies(ds []Dependency) (*dependencies, error) {
	if len(ds) == 0 {
		return nil, nil
	}
	c := &dependencies{exact: make(map[string][]*dependency, len(ds))}
	for i := range ds {
		d, host, err := ds[i].compile()
		if err == nil {
			err = c.add(host, d)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: Dependencies[%d]%w", ErrOptions, i, err)
		}
	}
	slices.SortStableFunc(c.below, func(a, b below) int { return len(b.suffix) - len(a.suffix) })
	return c, nil
}

// compile returns errors that begin with a dot and the field's name.
func (d *Dependency) compile() (c *dependency, host string, err error) {
	c = &dependency{peer: entry.Peer{Service: d.Service, Requests: d.Quota.Requests, Per: d.Quota.Per}}
	if host, c.port, err = splitHost(d.Host); err != nil {
		return nil, "", fmt.Errorf(".Host: %w", err)
	}
	if len(d.Service) > entry.MaxWord {
		return nil, "", fmt.Errorf(".Service has %d bytes, at most %d", len(d.Service), entry.MaxWord)
	}
	if q := d.Quota; q != (Quota{}) && (q.Requests < 1 || q.Per < 1) {
		return nil, "", fmt.Errorf(".Quota is %d calls in %v, want both above zero, or neither set", q.Requests, q.Per)
	}
	c.routes = &routes{}
	for i, r := range d.Routes {
		if err := c.routes.add(r); err != nil {
			return nil, "", fmt.Errorf(".Routes[%d]: %w", i, err)
		}
	}
	if len(d.RequestID) > maxRequestID {
		return nil, "", fmt.Errorf(".RequestID lists %d headers, at most %d", len(d.RequestID), maxRequestID)
	}
	if d.RequestID != nil {
		c.requestID = make([]string, 0, len(d.RequestID))
	}
	for i, name := range d.RequestID {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
		}) {
			return nil, "", fmt.Errorf(".RequestID[%d]: %q is not a header name", i, name)
		}
		c.requestID = append(c.requestID, textproto.CanonicalMIMEHeaderKey(name))
	}
	return c, host, nil
}

// splitHost takes the port off a host pattern and checks both.
func splitHost(pattern string) (host string, port int, err error) {
	host = pattern
	if i := strings.LastIndexByte(host, ':'); i >= 0 && (strings.IndexByte(host, ':') == i || host[0] == '[' && host[i-1] == ']') {
		var text string
		if host, text, err = net.SplitHostPort(pattern); err != nil {
			return "", 0, err
		}
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return "", 0, fmt.Errorf("%q has the port %q, want a number from 1 to 65535", pattern, text)
		}
	}
	if host == "-private" {
		host = "" // a word of txid's, and no host
	}
	// What can be allowed a txid can be described: the rules are the same.
	if _, err := txid.NewHosts("-private", host); err != nil {
		return "", 0, err
	}
	return plainHost(strings.Trim(host, "[]")), port, nil
}

// plainHost is the one spelling of a host: lower case, without a dot at the end, an
// address as Go writes it and without its zone.
func plainHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, ".")) // the same string where it is plain
	if host == "" {
		return ""
	}
	if c := host[len(host)-1]; (c >= '0' && c <= '9') || strings.IndexByte(host, ':') >= 0 {
		if ip, err := netip.ParseAddr(host); err == nil {
			return ip.Unmap().WithZone("").String()
		}
	}
	return host
}

func (c *dependencies) add(host string, d *dependency) error {
	by := c.exact[host]
	suffix, wild := strings.CutPrefix(host, "*")
	at := -1
	if wild {
		if at = slices.IndexFunc(c.below, func(b below) bool { return b.suffix == suffix }); at >= 0 {
			by = c.below[at].by
		}
	}
	for _, other := range by {
		if other.port == d.port {
			return fmt.Errorf(".Host: %q is listed twice", host)
		}
	}
	if d.port == 0 {
		by = append(by, d)
	} else {
		by = slices.Insert(by, 0, d)
	}
	switch {
	case !wild:
		c.exact[host] = by
	case at >= 0:
		c.below[at].by = by
	default:
		c.below = append(c.below, below{suffix, by})
	}
	return nil
}

// find returns the dependency that is called, or nil.
func (c *dependencies) find(host string, port int) *dependency {
	by, ok := c.exact[host]
	if !ok {
		host = plainHost(host)
		by = c.exact[host]
	}
	if d := forPort(by, port); d != nil {
		return d
	}
	for i := range c.below {
		if s := c.below[i].suffix; len(host) > len(s) && strings.HasSuffix(host, s) {
			if d := forPort(c.below[i].by, port); d != nil {
				return d
			}
		}
	}
	return nil
}

func forPort(by []*dependency, port int) *dependency {
	for _, d := range by {
		if d.port == 0 || d.port == port {
			return d
		}
	}
	return nil
}
