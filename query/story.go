package query

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/txid"
)

// Story is what happened in one scenario: its entries in order, the two sides of
// each call put together, and a verdict. It is made by [NewStory] and not changed
// afterwards.
type Story struct {
	TxID     txid.ID
	Start    time.Time     // when the first row began
	Duration time.Duration // until the last row ended
	Header   Header
	Services []string // names, in order of appearance
	Calls    int      // requests and calls: rows of kind request and call
	Failed   int      // those of them that failed
	Rows     []Row    // nested, siblings by time; Rows[i].N is i+1
	Verdict  Verdict
	Entries  []*entry.Entry // by time, each once
	// Excerpt says that Entries are not all of the scenario's: nothing is then
	// said about what is missing.
	Excerpt bool

	retries map[int][]int // number of a first attempt → those of the later ones
}

// RowKind says what a row of a story is.
type RowKind string

// The kinds of rows.
const (
	RowRequest RowKind = "request" // a request from outside: a browser, an app, a service without txtrail
	RowCall    RowKind = "call"    // a call as its caller saw it and, where it is known, as its server did
	RowLog     RowKind = "log"     // a line of a logger
	RowBrowser RowKind = "browser" // reported by the page
	RowStream  RowKind = "stream"  // the life of a WebSocket or an event stream
	RowGap     RowKind = "gap"     // entries lost
	RowOther   RowKind = "other"   // a kind that this version does not know
)

// Row is one line of a story.
type Row struct {
	N     int // from 1: how people name it
	Kind  RowKind
	Depth int // 0 is outermost
	In    int // the number of the row that caused this one; 0: none that is known
	// From and To are the services at both ends. From is "" for what came from
	// outside; To is the host where the service is not known. What is not a call
	// has its service in To.
	From, To string
	// Client and Server are the two sides of a call; one of them may be missing.
	// Server may be of kind crash: the process died while it was at work.
	Client, Server *entry.Entry
	Other          *entry.Entry // what is neither

	// Offset is when the row began, counted from the story's start. Clocks that
	// are known to differ have been aligned by Shift.
	Offset   time.Duration
	Duration time.Duration
	Shift    time.Duration // what was added to the recorded time to align the clocks
	Attempt  int           // 1, 2, …: of calls that were tried again; else 0
	Failed   bool
	Notes    []Note
}

// Entry returns the entry that the row is told from: the caller's side of a call.
// It is never nil.
func (r *Row) Entry() *entry.Entry {
	switch {
	case r.Client != nil:
		return r.Client
	case r.Server != nil:
		return r.Server
	}
	return r.Other
}

// Entries returns the row's one or two entries, the caller's side first.
func (r *Row) Entries() []*entry.Entry {
	var es []*entry.Entry
	for _, e := range [...]*entry.Entry{r.Client, r.Server, r.Other} {
		if e != nil {
			es = append(es, e)
		}
	}
	return es
}

// IsCall reports whether the row is an HTTP exchange.
func (r *Row) IsCall() bool { return r.Kind == RowRequest || r.Kind == RowCall }

// Method returns the HTTP method, or "".
func (r *Row) Method() string {
	if r.Client != nil && r.Client.HTTP.Method != "" {
		return r.Client.HTTP.Method
	}
	return r.Entry().HTTP.Method
}

// Target returns what was called: the route as its server knows it, else the
// route the caller named, else the URL's path. A route that takes all that is below
// it, as that of a gateway, does not say what was called: it is passed over.
func (r *Row) Target() string {
	wide := ""
	for _, e := range [...]*entry.Entry{r.Server, r.Client, r.Other} {
		switch {
		case e == nil || e.HTTP.Route == "":
		case !takesAll(e.HTTP.Route):
			return e.HTTP.Route
		case wide == "":
			wide = e.HTTP.Route
		}
	}
	return cmp.Or(path(r.Entry().HTTP.URL), wide)
}

// takesAll reports whether a route is the beginning of many paths: "/api/" and
// "/files/{name...}" to net/http, "/api/*" and "/api/*path" to others.
func takesAll(route string) bool {
	last := route[strings.LastIndexByte(route, '/')+1:]
	return last == "" || last[0] == '*' || strings.HasSuffix(last, "...}")
}

// Call returns method and target, "POST /api/pay", or the message of what is
// not an exchange. It is for people: in a path, letters that were escaped are written
// as they are ("GET /items/한글"), and of a long one the beginning.
func (r *Row) Call() string {
	m, t := r.Method(), clipText(human.Path(r.Target()), entry.MaxWord)
	switch {
	case m == "" && t == "":
		return r.Entry().Message
	case m == "":
		return t
	case t == "":
		return m
	}
	return m + " " + t
}

// Status returns the status that the row's teller saw, 0 for none.
func (r *Row) Status() int { return r.Entry().HTTP.Status }

// ErrorType returns the error's type, or "".
func (r *Row) ErrorType() string { return r.Entry().Error.Type }

// StoryOptions configure [NewStory]. Nil means the defaults.
type StoryOptions struct {
	// Excerpt says that the entries are not all of the scenario's. Default false.
	Excerpt bool
	// Gaps are entries of kind gap that have no txid, from the same places as the
	// story: those that overlap it are told in it. Default none.
	Gaps []*entry.Entry
}

// NewStory tells the story of entries, which must be of one txid and are not
// changed. The order in which they come does not matter. Without entries the
// story is empty. It takes any entries: equal times, spans used twice and parents
// that form a loop give a story that says so.
func NewStory(entries []*entry.Entry, opts *StoryOptions) *Story {
	if opts == nil {
		opts = &StoryOptions{}
	}
	s := &Story{Excerpt: opts.Excerpt}
	seen := make(map[string]struct{}, len(entries))
	for _, e := range entries {
		if e != nil && !duplicate(seen, e) {
			s.Entries = append(s.Entries, e)
		}
	}
	slices.SortStableFunc(s.Entries, Compare)
	if len(s.Entries) == 0 {
		s.Verdict.Outcome = OutcomeEmpty
		return s
	}
	s.TxID = s.Entries[0].TxID
	t := newTree(s.Entries)
	t.link()
	t.breakLoops()
	t.sort()
	t.align()
	s.layOut(t, opts.Gaps)
	s.count()
	s.annotate(t)
	s.Header = newHeader(s)
	s.Verdict = newVerdict(s)
	return s
}

// Row returns the row with number n, or nil.
func (s *Story) Row(n int) *Row {
	if n < 1 || n > len(s.Rows) {
		return nil
	}
	return &s.Rows[n-1]
}

// count fills in the sums that head a story.
func (s *Story) count() {
	known := make(map[string]bool)
	for _, e := range s.Entries {
		if name := Service(e); name != "" && !known[name] {
			known[name] = true
			s.Services = append(s.Services, name)
		}
	}
	for i := range s.Rows {
		if s.Rows[i].IsCall() {
			s.Calls++
			if s.Rows[i].Failed {
				s.Failed++
			}
		}
	}
}

// OneRow returns the row that an entry makes on its own, for lists of entries.
func OneRow(e *entry.Entry) Row {
	n := &node{}
	switch e.Kind {
	case entry.KindClient:
		n.client = e
	case entry.KindServer, entry.KindCrash:
		n.server = e
	default:
		n.other = e
	}
	t := &tree{}
	r := Row{N: 1, Kind: rowKind(n), Client: n.client, Server: n.server, Other: n.other, Duration: max(e.Latency, 0), Failed: failed(n)}
	r.From, r.To = t.ends(n)
	return r
}
