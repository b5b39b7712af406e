package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
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
	// InFlight are the processes that have requests in flight, or had when they died.
	InFlight []inFlightDoc `json:"in_flight,omitempty"`
	Checks   []checkDoc    `json:"checks,omitempty"` // of a source with an account
	// Problems are what somebody should look at, in English.
	Problems []string `json:"problems"`
	told     []string // the same, in the reader's language
	denied   bool     // one of them is a permission
	say      func(en, ko string) string
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
	// Kind is "foreign" for what is no file of a journal, "open" for a last line without
	// an end, which is being written or was when its writer died; else "".
	Kind string `json:"kind,omitempty"`
}

type inFlightDoc struct {
	Service  string     `json:"service,omitempty"`
	PID      int        `json:"pid,omitempty"`
	Alive    bool       `json:"alive"`
	Requests int        `json:"requests"`
	Seen     *time.Time `json:"seen,omitempty"` // the last sign of life, of a dead one
}

// run examines the source: what is there, what could not be read, what waits for a
// sink and what a sink has refused.
func (c *doctorCmd) run(a *app) (int, error) {
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	r := &report{Source: src.Name(), Problems: []string{}, say: a.say}
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

// problem notes what somebody should look at. Both texts take the same arguments.
func (r *report) problem(en, ko string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(en, args...))
	r.told = append(r.told, fmt.Sprintf(r.say(en, ko), args...))
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
		r.problem("%s", "%s", w)
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
		doc := damageDoc{File: d.File, Offset: d.Offset, Lines: d.Lines, What: d.Err.Error()}
		switch {
		case errors.Is(d.Err, journalsink.ErrForeign):
			doc.Kind = "foreign"
		case errors.Is(d.Err, journalsink.ErrUnfinished):
			doc.Kind = "open"
		default:
			r.problem("%s", "%s", d)
		}
		r.Damage = append(r.Damage, doc)
	}
	lists, err := reader.InFlight()
	r.failed(nil, err)
	for i := range lists {
		r.inFlight(a, &lists[i])
	}
	return r.ships(a, dir)
}

// inFlight notes what a process is serving, or was when it died.
func (r *report) inFlight(a *app, l *journalsink.InFlightList) {
	doc := inFlightDoc{Alive: l.Alive, Requests: len(l.Crashed)}
	if l.Resource != nil {
		doc.Service, doc.PID = l.Resource.Service, l.Resource.PID
	}
	if !l.Alive {
		if doc.Requests == 0 {
			return // nobody missed it
		}
		var seen time.Time
		for _, e := range l.Crashed {
			if t := e.Time.Add(e.Latency); t.After(seen) {
				seen = t
			}
		}
		doc.Seen = &seen
		r.problem("%s died while it served %s, last seen alive %s; txtrail find --entries --kind crash lists them",
			"%s: 요청 처리 중 종료됨(%s), 마지막 확인 %s; txtrail find --entries --kind crash로 확인",
			doc.who(), doc.requests(a), a.moment(seen))
	}
	r.InFlight = append(r.InFlight, doc)
}

// who names a process.
func (d *inFlightDoc) who() string {
	name := d.Service
	if name == "" {
		name = "?"
	}
	return name + " (pid " + strconv.Itoa(d.PID) + ")"
}

func (d *inFlightDoc) requests(a *app) string {
	if d.Requests == 1 {
		return a.say("1 request", "요청 1건")
	}
	n := human.Count(int64(d.Requests))
	return a.say(n+" requests", "요청 "+n+"건")
}

func (r *report) ships(a *app, dir string) error {
	states, err := journalsink.ShipStates(a.ctx, dir, a.now())
	if a.ctx.Err() != nil {
		return err
	}
	failed := r.failed(nil, err)
	used := map[string]bool{} // folders of sinks to which something is shipped now
	for i := range states {
		used[states[i].Folder] = used[states[i].Folder] || states[i].Alive
	}
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
			r.problem("%s entries of %s were removed before %s got them: raise the journal's MaxBytes, or see why the sink is so slow",
				"%[2]s의 기록 %[1]s건이 %[3]s에 전송되기 전에 삭제됨: 저널의 MaxBytes를 늘리거나 싱크가 느린 원인을 확인",
				human.Count(s.Lost), s.Writer, s.Sink)
		}
		if s.Err != nil {
			doc.Error = s.Err.Error()
			r.problem("the cursor of %s for %s: %v; shipping begins again with the oldest file",
				"%s의 커서(%s): %v; 가장 오래된 파일부터 다시 전송", s.Sink, s.Writer, s.Err)
		}
		switch {
		case s.Waiting == 0 || s.Alive:
		case used[s.Folder]:
			r.problem("%s entries of %s wait for %s, and no process ships them: start the service, or run txtrail ship",
				"%[2]s의 기록 %[1]s건이 %[3]s 전송 대기 중이나 전송하는 프로세스가 없음: 서비스를 시작하거나 txtrail ship 실행",
				human.Count(s.Waiting), s.Writer, s.Sink)
		default:
			r.problem("%s entries of %s wait for %s, and no process ships them: start the service, or run txtrail ship. If nothing goes to that sink any more, remove %s",
				"%[2]s의 기록 %[1]s건이 %[3]s 전송 대기 중이나 전송하는 프로세스가 없음: 서비스를 시작하거나 txtrail ship 실행. 더 이상 쓰지 않는 싱크라면 %[4]s 삭제",
				human.Count(s.Waiting), s.Writer, s.Sink, s.Folder)
		}
		r.Ships = append(r.Ships, doc)
	}
	dead, err := journalsink.DeadFiles(dir)
	r.failed(failed, err)
	for i := range dead {
		d := &dead[i]
		r.Dead = append(r.Dead, deadDoc{d.Sink, d.Writer, d.Path, d.Again, d.Letters, d.Bytes, d.Newest, d.Reason})
		if !d.Again {
			r.problem("%s has refused %s entries of %s for good; txtrail reship has them sent again",
				"%s이(가) 기록 %s건(%s)을 완전히 거부함: txtrail reship으로 재전송", d.Sink, human.Count(d.Letters), d.Writer)
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
			r.problem("%s", "%s", line)
			before = append(before, line)
		}
	}
	return before
}
