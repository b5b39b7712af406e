package render

import (
	"strconv"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

// shortUUID is how much of a UUID names it among others: the 48 bits of its
// millisecond and the 12 of its fraction.
const shortUUID = 18

// ShortIDs returns for each id the beginning by which it is shown: so long that
// it is its own among ids, and can be copied.
func ShortIDs(ids []txid.ID) map[txid.ID]string {
	short := make(map[txid.ID]string, len(ids))
	count := make(map[string]int)
	for _, id := range ids {
		if _, done := short[id]; done {
			continue
		}
		s := string(id)
		if _, ok := id.Time(); ok {
			s = s[:shortUUID]
		} else if len(s) > 24 {
			s = s[:24]
		}
		short[id] = s
		count[s]++
	}
	for id, s := range short {
		if count[s] > 1 {
			short[id] = string(id)
		}
	}
	return short
}

// Stories prints a list of stories, one a row: when, which, who, and what became
// of it.
func (p *Printer) Stories(ss []*query.Story) {
	ids := make([]txid.ID, len(ss))
	for i, s := range ss {
		ids[i] = s.TxID
	}
	short := ShortIDs(ids)
	rows := [][]string{{p.say("time", "시각"), "txid", p.say("user", "사용자"), p.say("device", "기기"), p.say("calls", "호출"), p.say("failed", "실패"), p.say("what happened", "무슨 일이")}}
	p.days = p.spread(ss)
	for _, s := range ss {
		rows = append(rows, []string{
			p.clock(s.Start), Escape(short[s.TxID]), orDash(Escape(s.Header.User)), orDash(Escape(s.Header.Device)),
			strconv.Itoa(s.Calls), strconv.Itoa(s.Failed), Escape(s.Sentence(p.opts.Lang)),
		})
	}
	limits := []int{0, 40, 16, 16, 0, 0, 0}
	ws := make([]int, len(limits))
	for _, r := range rows {
		for i := range r[:len(r)-1] {
			ws[i] = max(ws[i], width(r[i]))
			if limits[i] > 0 {
				ws[i] = min(ws[i], max(limits[i], width(rows[0][i])))
			}
		}
	}
	for i, r := range rows {
		var line string
		for j, text := range r {
			st := plainStyle
			if i == 0 {
				st = dim
			}
			switch {
			case j == len(r)-1:
				if i > 0 {
					st = verdictStyle(ss[i-1])
				}
				line += p.paint(st, text)
				continue
			case j == 4 || j == 5:
				text = padLeft(text, ws[j])
				if i > 0 && j == 5 && ss[i-1].Failed > 0 {
					st = boldRed
				}
			case j == 1:
				text = padRight(text, ws[j])
			default:
				text = padRight(cut(text, ws[j]), ws[j])
			}
			line += p.paint(st, text) + gutter
		}
		p.line(line)
	}
}

// AfterStories proposes what to do with a list of stories: read the newest that
// failed, or else the newest.
func (p *Printer) AfterStories(ss []*query.Story) {
	var pick *query.Story
	for _, s := range ss {
		better := pick == nil || s.Failed > 0 && pick.Failed == 0 ||
			(s.Failed > 0) == (pick.Failed > 0) && s.Start.After(pick.Start)
		if better {
			pick = s
		}
	}
	if pick == nil {
		return
	}
	ids := make([]txid.ID, len(ss))
	for i, s := range ss {
		ids[i] = s.TxID
	}
	p.proposals([]string{p.command("show " + Escape(ShortIDs(ids)[pick.TxID]))})
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func verdictStyle(s *query.Story) style {
	switch s.Verdict.Outcome {
	case query.OutcomeFailed:
		return red
	case query.OutcomeRefused, query.OutcomeHandled:
		return yellow
	}
	return plainStyle
}

// Entry prints one entry on one line, as tail and find --entries do: when, where,
// what, how it ended, how long it took, who. Columns are as wide as usual names
// need, since nothing is known of the lines to come.
func (p *Printer) Entry(e *entry.Entry, short string) {
	service := query.Service(e)
	where := Escape(service)
	if e.Kind == entry.KindClient {
		to := e.HTTP.ServerAddress
		if e.HTTP.ServerPort != 0 && e.HTTP.ServerPort != 80 && e.HTTP.ServerPort != 443 {
			to += ":" + strconv.Itoa(e.HTTP.ServerPort)
		}
		where += "→" + Escape(to)
	}
	row := query.OneRow(e)
	what := Escape(row.Call())
	switch {
	case e.Kind == entry.KindGap && e.Gap != nil:
		what = human.Count(e.Gap.Count) + p.say(" entries lost: ", "건 유실: ") + Escape(e.Gap.Reason)
	case !row.IsCall():
		what = Escape(e.Message)
	}
	took := ""
	if e.Latency > 0 {
		took = human.Millis(e.Latency) + " ms"
	}
	line := p.clock(e.Time) + gutter +
		p.paint(serviceStyle(service), padRight(cut(where, 24), 14)) + gutter +
		p.paint(rowStyle(&row), padLeft(Escape(row.Outcome()), 7)) + gutter +
		padLeft(took, 8) + gutter + what
	if e.Error.Message != "" && row.IsCall() {
		line += gutter + p.paint(dim, cutEnd(Escape(e.Error.Message), 120))
	}
	if e.Facts.UserID != "" {
		line += gutter + p.paint(dim, p.say("user ", "사용자 ")+Escape(e.Facts.UserID))
	}
	if short != "" {
		line += gutter + p.paint(dim, Escape(short))
	}
	p.line(line)
}
