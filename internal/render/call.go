package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
)

// Call prints one row of a story whole: both sides of a call with all that was
// recorded of them.
func (p *Printer) Call(s *query.Story, r *query.Row, ref string, d Detail) {
	title := "#" + strconv.Itoa(r.N) + "  "
	switch {
	case r.Kind == query.RowCall:
		title += Escape(r.From) + " → " + Escape(r.To) + "  "
	case r.To != "":
		title += Escape(r.To) + "  "
	}
	title += Escape(r.Call())
	p.line(p.paint(bold, title) + "   " + p.paint(rowStyle(r), Escape(r.Outcome())))
	p.line(Escape(string(s.TxID)) + "   " + p.moment(r.Entry().Time) + p.say("   at +", "   시작 +") + human.Duration(r.Offset))
	for _, n := range r.Notes {
		if t := Escape(n.Text(p.opts.Lang)); t != "" {
			p.line(p.paint(dim, "└ "+t))
		}
	}
	for _, e := range r.Entries() {
		p.line("")
		p.side(e, d)
	}
	p.around(s, r, ref)
}

// side prints all of one entry.
func (p *Printer) side(e *entry.Entry, d Detail) {
	who := Escape(query.Service(e))
	if who == "" {
		who = p.say("unknown service", "서비스 미상")
	}
	title := who + " (" + Escape(string(e.Kind)) + ")   " + p.moment(e.Time)
	if e.Latency > 0 {
		title += "   " + human.Duration(e.Latency)
	}
	p.line(p.paint(serviceStyle(query.Service(e)), title))
	field := func(name, value string) {
		if value != "" {
			p.line("  " + p.paint(dim, padRight(name, 11)) + value)
		}
	}
	h := &e.HTTP
	if e.Kind == entry.KindLog || h.Method == "" {
		field("message", Escape(e.Message))
	}
	if e.Severity != entry.SeverityDefault && e.Kind == entry.KindLog {
		field("severity", e.Severity.String())
	}
	field("logger", Escape(e.Logger))
	field("source", sourceLine(e))
	field("error", errorLine(e))
	field("timings", timings(&e.Timings))
	if h.Deadline > 0 {
		field("limit", human.Duration(h.Deadline))
	}
	field("route", Escape(h.Route))
	field("remote", Escape(h.RemoteIP))
	field("flags", Escape(strings.Join(e.Flags, " ")))
	field("process", p.process(e.Resource))
	field("trace", Escape(e.Trace.ID))
	field("user", factLine(e))
	field("refused", Escape(e.Refused))
	for _, l := range e.Labels {
		field("label", Escape(l.Name)+"="+Escape(l.Value))
	}
	for _, l := range e.Attributes {
		field("attribute", Escape(l.Name)+"="+Escape(l.Value))
	}
	if len(e.Redactions) > 0 {
		var rs []string
		for _, r := range e.Redactions {
			rs = append(rs, Escape(r.Rule)+" ×"+strconv.Itoa(r.Count))
		}
		field("masked", strings.Join(rs, ", "))
	}
	if g := e.Gap; g != nil {
		field("lost", human.Count(g.Count)+", "+human.Bytes(g.Bytes)+", "+Escape(g.Reason))
		if !g.From.IsZero() {
			field("between", p.moment(g.From)+" – "+p.moment(g.To))
		}
	}
	if e.Error.Stack != "" {
		p.line("  " + p.paint(dim, "stack"))
		for l := range strings.SplitSeq(strings.TrimRight(e.Error.Stack, "\n"), "\n") {
			p.line("    " + escape(l, true))
		}
	}
	if h.Method == "" && h.URL == "" {
		return
	}
	p.line("")
	p.line("  " + p.paint(bold, strings.TrimSpace(Escape(h.Method)+" "+Escape(h.URL)+" "+Escape(h.Protocol))))
	p.half(&e.Request, d)
	p.line("")
	status := p.say("no response", "응답 없음")
	if h.Status != 0 {
		status = Escape(h.Protocol) + " " + strconv.Itoa(h.Status)
		if e.HasFlag(entry.FlagAborted) {
			status += p.say("   (the client had gone)", "   (클라이언트가 떠난 뒤)")
		}
	}
	p.line("  " + p.paint(bold, strings.TrimSpace(status)))
	p.half(&e.Response, d)
}

// half prints one message as it went over the wire: headers, body, trailers.
func (p *Printer) half(m *entry.Message, d Detail) {
	fields := func(hs []entry.Header) {
		for _, f := range hs {
			p.line("  " + p.paint(dim, Escape(f.Name)+":") + " " + Escape(f.Value))
		}
	}
	if d.Headers {
		fields(m.Headers)
	}
	if d.Body != BodyNone && !m.Body.Empty() {
		p.line("  " + p.paint(dim, "· "+p.bodyLine(&m.Body)))
		p.body(&m.Body, d.Body, "  ")
	}
	if d.Headers {
		fields(m.Trailers)
	}
}

func errorLine(e *entry.Entry) string {
	switch {
	case e.Error.Type == "":
		return Escape(e.Error.Message)
	case e.Error.Message == "":
		return Escape(e.Error.Type)
	}
	return Escape(e.Error.Type) + ": " + Escape(e.Error.Message)
}

func sourceLine(e *entry.Entry) string {
	if e.Source.File == "" {
		return Escape(e.Source.Function)
	}
	s := Escape(e.Source.File) + ":" + strconv.Itoa(e.Source.Line)
	if e.Source.Function != "" {
		s += " " + Escape(e.Source.Function)
	}
	return s
}

func timings(t *entry.Timings) string {
	var parts []string
	for _, x := range [...]struct {
		name string
		d    time.Duration
	}{
		{"dns", t.DNS},
		{"connect", t.Connect},
		{"tls", t.TLS},
		{"send", t.Send},
		{"wait", t.Wait},
		{"receive", t.Receive},
		{"first byte", t.FirstByte},
		{"handler", t.Handler},
	} {
		if x.d > 0 {
			parts = append(parts, x.name+" "+human.Duration(x.d))
		}
	}
	return strings.Join(parts, " · ")
}

func (p *Printer) process(r *entry.Resource) string {
	if r == nil {
		return ""
	}
	var parts []string
	add := func(prefix, s string) {
		if s != "" {
			parts = append(parts, prefix+Escape(s))
		}
	}
	add("version ", r.Version)
	add("", r.Environment)
	add("host ", r.Host)
	if r.PID != 0 {
		parts = append(parts, "pid "+strconv.Itoa(r.PID))
	}
	if r.Instance != r.Host+":"+strconv.Itoa(r.PID) { // the default says nothing new
		add("instance ", r.Instance)
	}
	add("run by ", r.ServerUser)
	for _, l := range r.Attributes {
		add("", l.Name+"="+l.Value)
	}
	return strings.Join(parts, " · ")
}

func factLine(e *entry.Entry) string {
	f := &e.Facts
	var parts []string
	for _, s := range [...]string{f.UserID, f.Country, f.Device, f.OS, f.AppVersion} {
		if s != "" {
			parts = append(parts, Escape(s))
		}
	}
	if page := query.EntryPage(e); page != "" {
		parts = append(parts, "entered by "+Escape(human.Path(page)))
	}
	for _, l := range f.Carried {
		parts = append(parts, Escape(l.Name)+"="+Escape(l.Value))
	}
	return strings.Join(parts, " · ")
}

// around proposes the rows beside this one.
func (p *Printer) around(s *query.Story, r *query.Row, ref string) {
	ref = Escape(ref)
	cmds := []string{p.command("show " + ref)}
	if r.In != 0 {
		cmds = append(cmds, p.command("show "+ref+"#"+strconv.Itoa(r.In)))
	}
	if r.N < len(s.Rows) {
		cmds = append(cmds, p.command("show "+ref+"#"+strconv.Itoa(r.N+1)))
	}
	p.line("")
	p.proposals(cmds)
}

// proposals prints the line of what can be typed next.
func (p *Printer) proposals(cmds []string) {
	p.line(p.paint(dim, p.say("next: ", "다음: ")) + join(cmds, " · ", p.opts.Width-6, "      "))
}
