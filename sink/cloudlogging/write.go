package cloudloggingsink

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// writing is one Write.
type writing struct {
	s               *Sink
	r               *request
	failed          []error // of each entry of the batch
	faults          int     // how many of them are set
	refused         []int   // entries that the service may have refused for their time
	splits, clamped []int   // entries sent as parts, and with another time
	untimed         bool    // the service sets the times of what is sent now
	probed          bool    // the service takes entries as such
}

func (w *writing) fail(i int, err error) {
	if w.failed[i] == nil {
		w.faults++
		w.failed[i] = err
	}
}

// add encodes an entry. A zero now leaves its time to the service.
func (w *writing) add(i int, e *entry.Entry, now time.Time) {
	if e == nil || !e.Sealed() {
		w.fail(i, sink.Permanent(errors.New("cloudloggingsink: the entry is not sealed")))
		return
	}
	r, line := w.r, e.Line()
	at := len(r.buf)
	buf, err := r.x.append(r.buf, line, now, part{})
	if errors.Is(err, errLine) {
		// No line of entry.Seal is one, but others may write to a journal: where package
		// entry can read it, what it reads is sent.
		if own, perr := entry.Parse(line); perr == nil {
			line = own.AppendJSON(nil)
			buf, err = r.x.append(r.buf, line, now, part{})
		}
	}
	if errors.Is(err, errTooLarge) {
		if buf, _, err = r.x.split(r.buf, line, now); err == nil && !w.untimed {
			w.splits = append(w.splits, i)
		}
	}
	r.buf = buf
	if err != nil {
		w.fail(i, sink.Permanent(fmt.Errorf("%w (insertId %.80s)", err, e.InsertID)))
		return
	}
	if r.x.clamped && !w.untimed {
		w.clamped = append(w.clamped, i)
	}
	for at < len(buf) {
		n, size := binary.Uvarint(buf[at+1:]) // behind the tag
		at += 1 + size + int(n)
		r.ends, r.owner = append(r.ends, at), append(r.owner, i)
	}
}

// sendAll sends what was encoded in requests of a size that the service takes. After
// a fault that is not of the entries the rest is not tried: it would come before what
// has to be sent again. It reports whether there was none.
func (w *writing) sendAll(ctx context.Context) bool {
	r := w.r
	for from := 0; from < len(r.ends); {
		to, start := from+1, w.start(from)
		for to < len(r.ends) && r.ends[to]-start <= maxRequest {
			to++
		}
		if err := w.send(ctx, from, to); err != nil {
			for i := from; i < len(r.ends); i++ {
				w.fail(r.owner[i], err)
			}
			return false
		}
		from = to
	}
	return true
}

// again sends what was refused once more, without its time, which it keeps in the
// payload: the service refuses what is more than a day ahead by its own clock, and
// this machine's may be the one that is wrong.
func (w *writing) again(ctx context.Context, batch []*entry.Entry) {
	w.untimed = true
	w.r.reset()
	slices.Sort(w.refused)
	for _, i := range w.refused {
		w.failed[i] = nil
		w.faults--
		w.add(i, batch[i], time.Time{})
		if !slices.Contains(w.clamped, i) {
			w.clamped = append(w.clamped, i)
		}
	}
	w.sendAll(ctx)
}

// start is where the i-th message begins in the buffer.
func (w *writing) start(i int) int {
	if i == 0 {
		return 0
	}
	return w.r.ends[i-1]
}

// send sends the messages from..to-1. It notes the ones that the service refuses; an
// error is one of the whole.
func (w *writing) send(ctx context.Context, from, to int) error {
	req := w.s.message()
	body := w.r.buf[w.start(from):w.r.ends[to-1]]
	// The messages are put in as they are: field 4, which the client's types would
	// hold as messages, is on the wire the same bytes.
	req.ProtoReflect().SetUnknown(body)
	w.s.sent.Add(1)
	w.s.bytes.Add(int64(len(body)))
	_, err := w.s.client.WriteLogEntries(ctx, req, w.s.call...)
	if err == nil {
		return nil
	}
	if refused := partialErrors(err); len(refused) > 0 {
		for i := range refused {
			if i < 0 || int(i) >= to-from {
				// An answer to something else: nothing of it counts.
				return w.s.retryable(fmt.Sprintf("the answer names entry %d of %d: look at what is between here and the service", i, to-from), err, mended)
			}
		}
		for i, st := range refused {
			if rerr := status.FromProto(st).Err(); rerr != nil {
				w.refuse(ctx, from+int(i), rerr)
			}
		}
		return nil
	}
	if status.Code(err) != codes.InvalidArgument {
		return w.s.fault(ctx, err)
	}
	// The service names no entry when it has written none. Either all are bad, or
	// what they have in common is. It may be the time: see again. If not, each half is
	// asked, down to single ones; and of a single one, whether a good one in its place is
	// taken.
	switch {
	case !w.untimed:
		for i := from; i < to; i++ {
			w.refuse(ctx, i, err)
		}
		return nil
	case to-from > 1:
		middle := (from + to) / 2
		if err := w.send(ctx, from, middle); err != nil {
			return err
		}
		return w.send(ctx, middle, to)
	case !w.probed: // once for all of the batch
		if perr := w.s.probe(ctx); perr != nil {
			return w.s.fault(ctx, perr)
		}
		w.probed = true
	}
	w.refuse(ctx, from, err)
	return nil
}

// refuse notes that the service did not take the i-th message.
func (w *writing) refuse(ctx context.Context, i int, err error) {
	owner := w.r.owner[i]
	if w.failed[owner] == nil && !w.untimed && isRefusal(err) {
		w.refused = append(w.refused, owner)
	}
	w.fail(owner, w.s.refusal(ctx, err))
}

// probe asks whether the service takes an entry at all, in a dry run.
func (s *Sink) probe(ctx context.Context) error {
	req := s.message()
	req.DryRun = true
	req.Entries = []*loggingpb.LogEntry{{ // without a time, which may be what is wrong here
		InsertId: "txtrail-probe",
		Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: map[string]*structpb.Value{
			"message": structpb.NewStringValue("probe"),
		}}},
	}}
	s.sent.Add(1)
	_, err := s.client.WriteLogEntries(ctx, req, s.call...)
	return err
}

// result returns what Write does, and counts.
func (w *writing) result() error {
	count := func(list []int) (n int64) {
		for _, i := range list {
			if w.failed[i] == nil {
				n++
			}
		}
		return n
	}
	w.s.entries.Add(int64(len(w.failed) - w.faults))
	w.s.splits.Add(count(w.splits))
	w.s.clamped.Add(count(w.clamped))
	if w.faults == 0 {
		return nil
	}
	partial := &sink.PartialError{}
	same := w.faults == len(w.failed)
	for i, err := range w.failed {
		if err != nil {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: err})
			same = same && err == w.failed[0]
		}
	}
	if same {
		return w.failed[0]
	}
	return partial
}
