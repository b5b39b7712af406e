package query

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// Filter says which entries are wanted. Every set field must match; the zero
// Filter matches everything. Limit, NewestFirst and Brief say
// how the answer comes. Strings are compared exactly where nothing else is
// said, and an empty string in a list matches nothing.
type Filter struct {
	TxID        string        // a prefix of the txid
	User        string        // user.id
	Device      string        // device.model, any part of it, case ignored: "iphone"
	ServerUser  string        // who runs the process, on a developer's machine
	Services    []string      // service.name, one of these
	Kinds       []entry.Kind  // one of these
	Methods     []string      // one of these, case ignored
	Route       string        // any part of the route or the URL's path: "/api/pay"
	Status      []StatusRange // one of these
	ErrorTypes  []string      // error.type, one of these
	Failed      bool          // only what failed (entry.Failed)
	MinLatency  time.Duration // at least so long
	Since       time.Time     // not before
	Until       time.Time     // before
	Text        string        // anywhere in message, URL, headers, bodies, error, attributes, labels; case ignored
	Limit       int           // see Source.Find; 0: no limit
	NewestFirst bool          // order of Find
	Brief       bool          // Find returns entries without headers, bodies, stacks and lines: lists need none
}

// Match reports whether e is wanted. Limit, NewestFirst and Brief play no part.
func (f *Filter) Match(e *entry.Entry) bool {
	if !f.Since.IsZero() && e.Time.Before(f.Since) || !f.Until.IsZero() && !e.Time.Before(f.Until) {
		return false
	}
	if f.TxID != "" && !strings.HasPrefix(string(e.TxID), f.TxID) {
		return false
	}
	if f.User != "" && e.Facts.UserID != f.User {
		return false
	}
	if f.Device != "" && !containsFold(e.Facts.Device, f.Device) {
		return false
	}
	if f.ServerUser != "" && (e.Resource == nil || e.Resource.ServerUser != f.ServerUser) {
		return false
	}
	if len(f.Services) > 0 && !slices.Contains(f.Services, Service(e)) {
		return false
	}
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) {
		return false
	}
	if len(f.Methods) > 0 && !slices.ContainsFunc(f.Methods, func(m string) bool {
		return m != "" && strings.EqualFold(m, e.HTTP.Method)
	}) {
		return false
	}
	if f.Route != "" && !strings.Contains(e.HTTP.Route, f.Route) && !strings.Contains(path(e.HTTP.URL), f.Route) {
		return false
	}
	if len(f.Status) > 0 && !slices.ContainsFunc(f.Status, func(r StatusRange) bool { return r.Contains(e.HTTP.Status) }) {
		return false
	}
	if len(f.ErrorTypes) > 0 && (e.Error.Type == "" || !slices.Contains(f.ErrorTypes, e.Error.Type)) {
		return false
	}
	if f.Failed && !e.Failed() || e.Latency < f.MinLatency {
		return false
	}
	return f.Text == "" || mentions(e, f.Text)
}

// Service returns the name of the service an entry comes from, or "".
func Service(e *entry.Entry) string {
	if e.Resource == nil {
		return ""
	}
	return e.Resource.Service
}

// mentions looks for text in everything of an entry that has words.
func mentions(e *entry.Entry, text string) bool {
	h := &e.HTTP
	for _, s := range [...]string{
		e.Message, h.URL, h.Route, h.UserAgent, h.Referer, h.RemoteIP,
		e.Error.Type, e.Error.Message, e.Error.Stack, e.Logger, e.Refused, e.Facts.EntryPage,
	} {
		if containsFold(s, text) {
			return true
		}
	}
	for _, m := range [...]*entry.Message{&e.Request, &e.Response} {
		if m.Body.Encoding != "base64" && containsFold(m.Body.Content, text) {
			return true
		}
		for _, hs := range [...][]entry.Header{m.Headers, m.Trailers} {
			for i := range hs {
				if containsFold(hs[i].Value, text) || containsFold(hs[i].Name, text) {
					return true
				}
			}
		}
	}
	for _, ls := range [...][]entry.Label{e.Labels, e.Attributes, e.Facts.Carried} {
		for i := range ls {
			if containsFold(ls[i].Value, text) || containsFold(ls[i].Name, text) {
				return true
			}
		}
	}
	return false
}

// containsFold reports whether s contains part, ASCII case ignored: the letters
// beyond are Korean more often than not, and have no case.
func containsFold[S string | []byte](s S, part string) bool {
	n := len(part)
	if n == 0 {
		return true
	}
	first := lower(part[0])
	for i := 0; i+n <= len(s); i++ {
		if lower(s[i]) != first {
			continue
		}
		j := 1
		for j < n && lower(s[i+j]) == lower(part[j]) {
			j++
		}
		if j == n {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if c < utf8.RuneSelf && 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// path returns the path of a URL as it was recorded, which need not be one that
// parses: no scheme and host, no query, no fragment.
func path(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		u = u[i+3:]
		if j := strings.IndexAny(u, "/?#"); j >= 0 {
			u = u[j:]
		} else {
			return "/"
		}
	}
	if i := strings.IndexAny(u, "?#"); i >= 0 {
		u = u[:i]
	}
	return u
}

// authority returns the host and port of a URL as it was recorded, or "".
func authority(u string) string {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return ""
	}
	if j := strings.IndexAny(rest, "/?#"); j >= 0 {
		rest = rest[:j]
	}
	if j := strings.LastIndexByte(rest, '@'); j >= 0 {
		rest = rest[j+1:]
	}
	return rest
}
