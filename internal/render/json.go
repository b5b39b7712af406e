package render

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
)

// The documents of -o json. Names and words in them are English whatever the
// reader's language; times are RFC 3339 in UTC, durations milliseconds. Entries
// are canonical lines as they are stored.

// StoryDoc is the document of one story.
type StoryDoc struct {
	TxID     string     `json:"txid"`
	Start    string     `json:"start,omitempty"`
	Duration float64    `json:"duration_ms"`
	Services []string   `json:"services"`
	Calls    int        `json:"calls"`
	Failed   int        `json:"failed"`
	Header   HeaderDoc  `json:"header"`
	Verdict  VerdictDoc `json:"verdict"`
	Rows     []RowDoc   `json:"rows,omitempty"`
	Matched  int        `json:"matched,omitempty"` // find: how many of its entries matched
	// Excerpt says that the story is told from what matched alone: show may judge
	// otherwise, and number the rows otherwise.
	Excerpt bool              `json:"excerpt,omitempty"`
	Entries []json.RawMessage `json:"entries,omitempty"`
}

// HeaderDoc says who it was.
type HeaderDoc struct {
	User       string      `json:"user,omitempty"`
	Users      int         `json:"users,omitempty"`
	Country    string      `json:"country,omitempty"`
	Device     string      `json:"device,omitempty"`
	OS         string      `json:"os,omitempty"`
	OSFrom     string      `json:"os_from,omitempty"`
	App        string      `json:"app,omitempty"`
	Browser    string      `json:"browser,omitempty"`
	EntryPage  string      `json:"entry_page,omitempty"`
	RemoteIP   string      `json:"remote_ip,omitempty"`
	ServerUser string      `json:"server_user,omitempty"`
	Labels     []LabelPair `json:"labels,omitempty"`
}

// LabelPair is a name chosen by a user, and its value.
type LabelPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// VerdictDoc says what failed first; rows are named by number.
type VerdictDoc struct {
	Outcome  string `json:"outcome"`
	Sentence string `json:"sentence"`
	Root     int    `json:"root,omitempty"`
	Cause    int    `json:"cause,omitempty"`
	Retries  []int  `json:"retries,omitempty"`
	More     int    `json:"more,omitempty"`
}

// RowDoc is one row. Client, Server and Other are insertIds of entries.
type RowDoc struct {
	N         int       `json:"n"`
	Kind      string    `json:"kind"`
	Depth     int       `json:"depth"`
	In        int       `json:"in,omitempty"`
	From      string    `json:"from,omitempty"`
	To        string    `json:"to,omitempty"`
	Method    string    `json:"method,omitempty"`
	Target    string    `json:"target,omitempty"`
	Message   string    `json:"message,omitempty"`
	Status    int       `json:"status,omitempty"`
	Outcome   string    `json:"outcome"`
	ErrorType string    `json:"error_type,omitempty"`
	Offset    float64   `json:"offset_ms"`
	Duration  float64   `json:"duration_ms"`
	Shift     float64   `json:"shift_ms,omitempty"`
	Attempt   int       `json:"attempt,omitempty"`
	Failed    bool      `json:"failed"`
	Notes     []NoteDoc `json:"notes,omitempty"`
	Client    string    `json:"client,omitempty"`
	Server    string    `json:"server,omitempty"`
	Other     string    `json:"other,omitempty"`
}

// NoteDoc is a remark on a row.
type NoteDoc struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// SearchDoc says what was searched and what could not be read.
type SearchDoc struct {
	Source   string   `json:"source"`
	Link     string   `json:"link,omitempty"` // the same answer in the source's own house
	Files    int      `json:"files,omitempty"`
	Bytes    int64    `json:"bytes,omitempty"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to,omitempty"`
	Matched  int      `json:"matched"`
	Shown    int      `json:"shown"`
	More     bool     `json:"more,omitempty"` // matched is a lower bound
	Warnings []string `json:"warnings,omitempty"`
}

// Doc is the whole answer of a command. One of Story, Call with Story's head,
// Stories and Entries is set.
type Doc struct {
	Search  SearchDoc         `json:"search"`
	Story   *StoryDoc         `json:"story,omitempty"`
	Row     *RowDoc           `json:"row,omitempty"` // show TXID#N
	Stories []StoryDoc        `json:"stories,omitempty"`
	Entries []json.RawMessage `json:"entries,omitempty"`
}

// NewStoryDoc makes the document of a story, with its rows and entries if asked.
func NewStoryDoc(s *query.Story, rows bool) StoryDoc {
	d := StoryDoc{
		TxID: string(s.TxID), Start: stamp(s.Start), Duration: millis(s.Duration), Services: s.Services,
		Calls: s.Calls, Failed: s.Failed, Excerpt: s.Excerpt,
		Verdict: VerdictDoc{
			Outcome: s.Verdict.Outcome, Sentence: s.Sentence(query.English),
			Root: s.Verdict.Root, Cause: s.Verdict.Cause, Retries: s.Verdict.Retries, More: s.Verdict.More,
		},
	}
	if d.Services == nil {
		d.Services = []string{}
	}
	h := &s.Header
	d.Header = HeaderDoc{
		User: h.User, Users: h.Users, Country: h.Country, Device: h.Device, OS: h.OS, OSFrom: h.OSFrom, App: h.App,
		Browser: h.Browser, EntryPage: h.EntryPage, RemoteIP: h.RemoteIP, ServerUser: h.ServerUser,
	}
	for _, l := range h.Labels {
		d.Header.Labels = append(d.Header.Labels, LabelPair(l))
	}
	if !rows {
		return d
	}
	for i := range s.Rows {
		d.Rows = append(d.Rows, NewRowDoc(&s.Rows[i]))
	}
	d.Entries = Lines(s.Entries)
	return d
}

// NewRowDoc makes the document of a row.
func NewRowDoc(r *query.Row) RowDoc {
	d := RowDoc{
		N: r.N, Kind: string(r.Kind), Depth: r.Depth, In: r.In, From: r.From, To: r.To,
		Status: r.Status(), Outcome: r.Outcome(), ErrorType: r.ErrorType(),
		Offset: millis(r.Offset), Duration: millis(r.Duration), Shift: millis(r.Shift), Attempt: r.Attempt, Failed: r.Failed,
	}
	if r.IsCall() {
		d.Method, d.Target = r.Method(), r.Target()
	} else {
		d.Message = r.Entry().Message
	}
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, NoteDoc{string(n.Code), n.Text(query.English)})
	}
	id := func(e *entry.Entry) string {
		if e == nil {
			return ""
		}
		return e.InsertID
	}
	d.Client, d.Server, d.Other = id(r.Client), id(r.Server), id(r.Other)
	return d
}

// NewSearchDoc says what a result covers; shown is how much of it the document has.
func NewSearchDoc(r *query.Result, shown int) SearchDoc {
	d := SearchDoc{
		Source: r.Coverage.Source, Files: r.Coverage.Files, Bytes: r.Coverage.Bytes,
		From: stamp(r.Coverage.From), To: stamp(r.Coverage.To), Matched: r.Matched, Shown: shown, More: r.More,
	}
	for _, w := range r.Warnings {
		d.Warnings = append(d.Warnings, w.String())
	}
	return d
}

// Lines returns the entries' canonical lines.
func Lines(es []*entry.Entry) []json.RawMessage {
	lines := make([]json.RawMessage, 0, len(es))
	for _, e := range es {
		if l := e.Line(); l != nil {
			lines = append(lines, l)
		}
	}
	return lines
}

// WriteDoc writes a document, indented, one member a line. Canonical lines within
// keep the exact digits of their numbers.
func WriteDoc(w io.Writer, d *Doc) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(asciiControls(b.Bytes()))
	return err
}

// WriteLines writes canonical lines, one after the other, as they are stored. With
// shown, what a terminal would obey or hide is escaped, which changes the bytes
// and not the values.
func WriteLines(w io.Writer, es []*entry.Entry, shown bool) error {
	var b bytes.Buffer
	for _, e := range es {
		line := e.Line()
		if shown {
			line = asciiControls(line)
		}
		b.Write(line)
		b.WriteByte('\n')
		if b.Len() > 64<<10 {
			if _, err := b.WriteTo(w); err != nil {
				return err
			}
		}
	}
	_, err := b.WriteTo(w)
	return err
}

// asciiControls escapes what JSON may have raw and a terminal obeys or hides: DEL,
// C1 controls, bidirectional controls, zero-width characters. Outside of strings
// JSON has none of them.
func asciiControls(b []byte) []byte {
	plain := true
	for _, c := range b {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r < 0x7f || unicode.IsGraphic(r):
			out = append(out, b[i:i+size]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = append(out, `\u`+hex(uint64(hi), 4)+`\u`+hex(uint64(lo), 4)...)
		default:
			out = append(out, `\u`+hex(uint64(r), 4)...)
		}
		i += size
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(entry.AppendTime(nil, t))
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }
