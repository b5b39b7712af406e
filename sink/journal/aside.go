package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// asideAfter is how long is waited for a closed file that can not be read: long enough for
// what passes, such as too many open files, and for the Flushes of those whose entries may
// be in it.
const asideAfter = 10 * time.Second

// unreadable notes that a base can not be read now. An open one may grow meanwhile, so that
// it is not put aside.
func (f *feed) unreadable(x *followed, err error) {
	f.damage(Damage{File: x.file(), Err: fmt.Errorf("%w: %w", ErrUnreadable, err)})
	if !x.closed {
		return
	}
	now := f.s.opts.Now()
	if x.unread.IsZero() {
		x.unread = now
	}
	if !x.aside && now.Sub(x.unread) >= asideAfter {
		x.aside, f.dirty = true, true
		f.aside++
	}
}

// readable notes with what error, if any, a closed base was read.
func (f *feed) readable(ctx context.Context, x *followed, err error) {
	switch {
	case err == nil:
		f.dirty = f.dirty || x.aside
		x.unread, x.aside = time.Time{}, false
	case ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist): // it is gone, as the next listing says
		f.unreadable(x, err)
	}
}

// retry looks whether a counted base that could not be read can be by now.
func (f *feed) retry(ctx context.Context, x *followed) {
	_, err := f.s.openPlain(ctx, x.text+extClosed, f.damage)
	f.readable(ctx, x, err)
}
