package middleware

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
)

// refusals are what a writer says to a handler that writes what can not be sent: the
// client has nothing to do with it.
var refusals = [...]error{http.ErrBodyNotAllowed, http.ErrContentLength, http.ErrHijacked}

// breakage is what broke an exchange off.
type breakage struct {
	ctx, out, in failure // of the request's context, of the writer and of the body
}

// isErr is [errors.Is], and false where err's methods panic, as those of a nil pointer may: a
// handler that asks nothing of such an error is well without us.
func isErr(err, target error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return errors.Is(err, target)
}

// failure is what an error says. The methods of an error are somebody else's, who may
// log with the request's context, as may those of what a panic was thrown with: they are
// called while nothing is locked.
type failure struct {
	failed, canceled, deadline, handlerTimeout bool
	text                                       string
}

// is fills in f from err, which may be nil; slow is what a deadline's error is there.
func (f *failure) is(err, slow error) {
	if err == nil {
		return
	}
	f.failed = true
	f.canceled = isErr(err, context.Canceled)
	f.deadline = isErr(err, slow)
	f.handlerTimeout = isErr(err, http.ErrHandlerTimeout)
	_, f.text = describe(err)
}

// broken fills in b from the errors of writer and body. The lock is held, and let go of
// for as long as there is anything to ask.
func (ex *exchange) broken(b *breakage) {
	var out error
	if ex.rec != nil {
		out = ex.rec.out.failed
	}
	in := ex.reader.failed
	if out == nil && in == nil {
		return
	}
	ex.mu.Unlock()
	defer ex.mu.Lock()
	if slices.ContainsFunc(refusals[:], func(no error) bool { return isErr(out, no) }) {
		out = nil
	}
	b.out.is(out, os.ErrDeadlineExceeded)
	b.in.is(in, os.ErrDeadlineExceeded)
}
