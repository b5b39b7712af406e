package render

import (
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
)

// Detail says how much of headers and bodies is shown.
type Detail struct {
	Headers bool
	Body    BodyMode
}

// Story prints a story: its head, the verdict, and its first limit rows (0: all)
// with a waterfall. ref is how the reader named it, for what is proposed next.
func (p *Printer) Story(s *query.Story, ref string, d Detail, limit int) {
	p.head(s)
	p.line("")
	rows := s.Rows
	if limit > 0 && limit < len(rows) {
		rows = rows[:limit]
	}
	p.table(s, rows, d)
	p.next(s, ref)
}

// head prints the lines above the table.
func (p *Printer) head(s *query.Story) {
	sums := []string{
		p.plural(len(s.Services), "service", "services", "개 서비스"),
		p.plural(s.Calls, "call", "calls", "회 호출"),
		human.Duration(s.Duration),
	}
	if s.Failed > 0 {
		sums = append(sums, p.paint(boldRed, p.say(strconv.Itoa(s.Failed)+" failed", strconv.Itoa(s.Failed)+"건 실패")))
	}
	p.line(join([]string{
		p.paint(bold, Escape(string(s.TxID))), p.moment(s.Start), strings.Join(sums, ", "),
	}, "   ", p.opts.Width, ""))
	p.line(join(p.facts(&s.Header), " · ", p.opts.Width, "  "))
	st := plainStyle
	switch s.Verdict.Outcome {
	case query.OutcomeFailed:
		st = boldRed
	case query.OutcomeRefused, query.OutcomeHandled:
		st = yellow
	case query.OutcomeOK:
		st = green
	}
	for i, l := range p.sentence(Escape(s.Sentence(p.opts.Lang)), p.opts.Width-2) {
		if i > 0 {
			l = "  " + l
		}
		p.line(p.paint(st, l))
	}
}

func (p *Printer) plural(n int, one, many, ko string) string {
	num := human.Count(int64(n))
	if p.opts.Lang == query.Korean {
		return num + ko
	}
	if n == 1 {
		return num + " " + one
	}
	return num + " " + many
}

// facts lists which user, on which device, by which page.
func (p *Printer) facts(h *query.Header) []string {
	var fs []string
	add := func(s string) {
		if s != "" {
			fs = append(fs, Escape(s))
		}
	}
	switch {
	case h.User == "":
		add(p.say("user unknown", "사용자 미상"))
	case h.Users > 1:
		add(p.say("user "+h.User+" and "+strconv.Itoa(h.Users-1)+" more", "사용자 "+h.User+" 외 "+strconv.Itoa(h.Users-1)+"명"))
	default:
		add(p.say("user ", "사용자 ") + h.User)
	}
	add(h.Country)
	add(h.Device)
	if h.OS != "" {
		from := h.OSFrom
		switch from {
		case "app header":
			from = p.say(from, "앱 헤더")
		case "user agent":
			from = p.say(from, "사용자 에이전트")
		}
		add(h.OS + " (" + from + ")")
	}
	if h.App != "" && !strings.HasPrefix(h.Browser, h.App) {
		add(p.say("app ", "앱 ") + h.App)
	}
	add(h.Browser)
	if h.EntryPage != "" {
		add(p.say("entered by ", "진입 ") + human.Path(h.EntryPage))
	}
	if h.ServerUser != "" {
		add(p.say("run by ", "실행자 ") + h.ServerUser)
	}
	for _, l := range h.Labels {
		add(l.Name + "=" + l.Value)
		if len(fs) > 16 {
			add("…")
			break
		}
	}
	return fs
}

// next proposes what to type: commands that exist, with what they need.
func (p *Printer) next(s *query.Story, ref string) {
	ref = Escape(ref)
	var cmds []string
	if n := s.Verdict.Cause; n > 0 {
		cmds = append(cmds, p.command("show "+ref+"#"+strconv.Itoa(n)))
	} else if len(s.Rows) > 0 {
		cmds = append(cmds, p.command("show "+ref+"#1"))
	}
	cmds = append(cmds, p.command("show "+ref+" --body short"))
	if u := s.Header.User; u != "" {
		since := s.Start.In(p.opts.Zone).Add(-gapBefore).Format("2006-01-02T15:04")
		cmds = append(cmds, p.command("find --user "+Quote(u)+" --since "+since))
	}
	p.proposals(cmds)
}
