package sink

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

const (
	defaultShipBatch = 500
	maxShipBatch     = 10_000
	// maxShipBytes is what a request may hold at the narrowest of the usual
	// destinations (10 MB, at Cloud Logging and BigQuery), with room for its envelope.
	maxShipBytes  = 9_000_000
	defaultMaxAge = 500 * time.Millisecond
	defaultPoll   = 200 * time.Millisecond
	maxShipName   = 256
)

// ShipOptions configures a [Ship]. Nil means the defaults.
type ShipOptions struct {
	// Name is what the Spool remembers the sink by. At most 256 bytes. Default: the
	// sink's own name ([Named]), which it must have then.
	Name string
	// MaxBatch and MaxBatchBytes bound one Write: how many entries, and how many bytes
	// their canonical lines have; the entry that reaches it is the last. Default 500
	// and 1 MiB, at most 10,000 and 9 MB.
	MaxBatch, MaxBatchBytes int
	// MaxAge is how long an entry waits for others to make a batch with, from when it
	// was seen in the Spool; negative: not at all. With the time that a request takes it
	// is the tail that is lost with a machine and its disk. Default 500 ms, which
	// makes that about a second.
	MaxAge time.Duration
	// Poll is how often the Spool is looked at, for the entries of other processes.
	// Those of the own process tell of themselves. Default 200 ms.
	Poll time.Duration
	// WriteTimeout bounds one Write of the sink, by its context. Default 1 min.
	WriteTimeout time.Duration
	// RetryMin and RetryMax bound the pause before a failed write is tried again. It
	// doubles from one to the other and is shortened at random by up to a half; a sink
	// that says when to come back is obeyed. There is no limit on how often. Default
	// 100 ms and 30 s.
	RetryMin, RetryMax time.Duration
	// Follow makes Flush wait also where another process ships for this sink: until that
	// one has written down that it has delivered what was in the Spool, which takes it up
	// to Poll and MaxAge longer than its own. Only if the Spool is a [Marker]. Default
	// false: Flush returns an error that wraps [ErrHeld] at once.
	Follow bool
	// Resource is set on the gap entries of the Spool. Default nil: none.
	Resource *entry.Resource
	// OnError is told of failed writes, of entries refused, lost and damaged
	// ([*DropError]), and of faults of the Spool, at most once a second for each sort.
	// It is called as QueueOptions.OnError is: one call at a time, and it holds up
	// delivery for 50 ms at most. Default: a warning to slog.Default(), at most one line
	// per 10 s for each sort.
	OnError func(error)
	// Now is the clock of time stamps. Default time.Now.
	Now func() time.Time
}

// complete returns a copy with the defaults filled in.
func (o *ShipOptions) complete(s Sink) (ShipOptions, error) {
	var c ShipOptions
	if o != nil {
		c = *o
	}
	if c.Name == "" {
		c.Name = NameOf(s)
	}
	switch {
	case c.Name == "":
		return c, fmt.Errorf("%w: Name is empty and the sink has none of its own: give it one, by which the next start knows what it has got", ErrOptions)
	case len(c.Name) > maxShipName || !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return c, fmt.Errorf("%w: Name is %.300q, want at most %d bytes of text on one line", ErrOptions, c.Name, maxShipName)
	case c.MaxBatch < 0 || c.MaxBatch > maxShipBatch:
		return c, fmt.Errorf("%w: MaxBatch is %d, want up to %d entries, or 0 for %d", ErrOptions, c.MaxBatch, maxShipBatch, defaultShipBatch)
	case c.MaxBatchBytes < 0 || c.MaxBatchBytes > maxShipBytes:
		return c, fmt.Errorf("%w: MaxBatchBytes is %d, want up to %d, or 0 for %d", ErrOptions, c.MaxBatchBytes, maxShipBytes, MaxBatchBytes)
	case c.MaxAge > time.Hour:
		return c, fmt.Errorf("%w: MaxAge is %s, want at most 1h: what waits is lost with the machine", ErrOptions, c.MaxAge)
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = defaultShipBatch
	}
	if c.MaxBatchBytes == 0 {
		c.MaxBatchBytes = MaxBatchBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"Poll", &c.Poll, defaultPoll},
		{"WriteTimeout", &c.WriteTimeout, defaultWriteTimeout},
		{"RetryMin", &c.RetryMin, min(defaultRetryMin, positive(c.RetryMax, defaultRetryMin))},
		{"RetryMax", &c.RetryMax, max(defaultRetryMax, c.RetryMin)},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%w: %s is %s, want a positive duration, or 0 for %s", ErrOptions, d.name, *d.value, d.def)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.RetryMin > c.RetryMax {
		return c, fmt.Errorf("%w: RetryMin %s is longer than RetryMax %s", ErrOptions, c.RetryMin, c.RetryMax)
	}
	return c, nil
}
