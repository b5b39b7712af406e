package outbound

import (
	"net/http"

	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// stamps is the header of the request that is sent: a map of its own, so that the
// caller's stays as it is, with the caller's values in it and those that a
// Propagator adds. While it is filled, its fields go into the entry. It implements
// txid.Carrier.
type stamps struct {
	header http.Header
	fields capture.Fields
	page   string // the entry page that was sent
	used   int
	values [8]string // what is added; a slice of one is the header's value
}

// copy takes over h, with room for what a Propagator adds of scope. A map of up to
// eight names is one piece of memory, hence the exact count. The slices of values
// are the caller's, cut so that nothing is appended to them in place.
//
// Not taken over is a request to keep: Inject makes it, for a scope that is kept. One
// that is there already is a stranger's, whose request a proxy passes on, and the
// service behind would take it for ours.
func (s *stamps) copy(h http.Header, scope *txid.Scope, seen *capture.Noted) {
	s.header = make(http.Header, len(h)+added(scope))
	for name, vs := range h {
		if name == txid.HeaderKeep {
			continue
		}
		// nil stays: it keeps net/http from setting a default.
		s.header[name] = vs[:len(vs):len(vs)]
		if len(vs) > 0 {
			seen.Note(name, vs[0])
			s.fields.Add(name, vs)
		}
	}
}

// added is how many headers a Propagator adds of scope, at most but for a signature.
func added(scope *txid.Scope) int {
	n := 2 + len(scope.Carried) // ID and parent
	if scope.EntryPage != "" || scope.Recorder != nil {
		n++
	}
	if scope.Trace.Parent != "" {
		n += 2
	}
	return n
}

// Get implements txid.Carrier; names come in canonical form.
func (s *stamps) Get(name string) string { return first(s.header, name) }

// Set implements txid.Carrier.
func (s *stamps) Set(name, value string) {
	if name == txid.HeaderEntryPage {
		s.page = value
	}
	s.fields.Set(name, value)
	if s.used == len(s.values) {
		s.header[name] = []string{value}
		return
	}
	s.values[s.used] = value
	s.header[name] = s.values[s.used : s.used+1 : s.used+1]
	s.used++
}
