package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

type doctorCmd struct {
	Deep bool `help:"Read every entry, so that all damage is found; else only what the indexes tell."`
}

// report is what the doctor found. Its JSON is the command's -o json.
type report struct {
	Source  string      `json:"source"`
	Files   int         `json:"files,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
	From    *time.Time  `json:"from,omitempty"`
	To      *time.Time  `json:"to,omitempty"`
	Entries int64       `json:"entries,omitempty"` // read by --deep
	Ships   []shipDoc   `json:"ships,omitempty"`
	Dead    []deadDoc   `json:"dead_letters,omitempty"`
	Damage  []damageDoc `json:"damage,omitempty"`
	Checks  []checkDoc  `json:"checks,omitempty"` // of a source with an account
	// Problems are what somebody should look at, in English.
	Problems []string `json:"problems"`
	denied   bool     // one of them is a permission
}

type shipDoc struct {
	Sink    string     `json:"sink"`
	Writer  string     `json:"writer"`
	Alive   bool       `json:"alive"`
	Waiting int64      `json:"waiting"`
	Bytes   int64      `json:"bytes"`
	Oldest  *time.Time `json:"oldest,omitempty"`
	// Lost were removed before they were delivered; the sink was told last at LostLast.
	Lost     int64      `json:"lost,omitempty"`
	LostLast *time.Time `json:"lost_last,omitempty"`
	Written  time.Time  `json:"written"`
	Error    string     `json:"error,omitempty"`
}

// lostIsNews is how long a loss is a problem to look at: then it is history.
const lostIsNews = 7 * 24 * time.Hour

type deadDoc struct {
	Sink    string    `json:"sink"`
	Writer  string    `json:"writer"`
	File    string    `json:"file"`
	Again   bool      `json:"again,omitempty"`
	Letters int64     `json:"letters"`
	Bytes   int64     `json:"bytes"`
	Newest  time.Time `json:"newest"`
	Reason  string    `json:"reason"`
}

type damageDoc struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Lines  int    `json:"lines,omitempty"`
	What   string `json:"what"`
}

// run examines the source: what is there, what could not be read, what waits for a
// sink and what a sink has refused.
func (c *doctorCmd) run(a *app) (int, error) {
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	r := &report{Source: src.Name(), Problems: []string{}}
	if dir, _, ok := a.folder(); ok {
		err = r.examine(a, dir, c.Deep)
	} else {
		err = r.ask(a, src)
	}
	if err != nil {
		return 0, err
	}
	if a.flags.Output != "text" {
		e := json.NewEncoder(a.stdout)
		if a.flags.Output == "json" {
			e.SetIndent("", "  ")
		}
		err = e.Encode(r)
	} else {
		err = r.print(a)
	}
	if err != nil {
		return 0, writing(err)
	}
	switch {
	case r.denied:
		return exitPermission, nil
	case len(r.Problems) > 0:
		return exitPartial, nil
	}
	return exitFound, nil
}

func (r *report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// ask puts a small question to a source that is no folder.
func (r *report) ask(a *app, src query.Source) error {
	if c, ok := src.(*cloudloggingquery.Source); ok {
		return r.cloud(a, c)
	}
	found, err := src.Find(a.ctx, query.Filter{Limit: 1, Since: a.now().Add(-time.Hour)})
	if err != nil {
		return err
	}
	for _, w := range found.Warnings {
		r.problem("%s", w)
	}
	if n := len(found.Entries); n > 0 {
		r.To = &found.Entries[n-1].Time
	}
	return nil
}

func (r *report) examine(a *app, dir string, deep bool) error {
	reader, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		return err
	}
	if deep {
		for _, err := range reader.Scan(a.ctx, journalsink.ScanOptions{}) {
			if err != nil {
				return err
			}
			r.Entries++
		}
	}
	c, err := reader.Coverage(a.ctx)
	if err != nil {
		return err
	}
	r.Files, r.Bytes = c.Files, c.Bytes
	if !c.From.IsZero() {
		r.From, r.To = &c.From, &c.To
	}
	for _, d := range c.Damaged {
		r.Damage = append(r.Damage, damageDoc{d.File, d.Offset, d.Lines, d.Err.Error()})
		if !errors.Is(d.Err, journalsink.ErrForeign) && !errors.Is(d.Err, journalsink.ErrUnfinished) {
			r.problem("%s", d)
		}
	}
	return r.ships(a, dir)
}

func (r *report) ships(a *app, dir string) error {
	states, err := journalsink.ShipStates(a.ctx, dir, a.now())
	if a.ctx.Err() != nil {
		return err
	}
	failed := r.failed(nil, err)
	for i := range states {
		s := &states[i]
		doc := shipDoc{Sink: s.Sink, Writer: s.Writer, Alive: s.Alive, Waiting: s.Waiting, Bytes: s.Bytes, Written: s.Written, Lost: s.Lost}
		if !s.Oldest.IsZero() {
			doc.Oldest = &s.Oldest
		}
		if !s.LostLast.IsZero() {
			doc.LostLast = &s.LostLast
		}
		if s.Lost > 0 && a.now().Sub(s.LostLast) < lostIsNews || s.Lost > 0 && s.LostLast.IsZero() {
			r.problem("%s entries of %s were removed before %s got them: raise the journal's MaxBytes, or see why the sink is so slow", human.Count(s.Lost), s.Writer, s.Sink)
		}
		if s.Err != nil {
			doc.Error = s.Err.Error()
			r.problem("the cursor of %s for %s: %v; shipping begins again with the oldest file", s.Sink, s.Writer, s.Err)
		}
		if s.Waiting > 0 && !s.Alive {
			r.problem("%s entries of %s wait for %s, and no process ships them: start the service, or run txtrail ship", human.Count(s.Waiting), s.Writer, s.Sink)
		}
		r.Ships = append(r.Ships, doc)
	}
	dead, err := journalsink.DeadFiles(dir)
	r.failed(failed, err)
	for i := range dead {
		d := &dead[i]
		r.Dead = append(r.Dead, deadDoc{d.Sink, d.Writer, d.Path, d.Again, d.Letters, d.Bytes, d.Newest, d.Reason})
		if !d.Again {
			r.problem("%s has refused %s entries of %s for good; txtrail reship has them sent again", d.Sink, human.Count(d.Letters), d.Writer)
		}
	}
	return nil
}

// failed notes what could not be looked at, once, and returns what it has noted.
func (r *report) failed(before []string, err error) []string {
	if err == nil {
		return before
	}
	r.denied = r.denied || errors.Is(err, fs.ErrPermission)
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(before, line) {
			r.problem("%s", line)
			before = append(before, line)
		}
	}
	return before
}

func (r *report) print(a *app) error {
	row := func(head, text string) { _, _ = fmt.Fprintf(a.stdout, "%-8s %s\n", head, render.Escape(text)) }
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
		row("damage", fmt.Sprintf(a.say("%s, byte %d: %s", "%s, 바이트 %d: %s"), d.File, d.Offset, d.What))
	}
	if len(r.Problems) == 0 {
		_, err := fmt.Fprintln(a.stdout, a.say("nothing wrong", "이상 없음"))
		return err
	}
	for _, p := range r.Problems {
		a.talk("%s", p)
	}
	return nil
}
