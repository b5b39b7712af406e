package entry

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of one entry's fields, in bytes where nothing else is said. They leave
// room below Cloud Logging's 256 KiB per entry for everything but the bodies,
// which the capture bounds; and 64 labels, key 512 B, value 64 KiB are its limits
// too (cloud.google.com/logging/quotas).
const (
	MaxHeaders     = 200      // header fields kept of one message
	MaxHeaderValue = 8 << 10  // one value
	MaxHeaderBytes = 64 << 10 // names and values of one message
	MaxURL         = 8 << 10  // URL, Referer
	MaxMessage     = 16 << 10 // Message, Error.Message, a log attribute's value
	MaxStack       = 16 << 10 // Error.Stack
	MaxLabels      = 32       // labels, attributes, carried facts; half of what Cloud Logging takes
	MaxLabelName   = 128      // name of a label or attribute
	MaxLabelValue  = 4 << 10  // value of a label
	MaxRedactions  = 64       // sanitizer rules counted
	MaxWord        = 512      // everything else
	MaxBody        = 8 << 20  // what a capture may keep of one body; a line that two of them make too long is cut by the queue
	MaxLine        = 16 << 20 // what Parse accepts
)

// CutMark ends a string that was cut; see [Cut].
const CutMark = "…[cut]"

// CutHeader is the name of the field that ends a list of header fields which was
// cut. Its value says that some are missing, and how many where that was counted: "3
// more header fields not kept". A capture, which reads no further than it keeps, says
// "more header fields not kept".
const CutHeader = "X-Txtrail-Cut"

// Clip cuts every field to its bound, at a rune's edge and marked as cut, so that
// no line grows without limit whatever a peer sends; content is bounded by its
// capture, and a Resource, which is shared, by whoever makes it. A TxID that is
// none is taken out and Refused says so, since Parse would refuse the line. Doing it
// twice changes nothing more. Seal calls it.
func (e *Entry) Clip() {
	if e.TxID != "" && !e.TxID.Valid() {
		if e.Refused == "" {
			e.Refused = "not a transaction ID: " + strconv.Itoa(len(e.TxID)) + " bytes" // not the bytes: nobody has sanitized them
		}
		e.TxID = ""
	}
	h := &e.HTTP
	if e.wordy() {
		e.clipWords()
	}
	clip(&e.Message, MaxMessage)
	clip(&h.URL, MaxURL)
	clip(&h.Referer, MaxURL)
	clip(&h.UserAgent, MaxMessage)
	clip(&e.Error.Message, MaxMessage)
	clip(&e.Error.Stack, MaxStack)
	e.Request.Headers = clipHeaders(e.Request.Headers)
	e.Request.Trailers = clipHeaders(e.Request.Trailers)
	e.Response.Headers = clipHeaders(e.Response.Headers)
	e.Response.Trailers = clipHeaders(e.Response.Trailers)
	e.Labels = names(nil).unique(clipLabels(e.Labels, MaxLabelValue)) // as few as namesOf asks for
	e.Attributes = clipLabels(e.Attributes, MaxMessage)
	e.Facts.Carried = clipLabels(e.Facts.Carried, MaxWord)
	if len(e.Flags) > MaxLabels {
		e.Flags = e.Flags[:MaxLabels]
	}
	for i := range e.Flags {
		clip(&e.Flags[i], MaxWord)
	}
	if len(e.Redactions) > MaxRedactions {
		e.Redactions = e.Redactions[:MaxRedactions]
	}
	for i := range e.Redactions {
		clip(&e.Redactions[i].Rule, MaxWord)
	}
	if e.Gap != nil {
		clip(&e.Gap.Reason, MaxWord)
	}
}

// wordy reports whether one of the strings that clipWords cuts is too long. All their
// lengths are looked at as one, which costs a quarter: hardly ever one is.
func (e *Entry) wordy() bool {
	h, f, req, res := &e.HTTP, &e.Facts, &e.Request.Body, &e.Response.Body
	n := len(e.InsertID) | len(e.Kind) | len(e.Origin) | len(e.Refused) |
		len(h.Method) | len(h.Route) | len(h.Protocol) | len(h.RemoteIP) | len(h.ServerAddress) |
		len(e.Peer.Service) | len(e.Error.Type) | len(e.Logger) |
		len(f.UserID) | len(f.Device) | len(f.OS) | len(f.AppVersion) | len(f.Country) | len(f.EntryPage) |
		len(req.Type) | len(req.ContentEncoding) | len(req.Reason) | len(req.Encoding) |
		len(res.Type) | len(res.ContentEncoding) | len(res.Reason) | len(res.Encoding) |
		len(e.Trace.ID) | len(e.Source.File) | len(e.Source.Function)
	return n >= MaxWord // a power of two, so that no sum of smaller bits reaches it
}

func (e *Entry) clipWords() {
	h := &e.HTTP
	for _, s := range [...]*string{
		&e.InsertID, (*string)(&e.Kind), (*string)(&e.Origin), &e.Refused,
		&h.Method, &h.Route, &h.Protocol, &h.RemoteIP, &h.ServerAddress, &e.Peer.Service, &e.Error.Type, &e.Logger,
		&e.Facts.UserID, &e.Facts.Device, &e.Facts.OS, &e.Facts.AppVersion, &e.Facts.Country, &e.Facts.EntryPage,
		&e.Request.Body.Type, &e.Request.Body.ContentEncoding, &e.Request.Body.Reason,
		&e.Response.Body.Type, &e.Response.Body.ContentEncoding, &e.Response.Body.Reason,
		&e.Request.Body.Encoding, &e.Response.Body.Encoding,
		&e.Trace.ID, &e.Source.File, &e.Source.Function,
	} {
		clip(s, MaxWord)
	}
}

// Cut returns s if it has at most limit bytes, else its beginning and [CutMark],
// together at most limit bytes, cut at a rune's edge. A limit below the mark's length, 8
// bytes, has no room for it: then the beginning stands alone, and of a limit of 0 or
// less nothing is left. What it cut lies in memory of its own, so that a short rest does
// not keep a long string alive.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	mark := CutMark
	if limit < len(mark) {
		mark = ""
	}
	n := max(limit-len(mark), 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if mark == "" {
		return strings.Clone(s[:n])
	}
	return s[:n] + mark
}

func clip(s *string, limit int) {
	if len(*s) > limit {
		*s = Cut(*s, limit)
	}
}

func clipHeaders(hs []Header) []Header {
	if len(hs) == 0 {
		return hs
	}
	total, most := 0, 0
	for i := range hs {
		n := len(hs[i].Name) | len(hs[i].Value)
		most |= n
		total += n
	}
	if len(hs) <= MaxHeaders && most < MaxWord && total <= MaxHeaderBytes/2 { // n is at least half of both
		return hs
	}
	total = 0
	for i := range hs {
		if i == len(hs)-1 && hs[i].Name == CutHeader {
			clip(&hs[i].Value, MaxWord)
			return hs // cut before
		}
		clip(&hs[i].Name, MaxWord)
		clip(&hs[i].Value, MaxHeaderValue)
		total += len(hs[i].Name) + len(hs[i].Value)
		if i == MaxHeaders || total > MaxHeaderBytes {
			// The list's end says how much is missing, where a reader will see it.
			return append(hs[:i:i], Header{Name: CutHeader, Value: strconv.Itoa(len(hs)-i) + " more header fields not kept"})
		}
	}
	return hs
}

func clipLabels(ls []Label, limit int) []Label {
	if len(ls) > MaxLabels {
		ls = ls[:MaxLabels]
	}
	for i := range ls {
		clip(&ls[i].Name, MaxLabelName)
		clip(&ls[i].Value, limit)
	}
	return ls
}
