package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

type shipCmd struct {
	Dir  string        `arg:"" optional:"" placeholder:"DIR" help:"The journal's folder. Default: --source, TXTRAIL_DIR, or ./.txtrail."`
	To   string        `required:"" placeholder:"SINK" help:"Where to: gcl:PROJECT (settings as for --source), or journal:DIR."`
	Name string        `placeholder:"NAME" help:"What the folder remembers the sink by, so that the service and this go on for each other. Default: the sink's own name."`
	For  time.Duration `placeholder:"TIME" help:"Give up after this long; what is left stays. Default: not before it is all delivered."`
}

// run ships what services left in a folder, of every writer's name, and ends when
// nothing waits. A name that a process ships is left to it.
func (c *shipCmd) run(a *app) (int, error) {
	dir := c.Dir
	if dir == "" {
		var ok bool
		if dir, ok = a.folder(); !ok {
			return 0, usage("ship: entries are shipped from a journal's folder; want DIR")
		}
	}
	names, err := journalsink.Writers(dir)
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, &noneError{fmt.Sprintf(a.say("no entries in %s", "%s에 기록 없음"), dir)}
	}
	ctx := a.ctx
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	code := exitNone
	for _, name := range names {
		got, err := c.ship(ctx, a, dir, name)
		switch {
		case err != nil:
			return 0, err
		case got == exitPartial, got == exitFound && code == exitNone:
			code = got
		}
	}
	return code, nil
}

// ship ships the entries of one writer's name.
func (c *shipCmd) ship(ctx context.Context, a *app, dir, writer string) (int, error) {
	to, err := c.open(a)
	if err != nil {
		return 0, err
	}
	odd := func(err error) { a.talk("%v", err) }
	spool, err := journalsink.OpenSpool(dir, &journalsink.SpoolOptions{Name: writer, Now: a.now, OnError: odd})
	if err != nil {
		return 0, errors.Join(err, to.Close(ctx))
	}
	name := c.Name
	if name == "" {
		name = sink.NameOf(to)
	}
	h, err := sink.NewShip(spool, to, &sink.ShipOptions{Name: name, MaxAge: -1, Now: a.now, OnError: odd})
	if err != nil {
		return 0, errors.Join(usage("%v", err), to.Close(ctx))
	}
	ferr := h.Flush(ctx)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if ferr == nil {
		closing = context.WithoutCancel(ctx)
	}
	err = h.Close(closing)
	s := h.Stats()
	if errors.Is(ferr, sink.ErrHeld) {
		a.talk(a.say("%s: a process ships it to %s already", "%s: %s로 전송 중인 프로세스가 이미 있음"), writer, name)
		return exitFound, nil
	}
	text := fmt.Sprintf(a.say("%s → %s: %s delivered", "%s → %s: %s건 전송"), writer, name, human.Count(s.Delivered))
	for _, part := range []struct {
		n    int64
		text string
	}{
		{s.Waiting, a.say("%s left", "%s건 남음")},
		{s.Dropped[sink.DropRefused], a.say("%s refused, see txtrail doctor", "%s건 거부, txtrail doctor 참고")},
		{s.Dropped[sink.DropDamaged], a.say("%s damaged", "%s건 손상")},
		{s.Dropped[sink.DropRetention], a.say("%s lost to the folder's bounds", "%s건 보존 한도로 삭제됨")},
	} {
		if part.n > 0 {
			text += ", " + fmt.Sprintf(part.text, human.Count(part.n))
		}
	}
	if _, werr := fmt.Fprintln(a.stdout, render.Escape(text)); werr != nil {
		return 0, writing(werr)
	}
	switch {
	case s.Waiting > 0 || s.DroppedTotal() > 0:
		return exitPartial, nil
	case err != nil:
		return 0, err
	case s.Delivered == 0:
		return exitNone, nil
	}
	return exitFound, nil
}

// open makes the sink that --to names.
func (c *shipCmd) open(a *app) (sink.Sink, error) {
	scheme, rest, _ := strings.Cut(c.To, ":")
	switch {
	case scheme == "gcl" && rest != "":
		o, err := gclOptions(rest)
		if err != nil {
			return nil, err
		}
		s, err := cloudloggingsink.New(a.ctx, &cloudloggingsink.Options{
			ProjectID: o.ProjectID, LogID: o.LogID, Endpoint: o.Endpoint, Insecure: o.Insecure, QuotaProject: o.QuotaProject, Now: a.now,
		})
		if errors.Is(err, cloudloggingsink.ErrOptions) {
			return nil, usage("--to %s: %v", c.To, err)
		}
		if err != nil {
			return nil, err
		}
		return s, nil
	case scheme == "journal" && rest != "":
		abs, err := filepath.Abs(rest)
		if err != nil {
			return nil, usage("--to %s: %v", c.To, err)
		}
		j, err := journalsink.Open(abs, &journalsink.Options{Name: "shipped", Now: a.now})
		if err != nil {
			return nil, err
		}
		return sink.WithName(j, "journal:"+abs), nil
	}
	return nil, usage("--to %q: want gcl:PROJECT or journal:DIR", c.To)
}
