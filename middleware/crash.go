package middleware

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// crashed tells that a handler ended by a panic after it had taken the connection. The
// exchange's entry is out by then, the connection's mostly too, since it is closed by a
// deferred call; where that is open still, nobody may close it for hours. So there is an
// entry for the panic, at once, and one that is to come says how it ended.
func (ex *exchange) crashed(o *outcome) {
	if ex.ctx.Scope.Recorder == nil {
		return // it is not recorded
	}
	ex.kept.Store(true)
	err := entry.Error{Type: entry.ErrorPanic, Message: o.why, Stack: o.stack}
	if o.goexit {
		err.Type, err.Message = entry.ErrorGoexit, goexitText
	}
	ex.mu.Lock()
	s, page := ex.stream, ex.entryPage()
	ex.mu.Unlock()
	if s != nil {
		s.Keep()
		s.say(func(t *told) {
			if t.err.Type == "" {
				t.err.Type, t.err.Message = err.Type, err.Message
			}
		})
	}
	sc := &ex.ctx.Scope
	e := &entry.Entry{
		Time: ex.now().UTC(), Kind: entry.KindLog, Severity: entry.SeverityOf(0, err.Type, o.panicked()),
		TxID: sc.ID, Origin: sc.Origin, Trace: sc.Trace, Span: sc.Span, Parent: sc.Parent,
		Message: capture.Bound(ex.req.Method, 32) + " " + boundPath(pathOf(ex.req), 1<<10) + ": " + err.Type + " in the handler that had taken the connection",
		Error:   err,
		Logger:  "txtrail/middleware",
	}
	if o.panicked() {
		e.Flags = []string{entry.FlagPanic}
	}
	e.Facts.Carry(sc.Carried)
	e.Facts.EntryPage = page
	ex.enqueue(&ex.ctx, e, false)
}
