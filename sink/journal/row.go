package journalsink

import (
	"math"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// Row is what the columns of a file say of one entry: enough for a status page and
// for most filters, without decoding a line. It is valid only until the next one is
// yielded; the strings it returns may be kept.
//
// A Row of a file without columns, or of the one being written, is made from the
// line and says the same.
type Row struct {
	c *columnSet // nil: of f
	i int
	f *rowFields
}

// RowOf returns the row of an entry, which must not be changed while it is used.
func RowOf(e *entry.Entry) *Row {
	f := fieldsOf(e)
	return &Row{f: &f}
}

// The text columns. Their order is that of their numbers in the file: only ever add.
const (
	colKind = iota
	colService
	colVersion
	colInstance
	colEnvironment
	colServerUser
	colMethod
	colRoute
	colPath
	colErrorType
	colUser
	colDevice
	colOS
	colApp
	colCountry
	colEntryPage
	colUserAgent
	colPeer
	textColumns
)

// Bits of a row.
const (
	rowTimed    = 1 << iota // it has a time
	rowCacheHit             // a cache answered
	rowUnknown              // the line could not be parsed: it is of a later version
)

// rowFields are a row's values.
type rowFields struct {
	time     int64 // Unix nanoseconds
	latency  int64 // nanoseconds
	status   int
	severity int
	bits     uint8
	text     [textColumns]string
}

// fieldsOf takes the columns out of an entry.
func fieldsOf(e *entry.Entry) (f rowFields) {
	if !e.Time.IsZero() {
		f.time, f.bits = nanos(e.Time), rowTimed
	}
	if e.HTTP.CacheHit {
		f.bits |= rowCacheHit
	}
	f.latency = int64(max(0, e.Latency))
	f.status = clampStatus(int64(e.HTTP.Status))
	f.severity = int(e.Severity)
	t := &f.text
	t[colKind] = string(e.Kind)
	if r := e.Resource; r != nil {
		t[colService], t[colVersion], t[colInstance] = r.Service, r.Version, r.Instance
		t[colEnvironment], t[colServerUser] = r.Environment, r.ServerUser
	}
	t[colMethod], t[colRoute], t[colPath] = e.HTTP.Method, e.HTTP.Route, urlPath(e.HTTP.URL)
	t[colErrorType] = e.Error.Type
	t[colUser], t[colDevice], t[colOS], t[colApp] = e.Facts.UserID, e.Facts.Device, e.Facts.OS, e.Facts.AppVersion
	t[colCountry], t[colEntryPage] = e.Facts.Country, e.Facts.EntryPage
	t[colUserAgent] = e.HTTP.UserAgent
	if t[colPeer] = e.Peer.Service; t[colPeer] == "" {
		t[colPeer] = e.HTTP.ServerAddress
	}
	return f
}

// clampStatus fits a status into its column; what is no status is none.
func clampStatus(n int64) int {
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// urlPath returns the path of a URL as it was recorded, which need not be one that
// parses: no scheme and host, no query, no fragment.
func urlPath[S string | []byte](s S) string {
	u := string(s)
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

func (r *Row) str(column int) string {
	if r.c != nil {
		return r.c.text(column, r.i)
	}
	return r.f.text[column]
}

// Time is when it began; zero if the entry has no time.
func (r *Row) Time() time.Time {
	if r.bits()&rowTimed == 0 {
		return time.Time{}
	}
	return time.Unix(0, r.nanos()).UTC()
}

func (r *Row) nanos() int64 {
	if r.c != nil {
		return r.c.numbers(colTime)[r.i]
	}
	return r.f.time
}

func (r *Row) bits() uint8 {
	if r.c != nil {
		return uint8(r.c.numbers(colBits)[r.i])
	}
	return r.f.bits
}

// Latency is from the start to the last byte; a negative one is 0.
func (r *Row) Latency() time.Duration {
	if r.c != nil {
		return time.Duration(r.c.numbers(colLatency)[r.i])
	}
	return time.Duration(r.f.latency)
}

// Status is the HTTP status; 0: none.
func (r *Row) Status() int {
	if r.c != nil {
		return int(r.c.numbers(colStatus)[r.i])
	}
	return r.f.status
}

// Severity is the entry's.
func (r *Row) Severity() entry.Severity {
	if r.c != nil {
		return entry.Severity(r.c.numbers(colSeverity)[r.i])
	}
	return entry.Severity(r.f.severity)
}

// Kind is the entry's.
func (r *Row) Kind() entry.Kind { return entry.Kind(r.str(colKind)) }

// CacheHit says that a cache answered.
func (r *Row) CacheHit() bool { return r.bits()&rowCacheHit != 0 }

// Service is the name of the service.
func (r *Row) Service() string { return r.str(colService) }

// Version is the service's.
func (r *Row) Version() string { return r.str(colVersion) }

// Instance is the service's.
func (r *Row) Instance() string { return r.str(colInstance) }

// Environment is where the service was deployed.
func (r *Row) Environment() string { return r.str(colEnvironment) }

// ServerUser is who runs the process on a developer's machine.
func (r *Row) ServerUser() string { return r.str(colServerUser) }

// Method is the HTTP method.
func (r *Row) Method() string { return r.str(colMethod) }

// Route is the pattern that matched: "/items/{id}".
func (r *Row) Route() string { return r.str(colRoute) }

// Path is the path of the URL: no scheme and host, no query, no fragment.
func (r *Row) Path() string { return r.str(colPath) }

// ErrorType is error.type.
func (r *Row) ErrorType() string { return r.str(colErrorType) }

// User is user.id.
func (r *Row) User() string { return r.str(colUser) }

// Device is device.model.
func (r *Row) Device() string { return r.str(colDevice) }

// OS is os.name, with its version.
func (r *Row) OS() string { return r.str(colOS) }

// AppVersion is app.version.
func (r *Row) AppVersion() string { return r.str(colApp) }

// Country is geo.country.iso_code.
func (r *Row) Country() string { return r.str(colCountry) }

// EntryPage is the page by which the user came.
func (r *Row) EntryPage() string { return r.str(colEntryPage) }

// UserAgent is the header.
func (r *Row) UserAgent() string { return r.str(colUserAgent) }

// Peer is whom a call went to: the service's name if the caller's settings give
// one, else the host.
func (r *Row) Peer() string { return r.str(colPeer) }

// Failed reports what [entry.Entry.Failed] does of the entry.
func (r *Row) Failed() bool {
	switch r.Kind() {
	case entry.KindGap, entry.KindCrash:
		return true
	case entry.KindLog:
		return r.Severity() >= entry.SeverityError
	case entry.KindClient:
		return r.Status() >= 400 || r.ErrorType() != ""
	}
	return r.Status() >= 500 || r.ErrorType() != ""
}
