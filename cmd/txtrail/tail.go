package main

import (
	"errors"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

type tailCmd struct {
	filterFlags
	Failed bool `help:"Only what failed."`
	Follow bool `short:"f" help:"It always follows; this is for fingers that are used to tail -f."`
}

// run follows until it is interrupted, which is its usual end and no failure.
func (c *tailCmd) run(a *app) (int, error) {
	if a.flags.Output == "json" {
		return 0, usage("tail -o json: what has no end is no JSON document; use -o jsonl")
	}
	f, err := c.filter(a)
	if err != nil {
		return 0, err
	}
	f.Failed = c.Failed
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	if a.terminal {
		a.talk("%s", c.following(a, src.Name()))
	}
	t := &tailing{a: a, p: a.printer(), code: exitNone}
	if n := a.limit(0); n > 0 {
		return t.lastOf(src, f, n)
	}
	t.p.Days(!f.Since.IsZero() && !render.SameDay(f.Since, a.now(), a.zone))
	for e, err := range src.Tail(a.ctx, f) {
		if err := t.next(e, err); err != nil {
			return 0, err
		}
	}
	return t.end(), nil
}

// following says what is followed.
func (c *tailCmd) following(a *app, name string) string {
	words := c.words()
	if c.Failed {
		words = append(words, "--failed")
	}
	if len(words) > 0 {
		name += " (" + strings.Join(words, " ") + ")"
	}
	return a.say("following "+name+"; Ctrl-C ends it", name+" 추적 중: Ctrl-C로 종료")
}

// tailing is what was shown so far.
type tailing struct {
	a    *app
	p    *render.Printer
	code int
}

// lastOf begins with the last n of what is stored, and then follows, as tail(1) does.
// What is written meanwhile is seen by both: the following begins with the call.
func (t *tailing) lastOf(src query.Source, f query.Filter, n int) (int, error) {
	follow, last := f, f
	follow.Since = time.Time{}
	last.Limit, last.Brief = n, t.a.flags.Output == "text"
	seq := src.Tail(t.a.ctx, follow)
	r, err := src.Find(t.a.ctx, last)
	if t.a.ctx.Err() != nil {
		return t.end(), nil
	}
	if err != nil {
		return 0, err
	}
	t.a.warn(r)
	if r.Partial() {
		t.code = exitPartial
	}
	t.p.Days(!t.a.oneDay(r.Entries))
	twice := make(map[string]bool, len(r.Entries))
	for _, e := range r.Entries {
		if e.InsertID != "" {
			twice[e.InsertID] = true
		}
		if err := t.next(e, nil); err != nil {
			return 0, err
		}
	}
	for e, err := range seq {
		if err == nil && twice[e.InsertID] {
			delete(twice, e.InsertID)
			continue
		}
		if err := t.next(e, err); err != nil {
			return 0, err
		}
	}
	return t.end(), nil
}

// next shows an entry, or says what could not be read. It returns what ends the tail.
func (t *tailing) next(e *entry.Entry, err error) error {
	if err != nil {
		var none *noneError
		if errors.As(err, &none) {
			return err
		}
		t.a.talk(t.a.say("partial: %s", "일부 누락: %s"), plain(err))
		t.code = exitPartial
		return nil
	}
	if t.a.flags.Output == "jsonl" {
		err = render.WriteLines(t.a.stdout, []*entry.Entry{e}, t.a.terminal)
	} else {
		t.p.Entry(e, render.ShortIDs([]txid.ID{e.TxID})[e.TxID])
		err = t.p.Flush()
	}
	if t.code == exitNone {
		t.code = exitFound
	}
	return writing(err)
}

// end is the status of it all: to be interrupted before anything came is no failure.
func (t *tailing) end() int {
	if t.code == exitNone && t.a.ctx.Err() != nil {
		return exitFound
	}
	return t.code
}
