package entry

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/txtrail/txtrail/txid"
)

// Parse reads a canonical line (with or without a newline). The entry is sealed:
// its Line is a copy of line, in one piece even where line was spread over
// several. Fields it does not know are skipped, since a newer process may share
// the folder. The error wraps [ErrSyntax] and says what was wrong and at, or
// before, which byte.
//
// A txid that is not acceptable is an error: it would be shown, and looked up.
//
// Strings of the entry may share one copy of the line: a program that keeps one
// for long should clone it ([strings.Clone]). TxID and InsertID, which people
// collect, are clones already.
func Parse(line []byte) (*Entry, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrSyntax, len(line), MaxLine)
	}
	d := decoder{b: string(line)}
	if !utf8.ValidString(d.b) {
		d.i = invalidAt(d.b)
		d.fail("invalid UTF-8")
		return nil, d.err
	}
	e := &Entry{}
	d.object(func(key string) { e.member(&d, key) })
	if d.err == nil {
		if d.peek(); d.i != len(d.b) {
			d.fail("data after the object")
		}
	}
	if d.err == nil && e.TxID != "" && !e.TxID.Valid() {
		d.fail("invalid txid before")
	}
	if d.err != nil {
		return nil, d.err
	}
	e.TxID = txid.ID(strings.Clone(string(e.TxID)))
	e.InsertID = strings.Clone(e.InsertID)
	e.Labels = namesOf(e.Labels).unique(e.Labels)
	if e.Gap != nil && *e.Gap == (Gap{}) {
		e.Gap = nil
	}
	if e.Resource != nil && e.Resource.empty() {
		e.Resource = nil
	}
	e.line = oneLine(line)
	return e, nil
}

// oneLine copies line without the space around it. A line break can only stand
// between two tokens, since a string with one does not parse, and becomes a space.
func oneLine(line []byte) []byte {
	own := bytes.Clone(bytes.Trim(line, " \t\r\n"))
	for i, c := range own {
		if c == '\n' || c == '\r' {
			own[i] = ' '
		}
	}
	return own
}

func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return i
		}
	}
	return len(s)
}

func (e *Entry) member(d *decoder, key string) {
	switch key {
	case "time":
		e.Time = d.time()
	case "txid":
		e.TxID = txid.ID(d.text())
	case keyInsertID:
		e.InsertID = d.text()
	case "severity":
		s, err := ParseSeverity(d.text())
		if err != nil {
			d.fail(err.Error())
		}
		e.Severity = s
	case "kind":
		e.Kind = Kind(d.text())
	case "message":
		e.Message = d.text()
	case "span":
		e.Span = d.span()
	case "parent":
		e.Parent = d.span()
	case "origin":
		e.Origin = txid.Origin(d.text())
	case "refused":
		e.Refused = d.text()
	case "httpRequest":
		d.object(func(k string) { e.httpRequest(d, k) })
	case "http":
		d.object(func(k string) { e.http(d, k) })
	case "server":
		d.object(func(k string) {
			switch k {
			case "address":
				e.HTTP.ServerAddress = d.text()
			case "port":
				e.HTTP.ServerPort = int(d.integer())
			default:
				d.skip(0)
			}
		})
	case "timings_ms":
		d.object(func(k string) { e.timing(d, k) })
	case "error":
		d.object(func(k string) {
			switch k {
			case "type":
				e.Error.Type = d.text()
			case "message":
				e.Error.Message = d.text()
			case "stack":
				e.Error.Stack = d.text()
			default:
				d.skip(0)
			}
		})
	case "flags":
		d.array(func() { e.Flags = append(e.Flags, d.text()) })
	case "user":
		d.textIn("id", &e.Facts.UserID)
	case "device":
		d.textIn("model", &e.Facts.Device)
	case "os":
		d.textIn("name", &e.Facts.OS)
	case "app":
		d.textIn("version", &e.Facts.AppVersion)
	case "geo":
		d.within("country", func() { d.textIn("iso_code", &e.Facts.Country) })
	case "entry_page":
		e.Facts.EntryPage = d.text()
	case "carried":
		e.Facts.Carried = d.labels()
	case "log":
		d.object(func(k string) {
			switch k {
			case "logger":
				e.Logger = d.text()
			case "attributes":
				e.Attributes = d.labels()
			default:
				d.skip(0)
			}
		})
	case "gap":
		e.Gap = &Gap{}
		d.object(func(k string) { e.Gap.member(d, k) })
	case "service", "deployment", "host", "process", "resource":
		if e.Resource == nil {
			e.Resource = &Resource{}
		}
		e.resource(d, key)
	case "redactions":
		d.array(func() {
			var r Redaction
			d.object(func(k string) {
				switch k {
				case "rule":
					r.Rule = d.text()
				case "count":
					r.Count = int(d.integer())
				default:
					d.skip(0)
				}
			})
			e.Redactions = append(e.Redactions, r)
		})
	default:
		e.agentField(d, key)
	}
}

func (e *Entry) agentField(d *decoder, key string) {
	switch key {
	case keyLabels:
		d.object(func(k string) {
			if k == "txid" {
				d.skip(0) // repeats the field
				return
			}
			e.Labels = append(e.Labels, Label{Name: k, Value: d.text()})
		})
	case keySource:
		d.object(func(k string) {
			switch k {
			case "file":
				e.Source.File = d.text()
			case "line":
				e.Source.Line = int(d.integer())
			case "function":
				e.Source.Function = d.text()
			default:
				d.skip(0)
			}
		})
	case keyTrace:
		e.Trace.ID = d.text()
	case keySpanID:
		e.Trace.Span = d.span()
	case keySampled:
		e.Trace.Sampled = d.boolean()
	default:
		d.skip(0)
	}
}

func (e *Entry) httpRequest(d *decoder, key string) {
	h := &e.HTTP
	switch key {
	case "requestMethod":
		h.Method = d.text()
	case "requestUrl":
		h.URL = d.text()
	case "requestSize":
		e.Request.Body.Size = d.integer()
	case "status":
		h.Status = int(d.integer())
	case "responseSize":
		e.Response.Body.Size = d.integer()
	case "userAgent":
		h.UserAgent = d.text()
	case "remoteIp":
		h.RemoteIP = d.text()
	case "referer":
		h.Referer = d.text()
	case "latency":
		e.Latency = d.duration(1e9, "s")
	case "cacheHit":
		h.CacheHit = d.boolean()
	case "protocol":
		h.Protocol = d.text()
	default:
		d.skip(0)
	}
}

func (e *Entry) http(d *decoder, key string) {
	switch key {
	case "route":
		e.HTTP.Route = d.text()
	case "request":
		d.object(func(k string) {
			switch k {
			case "resend_count":
				e.HTTP.ResendCount = int(d.integer())
			case "deadline_ms":
				e.HTTP.Deadline = d.duration(1e6, "")
			default:
				e.Request.member(d, k)
			}
		})
	case "response":
		d.object(func(k string) { e.Response.member(d, k) })
	default:
		d.skip(0)
	}
}

func (m *Message) member(d *decoder, key string) {
	switch key {
	case "headers":
		m.Headers = d.headers()
	case "trailers":
		m.Trailers = d.headers()
	case "body":
		d.object(func(k string) {
			switch k {
			case "type":
				m.Body.Type = d.text()
			case "content_encoding":
				m.Body.ContentEncoding = d.text()
			case "encoding":
				m.Body.Encoding = d.text()
			case "content":
				m.Body.Content = content(d.text())
			case "size":
				m.Body.Size = d.integer()
			case "truncated":
				m.Body.Truncated = d.boolean()
			case "reason":
				m.Body.Reason = d.text()
			case "chunks":
				m.Body.Chunks = int(d.integer())
			default:
				d.skip(0)
			}
		})
	default:
		d.skip(0)
	}
}

// content is a copy in bytes, nil of nothing.
func content(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func (e *Entry) timing(d *decoder, key string) {
	t := &e.Timings
	switch key {
	case "dns":
		t.DNS = d.duration(1e6, "")
	case "connect":
		t.Connect = d.duration(1e6, "")
	case "tls":
		t.TLS = d.duration(1e6, "")
	case "send":
		t.Send = d.duration(1e6, "")
	case "wait":
		t.Wait = d.duration(1e6, "")
	case "receive":
		t.Receive = d.duration(1e6, "")
	case "first_byte":
		t.FirstByte = d.duration(1e6, "")
	case "handler":
		t.Handler = d.duration(1e6, "")
	default:
		d.skip(0)
	}
}

func (g *Gap) member(d *decoder, key string) {
	switch key {
	case "count":
		g.Count = d.integer()
	case "bytes":
		g.Bytes = d.integer()
	case "reason":
		g.Reason = d.text()
	case "from":
		g.From = d.time()
	case "to":
		g.To = d.time()
	default:
		d.skip(0)
	}
}

func (r *Resource) empty() bool {
	return r.Service == "" && r.Version == "" && r.Instance == "" && r.Environment == "" &&
		r.Host == "" && r.PID == 0 && r.ServerUser == "" && len(r.Attributes) == 0
}

func (e *Entry) resource(d *decoder, key string) {
	r := e.Resource
	switch key {
	case "service":
		d.object(func(k string) {
			switch k {
			case "name":
				r.Service = d.text()
			case "version":
				r.Version = d.text()
			case "instance":
				d.textIn("id", &r.Instance)
			case "peer":
				d.object(func(k string) { e.Peer.member(d, k) })
			default:
				d.skip(0)
			}
		})
	case "deployment":
		d.within("environment", func() { d.textIn("name", &r.Environment) })
	case "host":
		d.textIn("name", &r.Host)
	case "process":
		d.object(func(k string) {
			switch k {
			case "pid":
				r.PID = int(d.integer())
			case "owner":
				r.ServerUser = d.text()
			default:
				d.skip(0)
			}
		})
	case "resource":
		r.Attributes = d.labels()
	}
}

func (p *Peer) member(d *decoder, key string) {
	switch key {
	case "name":
		p.Service = d.text()
	case "quota":
		d.object(func(k string) {
			switch k {
			case "requests":
				p.Requests = int(d.integer())
			case "per_ms":
				p.Per = d.duration(1e6, "")
			default:
				d.skip(0)
			}
		})
	default:
		d.skip(0)
	}
}

// textIn reads an object that has one string of interest.
func (d *decoder) textIn(name string, into *string) {
	d.within(name, func() { *into = d.text() })
}

// within reads an object that has one member of interest.
func (d *decoder) within(name string, value func()) {
	d.object(func(k string) {
		if k == name {
			value()
		} else {
			d.skip(0)
		}
	})
}

func (d *decoder) span() txid.SpanID {
	s, err := txid.ParseSpan(d.text())
	if err != nil && d.err == nil {
		d.fail(err.Error())
	}
	return s
}

func (d *decoder) pair() (name, value string) {
	d.object(func(k string) {
		switch k {
		case "name":
			name = d.text()
		case "value":
			value = d.text()
		default:
			d.skip(0)
		}
	})
	return name, value
}

func (d *decoder) headers() (hs []Header) {
	d.array(func() {
		n, v := d.pair()
		hs = append(hs, Header{Name: n, Value: v})
	})
	return hs
}

func (d *decoder) labels() (ls []Label) {
	d.array(func() {
		n, v := d.pair()
		ls = append(ls, Label{Name: n, Value: v})
	})
	return ls
}
