package entry

import (
	"fmt"

	"github.com/txtrail/txtrail/txid"
)

// Parse reads a canonical line (with or without a newline). The entry is sealed:
// its Line is a copy of line. Fields it does not know are skipped, since a newer
// process may share the folder. The error wraps [ErrSyntax] and says where.
//
// A txid that is not acceptable is an error: it would be shown, and looked up.
func Parse(line []byte) (*Entry, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrSyntax, len(line), MaxLine)
	}
	own := append([]byte(nil), line...)
	d := decoder{b: own}
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
	for len(own) > 0 && (own[len(own)-1] == '\n' || own[len(own)-1] == '\r' || own[len(own)-1] == ' ') {
		own = own[:len(own)-1]
	}
	e.line = own
	return e, nil
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
		d.texts(map[string]*string{"type": &e.Error.Type, "message": &e.Error.Message, "stack": &e.Error.Stack})
	case "flags":
		d.array(func() { e.Flags = append(e.Flags, d.text()) })
	case "user":
		d.texts(map[string]*string{"id": &e.Facts.UserID})
	case "device":
		d.texts(map[string]*string{"model": &e.Facts.Device})
	case "os":
		d.texts(map[string]*string{"name": &e.Facts.OS})
	case "app":
		d.texts(map[string]*string{"version": &e.Facts.AppVersion})
	case "geo":
		d.within("country", func() { d.texts(map[string]*string{"iso_code": &e.Facts.Country}) })
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
		e.Resource.member(d, key)
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
			v := d.text()
			if k != "txid" {
				e.Labels = append(e.Labels, Label{Name: k, Value: v})
			}
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
				m.Body.Content = append([]byte(nil), d.bytes()...)
			case "size":
				m.Body.Size = d.integer()
			case "truncated":
				m.Body.Truncated = d.boolean()
			case "reason":
				m.Body.Reason = d.text()
			default:
				d.skip(0)
			}
		})
	default:
		d.skip(0)
	}
}

func (e *Entry) timing(d *decoder, key string) {
	v := d.duration(1e6, "")
	t := &e.Timings
	switch key {
	case "dns":
		t.DNS = v
	case "connect":
		t.Connect = v
	case "tls":
		t.TLS = v
	case "send":
		t.Send = v
	case "wait":
		t.Wait = v
	case "receive":
		t.Receive = v
	case "first_byte":
		t.FirstByte = v
	case "handler":
		t.Handler = v
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

func (r *Resource) member(d *decoder, key string) {
	switch key {
	case "service":
		d.object(func(k string) {
			switch k {
			case "name":
				r.Service = d.text()
			case "version":
				r.Version = d.text()
			case "instance":
				d.texts(map[string]*string{"id": &r.Instance})
			default:
				d.skip(0)
			}
		})
	case "deployment":
		d.within("environment", func() { d.texts(map[string]*string{"name": &r.Environment}) })
	case "host":
		d.texts(map[string]*string{"name": &r.Host})
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

// texts reads an object of strings.
func (d *decoder) texts(into map[string]*string) {
	d.object(func(k string) {
		if p, ok := into[k]; ok {
			*p = d.text()
		} else {
			d.skip(0)
		}
	})
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

func (d *decoder) pairs(add func(name, value string)) {
	d.array(func() {
		var name, value string
		d.texts(map[string]*string{"name": &name, "value": &value})
		add(name, value)
	})
}

func (d *decoder) headers() (hs []Header) {
	d.pairs(func(n, v string) { hs = append(hs, Header{Name: n, Value: v}) })
	return hs
}

func (d *decoder) labels() (ls []Label) {
	d.pairs(func(n, v string) { ls = append(ls, Label{Name: n, Value: v}) })
	return ls
}
