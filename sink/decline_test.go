package sink_test

import (
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// What a strategy leaves out is counted, and the account is right without it.
func TestDecline(t *testing.T) {
	q := newQueue(t, sink.Discard(), nil)
	e := &entry.Entry{}
	e.Request.Body.Raw = append(q.Buffers().Get(600), "secret"...)
	kept := e.Request.Body.Raw[:6]
	q.Decline(e)
	q.Decline(nil)
	var none *sink.Queue
	none.Decline(e)
	if e.Request.Body.Raw != nil || string(kept) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("the buffer was not taken back and cleared: %q", kept)
	}
	q.Enqueue(logEntry(1))
	mustClose(t, q)
	s := q.Stats()
	if s.Declined != 1 || s.Captured != 1 {
		t.Errorf("%+v", s)
	}
	if err := balance(s); err != nil {
		t.Error(err)
	}
}
