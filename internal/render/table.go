package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
)

// gutter stands between two columns.
const gutter = "  "

// Bounds of the columns, in cells.
const (
	minCall, maxCall       = 18, 72
	maxMessage             = 36 // what a log line's message asks for; it is cut to what there is
	minBar, maxBar         = 12, 60
	minService, maxService = 7, 28
	maxIndent              = 8 // levels of nesting that still move the call to the right
)

// cells are the texts of one row, escaped.
type cells struct {
	n, at, service, call, status, took string
}

// columns are the widths.
type columns struct {
	n, at, service, call, status, took, bar int
}

func (p *Printer) table(s *query.Story, list []query.Row, d Detail) {
	if len(list) == 0 {
		return
	}
	head := cells{"#", "+ms", p.say("service", "서비스"), p.say("call", "호출"), p.say("status", "상태"), "ms"}
	rows := make([]cells, 0, len(list)+1)
	for i := range list {
		rows = append(rows, p.cells(&list[i]))
	}
	c := p.fit(append(rows, head), list)
	p.line(p.paint(dim, c.text(head)+gutter+axis(s.Duration, c.bar)))
	total := s.Duration
	indent := strings.Repeat(" ", c.n+c.at+c.service+3*len(gutter))
	for i := range list {
		r := &list[i]
		p.line(p.row(r, rows[i], c, total))
		p.notes(r, indent)
		if d.Headers || d.Body != BodyNone {
			p.messages(r, d, indent)
		}
	}
}

func (p *Printer) cells(r *query.Row) cells {
	c := cells{
		n:      strconv.Itoa(r.N),
		at:     human.Millis(r.Offset),
		status: Escape(r.Outcome()),
	}
	c.service = Escape(r.To)
	if r.Kind == query.RowCall {
		c.service = Escape(r.From) + "→" + Escape(r.To)
	}
	c.call = strings.Repeat("  ", min(r.Depth, maxIndent))
	switch {
	case r.IsCall():
		c.call += Escape(r.Call())
		c.took = human.Millis(r.Duration)
		if r.Attempt > 1 {
			c.call += p.say("  attempt ", "  시도 ") + strconv.Itoa(r.Attempt)
		}
	case r.Kind == query.RowGap:
		c.call += p.say("entries lost", "기록 유실")
	default:
		c.call += Escape(r.Entry().Message)
		if r.Duration > 0 {
			c.took = human.Millis(r.Duration)
		}
	}
	return c
}

// fit shares the width out: the call gets what it needs as long as the bar keeps
// its least, and the bar takes the rest.
func (p *Printer) fit(rows []cells, list []query.Row) columns {
	var c columns
	for i, r := range rows {
		c.n = max(c.n, width(r.n))
		c.at = max(c.at, width(r.at))
		c.service = max(c.service, width(r.service))
		w := width(r.call)
		if i < len(list) && !list[i].IsCall() {
			w = min(w, maxMessage) // a long message leaves room for the bars
		}
		c.call = max(c.call, w)
		c.status = max(c.status, width(r.status))
		c.took = max(c.took, width(r.took))
	}
	c.service = min(max(c.service, minService), maxService, max(p.opts.Width/4, minService))
	c.status = min(c.status, 16)
	c.call = min(c.call, maxCall)
	left := p.opts.Width - c.n - c.at - c.service - c.status - c.took - 6*len(gutter)
	c.bar = min(max(left-c.call, minBar), maxBar)
	c.call = max(min(c.call, left-c.bar), minCall)
	if over := c.call + c.bar - left; over > 0 {
		c.bar = max(c.bar-over, 0)
	}
	return c
}

// text puts the cells of a row in line.
func (c columns) text(r cells) string {
	return padLeft(r.n, c.n) + gutter + padLeft(r.at, c.at) + gutter +
		padRight(cut(r.service, c.service), c.service) + gutter +
		padRight(cut(r.call, c.call), c.call) + gutter +
		padLeft(cut(r.status, c.status), c.status) + gutter + padLeft(r.took, c.took)
}

func (p *Printer) row(r *query.Row, t cells, c columns, total time.Duration) string {
	st := rowStyle(r)
	barStyle := serviceStyle(r.To)
	if r.Failed {
		barStyle = red
	}
	graph := ""
	switch {
	case r.Kind == query.RowGap:
		graph = point(r.Offset, total, c.bar, "?")
	case r.IsCall() || r.Duration > 0:
		graph = bar(r.Offset, r.Duration, total, c.bar, r.Failed)
	default:
		graph = point(r.Offset, total, c.bar, pointCell)
	}
	call := p.paint(plainStyle, padRight(cut(t.call, c.call), c.call))
	if !r.IsCall() {
		call = padRight(cutEnd(t.call, c.call), c.call)
		if r.Entry().Severity < entry.SeverityWarning {
			call = p.paint(dim, call)
		}
	}
	return p.paint(dim, padLeft(t.n, c.n)) + gutter + padLeft(t.at, c.at) + gutter +
		p.paint(serviceStyle(r.To), padRight(cut(t.service, c.service), c.service)) + gutter +
		call + gutter +
		p.paint(st, padLeft(cut(t.status, c.status), c.status)) + gutter + padLeft(t.took, c.took) + gutter +
		p.paint(barStyle, graph)
}

func rowStyle(r *query.Row) style {
	switch {
	case r.Failed:
		return boldRed
	case r.Status() >= 400 || r.Kind == query.RowLog && r.Entry().Severity >= entry.SeverityWarning:
		return yellow
	}
	return plainStyle
}

// notes prints what the figures of a row do not say, below it.
func (p *Printer) notes(r *query.Row, indent string) {
	if len(r.Notes) == 0 {
		return
	}
	room := max(p.opts.Width-len(indent)-2, 20)
	var parts []string
	for _, n := range r.Notes {
		t := Escape(n.Text(p.opts.Lang))
		if t == "" {
			continue
		}
		if n.Code == query.NoteError {
			t = cutEnd(t, max(room, 160))
		}
		parts = append(parts, t)
	}
	for i, l := range wrap(strings.Join(parts, " · "), room) {
		mark := "└ "
		if i > 0 {
			mark = "  "
		}
		p.line(indent + p.paint(dim, mark+l))
	}
}
