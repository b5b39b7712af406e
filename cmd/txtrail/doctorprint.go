package main

import (
	"fmt"
	"time"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
)

// rowNames are the heads of the rows in Korean, of two syllables each.
var rowNames = map[string]string{
	"source": "출처", "read": "읽음", "ship": "전송", "dead": "거부", "check": "점검", "damage": "손상",
	"foreign": "외부", "open": "미완", "died": "중단", "serving": "처리",
}

func (r *report) print(a *app) error {
	row := func(head, text string) {
		width := 8
		if name := rowNames[head]; a.lang == query.Korean {
			head, width = name, width-2 // each of its two syllables is two cells wide
		}
		_, _ = fmt.Fprintf(a.stdout, "%-*s %s\n", width, head, render.Escape(text))
	}
	now := a.now()
	ago := func(t time.Time) string { return human.Duration(max(0, now.Sub(t))) }
	where := query.Coverage{Source: r.Source, Files: r.Files, Bytes: r.Bytes}
	if r.From != nil {
		where.From, where.To = *r.From, *r.To
	}
	switch {
	case r.Files == 0 && r.To != nil:
		row("source", fmt.Sprintf(a.say("%s: newest entry %s ago", "%s: 최근 기록 %s 전"), r.Source, ago(*r.To)))
	case len(r.Checks) > 0:
		row("source", r.Source)
	default:
		row("source", a.where(&where))
	}
	if r.Entries > 0 {
		row("read", fmt.Sprintf(a.say("%s entries", "%s건"), human.Count(r.Entries)))
	}
	for i := range r.Ships {
		s := &r.Ships[i]
		text := fmt.Sprintf(a.say("%s ← %s: %s waiting", "%s ← %s: %s건 대기"), s.Sink, s.Writer, human.Count(s.Waiting))
		if s.Oldest != nil {
			text += fmt.Sprintf(a.say(" (%s, the oldest for %s)", " (%s, 가장 오래된 것 %s 전)"), human.Bytes(s.Bytes), ago(*s.Oldest))
		}
		if s.Lost > 0 {
			text += fmt.Sprintf(a.say("; %s removed before they were delivered", "; 전송 전에 삭제된 것 %s건"), human.Count(s.Lost))
		}
		if s.Alive {
			text += a.say("; a process ships them", "; 전송 중인 프로세스 있음")
		} else {
			text += fmt.Sprintf(a.say("; nobody ships, last %s ago", "; 전송하는 프로세스 없음, 마지막 %s 전"), ago(s.Written))
		}
		row("ship", text)
	}
	for i := range r.Dead {
		d := &r.Dead[i]
		text := fmt.Sprintf(a.say("%s ← %s: %s refused, the newest %s ago: %s", "%s ← %s: 거부 %s건, 최근 %s 전: %s"), d.Sink, d.Writer, human.Count(d.Letters), ago(d.Newest), d.Reason)
		if d.Again {
			text = fmt.Sprintf(a.say("%s ← %s: %s to be sent again", "%s ← %s: %s건 재전송 예정"), d.Sink, d.Writer, human.Count(d.Letters))
		}
		row("dead", text)
	}
	for _, c := range r.Checks {
		text := c.What + ": " + a.say("works", "정상")
		if c.Error != "" {
			text = c.What + ": " + a.say("does not work", "실패")
		}
		row("check", text)
	}
	for i := range r.Damage {
		d := &r.Damage[i]
		switch {
		case d.Kind == "foreign":
			row("foreign", d.File+": "+d.What)
		case d.Kind != "":
			row(d.Kind, fmt.Sprintf(a.say("%s, byte %d: %s", "%s, 바이트 %d: %s"), d.File, d.Offset, d.What))
		default:
			row("damage", fmt.Sprintf(a.say("%s, byte %d: %s", "%s, 바이트 %d: %s"), d.File, d.Offset, d.What))
		}
	}
	for i := range r.InFlight {
		d := &r.InFlight[i]
		if d.Alive {
			row("serving", fmt.Sprintf(a.say("%s: %s in flight", "%s: %s 처리 중"), d.who(), d.requests(a)))
		} else {
			row("died", fmt.Sprintf(a.say("%s while it served %s, %s", "%s: %s 처리 중, %s"), d.who(), d.requests(a), a.moment(*d.Seen)))
		}
	}
	if len(r.Problems) == 0 {
		_, err := fmt.Fprintln(a.stdout, a.say("nothing wrong", "이상 없음"))
		return err
	}
	for _, p := range r.told {
		a.talk("%s", p)
	}
	return nil
}
