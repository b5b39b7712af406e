package main

import (
	"errors"
	"fmt"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/txid"
)

type tailCmd struct {
	filterFlags
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
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	if a.terminal {
		a.talk(a.say("following %s; Ctrl-C ends it", "%s 추적 중: Ctrl-C로 종료"), src.Name())
	}
	p := a.printer()
	p.Days(!f.Since.IsZero() && !render.SameDay(f.Since, a.now(), a.zone))
	limit, n := a.limit(0), 0
	code := exitNone
	for e, err := range src.Tail(a.ctx, f) {
		if err != nil {
			var none *noneError
			if errors.As(err, &none) {
				return 0, err
			}
			a.talk(a.say("partial: %v", "일부 누락: %v"), err)
			code = exitPartial
			continue
		}
		if a.flags.Output == "jsonl" {
			err = render.WriteLines(a.stdout, []*entry.Entry{e}, a.terminal)
		} else {
			p.Entry(e, render.ShortIDs([]txid.ID{e.TxID})[e.TxID])
			err = p.Flush()
		}
		if err != nil {
			return 0, writing(err)
		}
		if code == exitNone {
			code = exitFound
		}
		if n++; n == limit {
			if a.terminal {
				a.talk("%s", fmt.Sprintf(a.say("%d shown, as --limit says", "--limit대로 %d건 표시"), n))
			}
			break
		}
	}
	if code == exitNone && a.ctx.Err() != nil {
		code = exitFound // interrupted before anything came
	}
	return code, nil
}
