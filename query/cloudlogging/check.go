package cloudloggingquery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/txid"
)

// Step is one thing that [Source.Check] tried.
type Step struct {
	What string // "read", "write", "read back", and where it is wrong "clock"
	Took time.Duration
	Err  error // nil: it works; else with the remedy
}

// ErrNotBack is wrapped by the error of an entry that was accepted and not found.
var ErrNotBack = errors.New("cloudloggingquery: accepted and not found")

// Check tries what a project is needed for: it reads, writes one entry of kind log to
// the source's log, and reads it back, for which it waits up to wait. After a step
// that fails the following ones are not tried. A source of views alone is only read, and
// one with Options.ReadOnly.
func (s *Source) Check(ctx context.Context, wait time.Duration) []Step {
	var steps []Step
	try := func(what string, f func() error) bool {
		began := time.Now()
		err := f()
		steps = append(steps, Step{what, time.Since(began), err})
		return err == nil
	}
	ok := try("read", func() error {
		c, _ := s.begin(time.Time{})
		_, _, err := (&reading{s: s}).page(ctx, s.first(c.String(), "timestamp desc"), "")
		return err
	})
	if !ok || s.opts.ProjectID == "" || s.opts.ReadOnly {
		return steps
	}
	e := &entry.Entry{
		Time: s.opts.Now(), TxID: txid.ID("txtrail-doctor-" + strings.ToLower(rand.Text())), Kind: entry.KindLog, Severity: entry.SeverityInfo,
		InsertID: "doctor-" + strings.ToLower(rand.Text()), Message: "txtrail doctor: written to be read back",
	}
	if ok = try("write", func() error { return s.write(ctx, e) }); !ok {
		return steps
	}
	var ahead time.Duration
	try("read back", func() error {
		var err error
		ahead, err = s.back(ctx, e, wait)
		return err
	})
	if ahead.Abs() > maxSkew {
		try("clock", func() error {
			which := "ahead of"
			if ahead < 0 {
				which = "behind"
			}
			return fmt.Errorf("%w: it is %s %s the service's: set it; what is a day ahead gets the service's time", ErrClock, ahead.Abs().Round(time.Second), which)
		})
	}
	return steps
}

// maxSkew is how wrong a clock may be before it is told. Entries are sorted by it.
const maxSkew = time.Minute

// ErrClock is wrapped by the error of a machine's clock that is wrong.
var ErrClock = errors.New("cloudloggingquery: this machine's clock")

func (s *Source) write(ctx context.Context, e *entry.Entry) error {
	if err := e.Seal(nil); err != nil {
		return err
	}
	w, err := cloudloggingsink.New(ctx, &cloudloggingsink.Options{
		ProjectID: s.opts.ProjectID, LogID: s.opts.LogID, Client: s.client, Now: s.opts.Now,
		Resource:  &cloudloggingsink.Resource{Type: "global", Labels: map[string]string{"project_id": s.opts.ProjectID}},
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		return err
	}
	return errors.Join(w.Write(ctx, []*entry.Entry{e}), w.Close(ctx))
}

// back waits for the entry: the service takes seconds to index one. It returns how far
// the clock of its time is ahead of the service's.
func (s *Source) back(ctx context.Context, e *entry.Entry, wait time.Duration) (ahead time.Duration, err error) {
	c, _ := s.begin(time.Time{}) // not by its time, which may be wrong
	c.add("operation.id=%s", quote(string(e.TxID)))
	for end := time.Now().Add(wait); ; {
		page, _, err := (&reading{s: s}).page(ctx, s.first(c.String(), "timestamp desc"), "")
		if err != nil {
			return 0, err
		}
		if len(page) > 0 {
			if received := page[0].GetReceiveTimestamp(); received != nil {
				ahead = e.Time.Sub(received.AsTime())
			}
			got, err := cloudloggingsink.Decode(page[0])
			if err == nil && string(got.Line()) != string(e.Line()) {
				err = fmt.Errorf("cloudloggingquery: the entry came back as another: %.200q", got.Line())
			}
			return ahead, err
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%w: %s within %s: look for an exclusion filter on the _Default sink, or a log bucket in another project", ErrNotBack, e.TxID, wait)
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return 0, err
		}
	}
}
