package outbound

import (
	"net/http"

	"github.com/txtrail/txtrail/txid"
)

// stamps is a copy of a request's headers that a Propagator writes into. All
// values lie in one slice, so that a call pays for a map and a slice instead of
// for every header. It implements txid.Carrier.
type stamps struct {
	header http.Header
	values []string
}

// copy copies h, with room for what a Propagator adds of scope. A map of up to
// eight names is one piece of memory, hence the exact count.
func (s *stamps) copy(h http.Header, scope *txid.Scope) {
	room := 2 + len(scope.Carried) // ID and parent
	if scope.EntryPage != "" || scope.Recorder != nil {
		room++
	}
	if scope.Trace.Parent != "" {
		room += 2
	}
	n := 0
	for _, vs := range h {
		n += len(vs)
	}
	s.header = make(http.Header, len(h)+room)
	s.values = make([]string, 0, n+room)
	for name, vs := range h {
		if vs == nil {
			s.header[name] = nil // keeps net/http from setting a default
			continue
		}
		from := len(s.values)
		s.values = append(s.values, vs...)
		s.header[name] = s.values[from:len(s.values):len(s.values)]
	}
}

// Get implements txid.Carrier; names come in canonical form.
func (s *stamps) Get(name string) string { return first(s.header, name) }

// Set implements txid.Carrier.
func (s *stamps) Set(name, value string) {
	from := len(s.values)
	s.values = append(s.values, value)
	s.header[name] = s.values[from : from+1 : from+1]
}
