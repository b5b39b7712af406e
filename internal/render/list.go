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
	last := len(limits) - 1
	ws := make([]int, last)
	sentence := 0
	for _, r := range rows {
		for i := range ws {
			ws[i] = max(ws[i], width(r[i]))
			if limits[i] > 0 {
				ws[i] = min(ws[i], max(limits[i], width(rows[0][i])))
			}
		}
		sentence = max(sentence, width(r[last]))
	}
	room := p.opts.Width
	for _, w := range ws {
		room -= w + len(gutter)
	}
	below := sentence > room && !p.opts.Unwrapped // what does not fit stands below its row
	for i, r := range rows {
		var line string
		for j, text := range r[:last] {
			st := plainStyle
			if i == 0 {
				st = dim
			}
			switch j {
			case 4, 5:
				text = padLeft(text, ws[j])
				if i > 0 && j == 5 && ss[i-1].Failed > 0 {
					st = boldRed
				}
			case 1:
				text = padRight(text, ws[j])
			default:
				text = padRight(cut(text, ws[j]), ws[j])
			}
			line += p.paint(st, text) + gutter
		}
		st := dim
		if i > 0 {
			st = verdictStyle(ss[i-1])
		}
		if !below {
			p.line(line + p.paint(st, r[last]))
			continue
		}
		p.line(line)
		if i > 0 {
			for _, l := range p.sentence(r[last], p.opts.Width-len(gutter)) {
				p.line(gutter + p.paint(st, l))
			}
		}
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

// Bounds of the column of services in a list of entries, in cells.
const (
	minWhere = 14
	maxWhere = 24
)

// Entries prints a list of entries, one a line.
func (p *Printer) Entries(es []*entry.Entry, short map[txid.ID]string) {
	for _, e := range es {
		p.where = max(p.where, min(width(whereOf(e)), maxWhere))
	}
	for _, e := range es {
		p.Entry(e, short[e.TxID])
	}
}

// whereOf names the service, and for a call the host that it went to.
func whereOf(e *entry.Entry) string {
	where := Escape(query.Service(e))
	if e.Kind == entry.KindClient {
		to := e.HTTP.ServerAddress
		if e.HTTP.ServerPort != 0 && e.HTTP.ServerPort != 80 && e.HTTP.ServerPort != 443 {
			to += ":" + strconv.Itoa(e.HTTP.ServerPort)
		}
		where += "→" + Escape(to)
	}
	return where
}

// Entry prints one entry on one line, as tail and find --entries do: when, where,
// what, how it ended, how long it took, who. Where nothing is known of the lines to
// come, columns are as wide as usual names need, and grow with the first longer one.
func (p *Printer) Entry(e *entry.Entry, short string) {
	where := cut(whereOf(e), maxWhere)
	p.where = max(p.where, minWhere, width(where))
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
		p.paint(serviceStyle(query.Service(e)), padRight(where, p.where)) + gutter +
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
