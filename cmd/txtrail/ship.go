package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// closeTime bounds what has to be done after the last entry was delivered, or given up:
// writing down how far it got, and closing the sink.
const closeTime = 2 * time.Second

// run ships what services left in a folder, of every writer's name, and ends when
// nothing waits. A name that a process ships is left to it.
func (c *shipCmd) run(a *app) (int, error) {
	dir, from := c.Dir, ""
	if dir == "" {
		var ok bool
		if dir, from, ok = a.folder(); !ok {
			return 0, usage("ship: entries are shipped from a journal's folder; want DIR")
		}
	}
	if err := a.checkFolder(dir, from); err != nil {
		return 0, err
	}
	if err := c.apart(a, dir); err != nil {
		return 0, err
	}
	odd := func(err error) { a.talk("%s", plain(err)) }
	// What services that do not come back were serving when they died.
	if _, err := journalsink.AdoptCrashed(dir, &journalsink.Options{Now: a.now, OnError: odd}); err != nil {
		return 0, err
	}
	names, err := journalsink.Writers(dir)
	switch {
	case err != nil && len(names) == 0:
		return 0, err
	case err != nil:
		odd(err)
	case len(names) == 0:
		return 0, &noneError{fmt.Sprintf(a.say("no entries in %s", "%s에 기록 없음"), dir)}
	}
	t := newShipTime(a.ctx, c.For)
	defer t.stop()
	to, err := c.open(a)
	if err != nil {
		return 0, err
	}
	code, err := c.all(t, a, dir, names, to)
	ctx, cancel := t.closing()
	defer cancel()
	cerr := to.Close(ctx)
	switch {
	case err != nil:
		return 0, err
	case cerr != nil && ctx.Err() == nil: // else it tidies at its next start: what it took it has
		return 0, cerr
	}
	return code, nil
}

// apart refuses to ship a folder into itself: each entry that is shipped would be one
// more to ship.
func (c *shipCmd) apart(a *app, dir string) error {
	scheme, rest, _ := strings.Cut(c.To, ":")
	if scheme != "journal" {
		return nil
	}
	from, err := os.Stat(dir)
	if err != nil {
		return nil //nolint:nilerr // who opens it says so
	}
	to, err := os.Stat(rest)
	if err != nil || !os.SameFile(from, to) {
		return nil //nolint:nilerr // what is not there yet is another one
	}
	return usage(a.say("--to %s is the folder that is shipped from, and would be filled with copies of itself; want another folder",
		"--to %s: 보내는 폴더와 같아 사본으로 채워짐. 다른 폴더를 지정"), c.To)
}

// all ships the entries of each writer's name, as far as there is time.
func (c *shipCmd) all(t *shipTime, a *app, dir string, names []string, to sink.Sink) (int, error) {
	code := exitNone
	for i, name := range names {
		if t.over() {
			a.talk(a.say("not begun: %s", "시작하지 못함: %s"), strings.Join(names[i:], ", "))
			return exitPartial, nil
		}
		got, err := c.ship(t, a, dir, name, to)
		switch {
		case err != nil:
			return 0, err
		case got == exitPartial, got == exitFound && code == exitNone:
			code = got
		}
	}
	return code, nil
}

// shipTime is how long a run may take.
type shipTime struct {
	ctx  context.Context // of delivering
	run  context.Context // ends by an interrupt
	end  time.Time       // of all, with --for; else zero
	stop context.CancelFunc
}

// newShipTime keeps a part of the time for the closing.
func newShipTime(ctx context.Context, limit time.Duration) *shipTime {
	t := &shipTime{ctx: ctx, run: ctx, stop: func() {}}
	if limit > 0 {
		t.end = time.Now().Add(limit)
		t.ctx, t.stop = context.WithTimeout(ctx, limit-min(limit/4, closeTime))
	}
	return t
}

// over reports whether nothing more is begun.
func (t *shipTime) over() bool { return t.ctx.Err() != nil }

// closing is the time to close something in. It ends at once by an interrupt that comes
// meanwhile; after one that came before there is a moment.
func (t *shipTime) closing() (context.Context, context.CancelFunc) {
	d := closeTime
	if !t.end.IsZero() {
		d = min(d, max(time.Until(t.end), closeTime/10))
	}
	if t.run.Err() == nil {
		return context.WithTimeout(t.run, d)
	}
	return context.WithTimeout(context.WithoutCancel(t.run), min(d, closeTime/2))
}

// lent is a sink that several Ships write to, one after another: none of them closes it.
type lent struct{ sink.Sink }

// Close leaves the sink open.
func (lent) Close(context.Context) error { return nil }

// Unwrap implements [sink.Wrapper].
func (l lent) Unwrap() sink.Sink { return l.Sink }

// TakesLines implements [sink.LineTaker].
func (l lent) TakesLines() bool { return sink.TakesLines(l.Sink) }

// ship ships the entries of one writer's name.
func (c *shipCmd) ship(t *shipTime, a *app, dir, writer string, to sink.Sink) (int, error) {
	odd := func(err error) {
		if !errors.Is(err, sink.ErrLeft) { // the last line says so
			a.talk("%s", plain(err))
		}
	}
	spool, err := journalsink.OpenSpool(dir, &journalsink.SpoolOptions{Name: writer, Now: a.now, OnError: odd})
	if err != nil {
		return 0, err
	}
	name := c.Name
	if name == "" {
		name = sink.NameOf(to)
	}
	// A service tries a folder that it can not write to again for as long as it runs.
	// Here somebody waits for an answer.
	feed, err := spool.Attach(t.run, name)
	if err == nil {
		err = feed.Close()
	}
	if err != nil && !errors.Is(err, sink.ErrHeld) {
		return 0, fmt.Errorf(a.say("%s: nothing can be shipped, since what was shipped can not be written down there: %w",
			"%s: 전송 상태를 기록할 수 없어 전송할 수 없음: %w"), dir, err)
	}
	h, err := sink.NewShip(spool, lent{to}, &sink.ShipOptions{Name: name, MaxAge: -1, Now: a.now, OnError: odd})
	if err != nil {
		return 0, usage("%s", plain(err))
	}
	ferr := h.Flush(t.ctx)
	var drop *sink.DropError
	done := ferr == nil || errors.As(ferr, &drop) && !errors.Is(ferr, sink.ErrUnread)
	closing, cancel := t.closing()
	defer cancel()
	err = h.Close(closing)
	if errors.Is(ferr, sink.ErrHeld) {
		a.talk(a.say("%s: a process ships it to %s already", "%s: %s로 전송 중인 프로세스가 이미 있음"), writer, name)
		return exitFound, nil
	}
	s := h.Stats()
	if werr := a.shipped(&s, writer, done); werr != nil {
		return 0, werr
	}
	switch {
	case !done || s.DroppedTotal() > 0:
		return exitPartial, nil
	case err != nil && !errors.Is(err, sink.ErrLeft):
		return 0, err
	case s.Delivered == 0:
		return exitNone, nil
	}
	return exitFound, nil
}

// shipped says what became of the entries of one writer's name. What waits once all was
// delivered that was there has come meanwhile.
func (a *app) shipped(s *sink.ShipStats, writer string, done bool) error {
	text := fmt.Sprintf(a.say("%s → %s: %s delivered", "%s → %s: %s건 전송"), writer, s.Name, human.Count(s.Delivered))
	waiting := a.say("%s left", "%s건 남음")
	if done {
		waiting = a.say("%s came meanwhile", "그동안 %s건 새로 기록됨")
	}
	for _, part := range []struct {
		n    int64
		text string
	}{
		{s.Waiting, waiting},
		{s.Dropped[sink.DropRefused], a.say("%s refused, see txtrail doctor", "%s건 거부, txtrail doctor 참고")},
		{s.Dropped[sink.DropDamaged], a.say("%s damaged", "%s건 손상")},
		{s.Dropped[sink.DropRetention], a.say("%s lost to the folder's bounds", "%s건 보존 한도로 삭제됨")},
	} {
		if part.n > 0 {
			text += ", " + fmt.Sprintf(part.text, human.Count(part.n))
		}
	}
	_, err := fmt.Fprintln(a.stdout, render.Escape(text))
	return writing(err)
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
