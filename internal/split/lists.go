package split

import "github.com/txtrail/txtrail/entry"

// list is one of an entry's lists of pairs.
type list struct {
	name   string // see Part.Joint
	small  bool   // it stays in the first part, as a rule
	len    func(e *entry.Entry) int
	at     func(e *entry.Entry, i int) entry.Label
	add    func(e *entry.Entry, pair entry.Label)
	extend func(e *entry.Entry, value string) // of the last pair
}

// lists are all of them, in the order in which they are dealt out.
var lists = [...]list{
	pairs("request.headers", func(e *entry.Entry) *[]entry.Header { return &e.Request.Headers }),
	pairs("response.headers", func(e *entry.Entry) *[]entry.Header { return &e.Response.Headers }),
	pairs("request.trailers", func(e *entry.Entry) *[]entry.Header { return &e.Request.Trailers }),
	pairs("response.trailers", func(e *entry.Entry) *[]entry.Header { return &e.Response.Trailers }),
	pairs("labels", func(e *entry.Entry) *[]entry.Label { return &e.Labels }),
	pairs("attributes", func(e *entry.Entry) *[]entry.Label { return &e.Attributes }),
	pairs("resource", func(e *entry.Entry) *[]entry.Label {
		if e.Resource == nil {
			return new([]entry.Label)
		}
		return &e.Resource.Attributes
	}),
	small(pairs("carried", func(e *entry.Entry) *[]entry.Label { return &e.Facts.Carried })),
}

func small(l list) list {
	l.small = true
	return l
}

func pairs[T entry.Header | entry.Label](name string, field func(*entry.Entry) *[]T) list {
	return list{
		name: name,
		len:  func(e *entry.Entry) int { return len(*field(e)) },
		at:   func(e *entry.Entry, i int) entry.Label { return entry.Label((*field(e))[i]) },
		add: func(e *entry.Entry, pair entry.Label) {
			f := field(e)
			*f = append(*f, T(pair))
		},
		extend: func(e *entry.Entry, value string) {
			f := *field(e)
			pair := entry.Label(f[len(f)-1])
			pair.Value += value
			f[len(f)-1] = T(pair)
		},
	}
}
