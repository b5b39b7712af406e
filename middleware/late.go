package middleware

import (
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// usedLate tells, once, that the response was used after its handler had returned.
// That is a fault which net/http does not report, and which shows up as another
// request's corruption; the exchange's own entry has gone out by then.
func (ex *exchange) usedLate() {
	ex.mu.Lock()
	tell := ex.done && !ex.late && !ex.gaveConn && ex.ctx.Scope.Recorder != nil
	ex.late = ex.late || tell
	page := ""
	if tell {
		page = ex.entryPage()
	}
	ex.mu.Unlock()
	if !tell {
		return
	}
	s := &ex.ctx.Scope
	e := &entry.Entry{
		Time: ex.now().UTC(), Kind: entry.KindLog, Severity: entry.SeverityWarning,
		TxID: s.ID, Origin: s.Origin, Trace: s.Trace, Span: s.Span, Parent: s.Parent,
		Message: capture.Bound(ex.req.Method, 32) + " " + boundPath(pathOf(ex.req), 1<<10) + ": response used after the handler had returned",
		Flags:   []string{entry.FlagLate},
		Logger:  "txtrail/middleware",
	}
	e.Facts.Carry(s.Carried)
	e.Facts.EntryPage = page
	ex.enqueue(&ex.ctx, e, false)
}
