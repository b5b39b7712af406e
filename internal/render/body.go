package render

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
)

// BodyMode says how much of a body is shown.
type BodyMode string

// The modes.
const (
	BodyNone  BodyMode = "none"
	BodyShort BodyMode = "short" // its first lines
	BodyFull  BodyMode = "full"  // all that was captured
)

// Bounds of a short body. What is left out is said.
const (
	shortLines = 8
	shortWidth = 200 // cells of one line
)

// messages prints headers and bodies of a row's request and response below it,
// from the caller's side where there is one.
func (p *Printer) messages(r *query.Row, d Detail, indent string) {
	if !r.IsCall() {
		return
	}
	e := r.Entry()
	p.message(&e.Request, p.say("request", "요청"), indent, d)
	p.message(&e.Response, p.say("response", "응답"), indent, d)
}

func (p *Printer) message(m *entry.Message, name, indent string, d Detail) {
	if d.Headers {
		p.headers(m.Headers, name, indent)
	}
	if d.Body != BodyNone && !m.Body.Empty() {
		p.line(indent + p.paint(dim, name+": "+p.bodyLine(&m.Body)))
		p.body(&m.Body, d.Body, indent+"  ")
	}
	if d.Headers && len(m.Trailers) > 0 {
		p.headers(m.Trailers, name+p.say(" trailers", " 트레일러"), indent)
	}
}

func (p *Printer) headers(hs []entry.Header, name, indent string) {
	if len(hs) == 0 {
		return
	}
	p.line(indent + p.paint(dim, name+p.say(" headers:", " 헤더:")))
	for _, h := range hs {
		p.line(indent + "  " + p.paint(bold, Escape(h.Name)) + ": " + Escape(h.Value))
	}
}

// bodyLine sums a body up: "application/json, 312 B in 3 chunks, cut (capture limit)".
func (p *Printer) bodyLine(b *entry.Body) string {
	var parts []string
	if b.Type != "" {
		parts = append(parts, Escape(b.Type))
	}
	if b.ContentEncoding != "" {
		parts = append(parts, Escape(b.ContentEncoding))
	}
	switch {
	case b.Size > 0:
		parts = append(parts, human.Bytes(b.Size)+p.chunks(b.Chunks))
	case b.Size < 0:
		parts = append(parts, p.say("size unknown", "크기 미상")+p.chunks(b.Chunks))
	}
	if b.Encoding == "base64" {
		parts = append(parts, "base64")
	}
	why := ""
	if b.Reason != "" {
		why = " (" + Escape(b.Reason) + ")"
	}
	switch {
	case b.Truncated:
		parts = append(parts, p.say("cut", "잘림")+why)
	case len(b.Content) == 0:
		parts = append(parts, p.say("not kept", "저장되지 않음")+why)
	case why != "" && len(parts) > 0:
		parts[len(parts)-1] += why
	case why != "":
		parts = append(parts, Escape(b.Reason))
	}
	return strings.Join(parts, ", ")
}

// chunks says in how many pieces a body was streamed, if it was.
func (p *Printer) chunks(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return p.say(" in 1 chunk", ", 1조각")
	}
	return p.say(" in "+strconv.Itoa(n)+" chunks", ", "+strconv.Itoa(n)+"조각")
}

// body prints the content, JSON indented, each line escaped.
func (p *Printer) body(b *entry.Body, mode BodyMode, indent string) {
	if len(b.Content) == 0 {
		return
	}
	text := pretty(b)
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	hidden, shortened := 0, 0
	if mode == BodyShort && len(lines) > shortLines {
		hidden = len(lines) - shortLines
		lines = lines[:shortLines]
	}
	for _, l := range lines {
		l = showMasks(escape(l, true))
		if mode == BodyShort && width(l) > shortWidth {
			l = cutEnd(l, shortWidth)
			shortened++
		}
		p.line(indent + l)
	}
	if left := p.leftOut(hidden, shortened); left != "" {
		p.line(indent + p.paint(dim, "… "+left+": --body full"))
	}
}

// leftOut says how much of a body a short one leaves out, in lines as they are printed:
// its bytes are not those of the text, which may be indented.
func (p *Printer) leftOut(hidden, shortened int) string {
	var parts []string
	switch {
	case hidden == 1:
		parts = append(parts, p.say("1 more line", "1줄 더 있음"))
	case hidden > 0:
		n := human.Count(int64(hidden))
		parts = append(parts, p.say(n+" more lines", n+"줄 더 있음"))
	}
	switch {
	case shortened == 1:
		parts = append(parts, p.say("1 line cut", "1줄 잘림"))
	case shortened > 0:
		n := human.Count(int64(shortened))
		parts = append(parts, p.say(n+" lines cut", n+"줄 잘림"))
	}
	return strings.Join(parts, ", ")
}

// pretty returns the content as text, JSON indented by two. What only claims to be
// JSON stays as it is.
func pretty(b *entry.Body) string {
	c := bytes.TrimSpace(b.Content)
	if b.Encoding != "base64" && len(c) > 1 && (c[0] == '{' || c[0] == '[') && !deep(c) {
		var out bytes.Buffer
		if json.Indent(&out, c, "", "  ") == nil {
			return out.String()
		}
	}
	return strings.TrimSuffix(string(b.Content), "\n")
}

// maxPretty is how deep JSON may be to be indented: the indentation grows with the
// square of the depth, and ten thousand brackets would be 200 MB.
const maxPretty = 64

func deep(c []byte) bool {
	depth := 0
	for _, b := range c {
		switch b {
		case '{', '[':
			if depth++; depth > maxPretty {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
