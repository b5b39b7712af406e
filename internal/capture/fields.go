package capture

import (
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Noted is what a message's header fields say that an entry needs elsewhere. It is
// gathered while they are copied, since each look-up would cost as much as a field.
type Noted struct {
	Type, Encoding, Length, Range, UserAgent, Referer string

	Cacheable bool // a field that txid.SharedCacheable looks at is there; of a 304 it wants none
	Cached    bool // one that txid.FromCache looks at
	Trailer   bool // there will be trailers
	Prefixed  bool // some stand among the fields already, named with http.TrailerPrefix
	Keep      bool // txid.HeaderKeep asks

	Marks txid.Marks // the fields are marked in
}

// Note takes the first value of a field. Names are in canonical form, but for
// an ETag that was put into the map in its own spelling.
func (n *Noted) Note(name, value string) {
	switch name {
	case "Content-Type":
		n.Type = value
	case "Content-Encoding":
		n.Encoding = value
	case "Content-Length":
		n.Length = value
	case "Content-Range":
		n.Range = value
	case "User-Agent":
		n.UserAgent = value
	case "Referer":
		n.Referer = value
	case "Cache-Control", "Expires", "Last-Modified", "Etag", "ETag", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control", "X-Accel-Expires":
		n.Cacheable = true
	case "Age", "X-Cache", "Cache-Status", "Cf-Cache-Status":
		n.Cached = true
	case "Trailer":
		n.Trailer = true
	case txid.HeaderKeep:
		n.Keep = value == txid.KeepValue
	default:
		if len(name) > len(http.TrailerPrefix) && name[len(http.TrailerPrefix)-1] == ':' && strings.HasPrefix(name, http.TrailerPrefix) {
			n.Trailer, n.Prefixed = true, true
		}
	}
}

// Fields is a list of header fields within an entry's bounds: at most
// [entry.MaxHeaders] fields and [entry.MaxHeaderBytes] bytes, and a last one that
// says that some are missing. Set List to where they are to be appended.
type Fields struct {
	List  []entry.Header
	n     int32
	bytes int32
	cut   bool
}

// Add appends a field that may have several values.
func (f *Fields) Add(name string, values []string) {
	for _, v := range values {
		f.AddOne(name, v)
	}
}

// AddOne appends a field. Once one did not fit, no other does.
func (f *Fields) AddOne(name, value string) {
	if f.cut {
		return
	}
	h := entry.Header{Name: Bound(name, entry.MaxWord), Value: Bound(value, entry.MaxHeaderValue)}
	f.bytes += int32(len(h.Name) + len(h.Value)) //nolint:gosec // both are bounded
	if f.n++; f.n > entry.MaxHeaders || f.bytes > entry.MaxHeaderBytes {
		f.cut = true
		h = entry.Header{Name: entry.CutHeader, Value: "more header fields not kept"}
	}
	f.List = append(f.List, h)
}

// Set appends a field in place of those of the same name. The order of fields is
// not kept.
func (f *Fields) Set(name, value string) {
	for i := 0; i < len(f.List); {
		if f.List[i].Name != name {
			i++
			continue
		}
		last := len(f.List) - 1
		f.List[i] = f.List[last]
		f.List = f.List[:last]
	}
	f.AddOne(name, value)
}

// AppendFields appends the fields of h to dst, in no order, and notes them in seen,
// which may be nil.
func AppendFields(dst []entry.Header, h http.Header, seen *Noted) []entry.Header {
	f := Fields{List: dst}
	for name, values := range h {
		if seen != nil && len(values) > 0 {
			seen.Note(name, values[0])
			seen.Marks.Mark(name)
		}
		f.Add(name, values)
	}
	return f.List
}

// Bound cuts s near limit bytes, leaving a little more for [entry.Entry.Clip] to
// mark as cut. What is cut is copied, lest an entry keep the whole of a hostile
// megabyte alive.
func Bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.Clone(s[:limit+1])
}
