package sinktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Cases returns the law, case by case.
func Cases() []Case {
	return append([]Case{
		{
			Name:   "empty batch",
			Reason: "Write of nothing does nothing and is no error: a Filter or a Fanout may have taken everything out.",
			check:  checkEmpty,
		},
		{
			Name:   "accepted is stored",
			Reason: "Write is synchronous: nil means that each entry is kept, with its line as it was sealed.",
			check:  checkStored,
		},
		{
			Name:   "order",
			Reason: "Entries are kept in the order of the batches and within them: that is the order of capture.",
			check:  checkOrder,
		},
		{
			Name:   "large batch",
			Reason: "A batch may be larger than any the backend takes; splitting it is the sink's business.",
			check:  checkLargeBatch,
		},
		{
			Name:   "large entry",
			Reason: "An entry of a megabyte is kept, if need be shortened, or refused for good by itself; it must not make its neighbours fail, nor be tried for ever.",
			check:  checkLargeEntry,
		},
		{
			Name:   "hostile bytes",
			Reason: "Peers choose the strings of an entry. Newlines, controls and invalid UTF-8 in them must not split a line or spoil the neighbours.",
			check:  checkHostile,
		},
		{
			Name:   "nothing retained",
			Reason: "Write keeps nothing of its batch: the queue reuses the memory of entries and lines as soon as it returns.",
			check:  checkRetained,
		},
		{
			Name:   "nothing changed",
			Reason: "Write changes nothing of its batch: the next sink of a Fanout gets the same entries, and so does the retry.",
			check:  checkUnchanged,
		},
		{
			Name:   "unsealed entry",
			Reason: "An entry without a line has not been sanitized. It is refused for good, and never encoded by the sink itself.",
			check:  checkUnsealed,
		},
		{
			Name:   "indexes of a large batch",
			Reason: "The index of a failure is that in the batch given, also where the sink splits it: by it the caller knows what to send again and what was refused. Who gives one of his own has the wrong entries counted as delivered.",
			check:  checkIndexes,
		},
		{
			Name:   "canceled context",
			Reason: "A context that has ended is no fault of the entries: the error is not permanent, so that they are written later.",
			check:  checkCanceled,
		},
		{
			Name:   "redelivery",
			Reason: "After a lost answer the same entries come again. That is no error; once or twice, they are kept.",
			check:  checkRedelivery,
		},
	}, closeCases()...)
}

func checkEmpty(h Harness) error {
	for _, batch := range [][]*entry.Entry{nil, {}} {
		if err := h.Sink.Write(context.Background(), batch); err != nil {
			return fmt.Errorf("Write of an empty batch: %w", err)
		}
	}
	return h.holds(nil)
}

func checkStored(h Harness) error {
	batch := Samples(0, 3)
	if err := h.accept(batch); err != nil {
		return err
	}
	return errors.Join(h.holds(insertIDs(batch)), h.holdsLines(lines(batch)))
}

func checkOrder(h Harness) error {
	var want []string
	for i, n := range []int{1, 7, 2, 20} {
		// From high to low, so that sorting by InsertID is not mistaken for it.
		batch := Samples(1000-100*i, n)
		slices.Reverse(batch)
		if err := h.accept(batch); err != nil {
			return err
		}
		want = append(want, insertIDs(batch)...)
	}
	return h.holds(want)
}

func checkLargeBatch(h Harness) error {
	batch := Samples(0, 4*sink.MaxBatch)
	if err := h.accept(batch); err != nil {
		return err
	}
	return h.holds(insertIDs(batch))
}

func checkLargeEntry(h Harness) error {
	large := Unsealed(1)
	large.Response.Body.Content = []byte(strings.Repeat(`{"k":"v"} `, 100<<10))
	large.Response.Body.Size = int64(len(large.Response.Body.Content))
	batch := []*entry.Entry{Sample(0), Seal(large), Sample(2)}
	accepted, failed, err := h.write(context.Background(), batch)
	if err != nil {
		return err
	}
	for i, why := range failed {
		if i != 1 {
			return fmt.Errorf("entry %d, beside the large one, was not accepted: %w", i, why)
		}
		if !sink.IsPermanent(why) {
			return fmt.Errorf("the large entry failed, but not for good, so that it would be sent for ever: %w", why)
		}
	}
	return h.holds(accepted)
}

// hostile holds what has broken lines, terminals and backends.
var hostile = []string{
	"\n", "\r\n", "\x00", "\x1b[2J\x1b]0;title\x07", "\x7f", "\x80\xff\xc0\xaf", "\xed\xa0\x80", "\u0085\u2028\u2029", "\u202e\u2066",
	`"`, `\`, `\u0000`, "\n{\"time\":\"2026-01-01T00:00:00Z\",\"txid\":\"forged-line\"}\n", "</script>", "\ufeff", strings.Repeat("\"", 2000),
}

func checkHostile(h Harness) error {
	batch := make([]*entry.Entry, len(hostile))
	for i, s := range hostile {
		e := Unsealed(i)
		e.Message = "a" + s + "b"
		e.HTTP.URL = "/" + s
		e.HTTP.UserAgent = s
		e.Error.Message = s
		e.Request.Headers = append(e.Request.Headers, entry.Header{Name: "X-" + s, Value: s})
		e.Request.Body.Content = []byte(s)
		e.Labels = append(e.Labels, entry.Label{Name: "l" + s, Value: s})
		e.Facts.Device = s
		batch[i] = Seal(e)
	}
	want := lines(batch)
	if err := h.accept(batch); err != nil {
		return err
	}
	return errors.Join(h.holds(insertIDs(batch)), h.holdsLines(want))
}

func checkRetained(h Harness) error {
	batch := Samples(0, 5)
	wantIDs, wantLines := insertIDs(batch), lines(batch)
	given := slices.Clone(batch)
	if err := h.accept(given); err != nil {
		return err
	}
	for i, e := range batch {
		line := e.Line()
		for j := range line {
			line[j] = '#'
		}
		for j := range e.Request.Body.Content {
			e.Request.Body.Content[j] = '#'
		}
		*e = entry.Entry{InsertID: "reused", Message: "the memory was reused"}
		given[i] = nil
	}
	// The next batch flushes what a sink may have put off.
	next := Samples(100, 1)
	if err := h.accept(next); err != nil {
		return err
	}
	wantIDs, wantLines = append(wantIDs, insertIDs(next)...), append(wantLines, lines(next)...)
	return errors.Join(h.holds(wantIDs), h.holdsLines(wantLines))
}

func checkUnchanged(h Harness) error {
	batch := Samples(0, 5)
	given := slices.Clone(batch)
	before := make([]entry.Entry, len(batch))
	wantLines := lines(batch)
	for i, e := range batch {
		before[i] = *e
	}
	if err := h.accept(given); err != nil {
		return err
	}
	if !slices.Equal(given, batch) {
		return errors.New("Write changed the slice it was given")
	}
	for i, e := range batch {
		if string(e.Line()) != wantLines[i] {
			return fmt.Errorf("Write changed the line of entry %d", i)
		}
		if !bytes.Equal(e.AppendJSON(nil), []byte(wantLines[i])) || e.Resource != before[i].Resource {
			return fmt.Errorf("Write changed a field of entry %d", i)
		}
	}
	return nil
}

func checkUnsealed(h Harness) error {
	batch := []*entry.Entry{Sample(0), Unsealed(1), Sample(2)}
	accepted, failed, err := h.write(context.Background(), batch)
	if err != nil {
		return err
	}
	if failed[1] == nil {
		return errors.New("an entry that is not sealed was accepted")
	}
	if !sink.IsPermanent(failed[1]) {
		return fmt.Errorf("an entry that is not sealed failed, but not for good: %w", failed[1])
	}
	if batch[1].Sealed() {
		return errors.New("the sink sealed an entry by itself")
	}
	return h.holds(accepted)
}

func checkIndexes(h Harness) error {
	batch := Samples(0, 3*sink.MaxBatch)
	bad := []int{1, sink.MaxBatch + 7, len(batch) - 1}
	for _, i := range bad {
		batch[i] = Unsealed(i)
	}
	accepted, failed, err := h.write(context.Background(), batch)
	if err != nil {
		return err
	}
	for _, i := range bad {
		if failed[i] == nil {
			return fmt.Errorf("entry %d of a batch of %d is not sealed, and was accepted", i, len(batch))
		}
	}
	return h.holds(accepted)
}

func checkCanceled(h Harness) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	accepted, failed, err := h.write(ctx, Samples(0, 3))
	if err != nil {
		return err
	}
	if len(failed) == 0 {
		return errors.New("Write with a canceled context returned nil")
	}
	for _, why := range failed {
		if sink.IsPermanent(why) {
			return fmt.Errorf("Write with a canceled context says that a retry is useless: %w", why)
		}
	}
	if err := h.holds(accepted); err != nil {
		return err
	}
	// The sink works on.
	batch := Samples(10, 2)
	if err := h.accept(batch); err != nil {
		return fmt.Errorf("after a canceled Write: %w", err)
	}
	return h.holds(append(accepted, insertIDs(batch)...))
}

func checkRedelivery(h Harness) error {
	batch := Samples(0, 3)
	for range 2 {
		if err := h.accept(batch); err != nil {
			return err
		}
	}
	got, err := h.ids()
	if err != nil || h.Stored == nil {
		return err
	}
	for _, id := range insertIDs(batch) {
		if n := count(got, id); n < 1 || n > 2 {
			return fmt.Errorf("%s, written twice, is stored %d times", id, n)
		}
	}
	return nil
}

func count(list []string, s string) (n int) {
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}
