package main

import (
	"fmt"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/internal/render"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

type reshipCmd struct {
	Sink string `placeholder:"NAME" help:"Only what this sink has refused; see txtrail doctor. Default: every sink."`
}

// run has dead letters sent again, by who ships from the folder.
func (c *reshipCmd) run(a *app) (int, error) {
	dir, from, ok := a.folder()
	if !ok {
		return 0, usage("reship: dead letters are in a journal's folder; want --source DIR")
	}
	if err := a.checkFolder(dir, from); err != nil {
		return 0, err
	}
	files, err := journalsink.DeadFiles(dir)
	if err != nil && len(files) == 0 {
		return 0, err
	}
	pending := false
	for i := range files {
		pending = pending || files[i].Again && (c.Sink == "" || files[i].Sink == c.Sink)
	}
	n, err := journalsink.Reship(dir, c.Sink)
	if err != nil {
		if n == 0 {
			return 0, err
		}
		a.talk("%s", plain(err))
	}
	if n == 0 {
		if pending {
			return 0, &noneError{a.say("dead letters are being sent again already; once they are through, more can be", "이미 재전송 중인 기록이 있음: 끝난 뒤 다시 실행")}
		}
		return 0, &noneError{fmt.Sprintf(a.say("no dead letters in %s", "%s에 거부된 기록 없음"), dir)}
	}
	states, err := journalsink.ShipStates(a.ctx, dir, a.now())
	if a.ctx.Err() != nil {
		return 0, err // else it has been said, and the letters are on their way
	}
	alive := false
	for i := range states {
		alive = alive || states[i].Alive && (c.Sink == "" || states[i].Sink == c.Sink)
	}
	by := a.say("by the next start of the service, or by txtrail ship", "다음 서비스 시작 또는 txtrail ship이")
	if alive {
		by = a.say("by the process that ships now", "지금 전송 중인 프로세스가")
	}
	_, err = fmt.Fprintln(a.stdout, render.Escape(fmt.Sprintf(a.say("%s dead letters will be sent again, %s", "거부된 기록 %s건: %s 재전송"), human.Count(n), by)))
	return exitFound, writing(err)
}
