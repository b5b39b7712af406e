package sink

import (
	"errors"
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// Bounds of a batch. 512 entries amortize a write(2) and a fsync; 1 MiB keeps
// one below every backend's limit (Cloud Logging takes 10 MB a request) and the
// worker's memory small.
const (
	MaxBatch      = 512
	MaxBatchBytes = 1 << 20 // the entry that reaches it is the batch's last
)

const (
	maxBlockFor         = time.Minute
	defaultMaxBytes     = 32 << 20
	minMaxBytes         = 16 << 10
	maxMaxBytes         = 4 << 30 // the ring has 85 MB then
	defaultLinger       = 2 * time.Millisecond
	defaultWriteTimeout = time.Minute
	defaultRetryMin     = 100 * time.Millisecond
	defaultRetryMax     = 30 * time.Second
	maxRetryAfter       = time.Hour // a sink that asks for more is asked again by then
)

// ErrOptions is returned, wrapped with the field and the remedy, by [NewQueue] for
// arguments that can not work.
var ErrOptions = errors.New("sink: invalid options")

// QueueOptions configures a [Queue]. Nil means the defaults.
type QueueOptions struct {
	// MaxBytes bounds the memory that waiting entries hold: their raw bodies,
	// their strings and an estimate of the rest. At least 16 KiB, at most 4 GiB: what
	// needs more should wait on a disk. A place for each entry is set aside from the
	// beginning, which takes 2 % of it. Default 32 MiB: some twenty seconds of 300
	// requests a second.
	MaxBytes int64
	// Policy sanitizes. Default nil: the default rules of package sanitize.
	Policy *sanitize.Policy
	// Resource is set on entries that have none. Default nil: none.
	Resource *entry.Resource
	// OnError is told of failed writes, of entries dropped ([*DropError]), and of
	// faults of the sanitizer or of an [entry.Finisher], at most once a second for each
	// sort of error; what comes in between is added up. It is called by a goroutine of
	// its own, one call at a time, so it may log through the queue and Flush it. The
	// worker waits 50 ms for it, no longer, and Close up to a second, or until 50 ms after
	// its context has ended. Default: a warning to slog.Default(), at most one line per
	// 10 s for each sort.
	OnError func(error)
	// Now is the clock of time stamps. Default time.Now.
	Now func() time.Time
	// Linger is how long the worker waits for more entries before it writes a
	// batch that is not full; negative: not at all. Default 2 ms.
	Linger time.Duration
	// BlockFor is how long Enqueue may wait for room when the queue is full, before it
	// drops the entry. It holds up the request, the call or the log line that the entry
	// tells of: choose it where a lost entry is worse than a slow answer. The order of
	// arrival is kept. At most 1 min. Default 0: Enqueue never waits.
	BlockFor time.Duration
	// Confirm is asked by [Queue.Deliver] when the sink has an entry, and what it says
	// is what Deliver returns: where the sink is a journal on this machine, it may wait
	// until what the journal holds has been acknowledged elsewhere, so that the entry
	// outlives the machine. Default nil: the sink's word is enough.
	Confirm Flusher
	// WriteTimeout bounds one Write of the sink, by its context. Default 1 min.
	WriteTimeout time.Duration
	// RetryMin and RetryMax bound the pause before a failed write is tried again.
	// It doubles from one to the other and is shortened at random by up to a
	// half. There is no limit on how often. Default 100 ms and 30 s.
	RetryMin, RetryMax time.Duration
}

// complete returns a copy with the defaults filled in.
func (o *QueueOptions) complete() (QueueOptions, error) {
	var c QueueOptions
	if o != nil {
		c = *o
	}
	switch {
	case c.MaxBytes == 0:
		c.MaxBytes = defaultMaxBytes
	case c.MaxBytes < minMaxBytes:
		return c, fmt.Errorf("%w: MaxBytes is %d, want at least %d, or 0 for %d", ErrOptions, c.MaxBytes, minMaxBytes, defaultMaxBytes)
	case c.MaxBytes > maxMaxBytes:
		return c, fmt.Errorf("%w: MaxBytes is %d, want at most %d (4 GiB): entries that need more should wait on a disk, in a journal", ErrOptions, c.MaxBytes, int64(maxMaxBytes))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.Linger > time.Minute {
		return c, fmt.Errorf("%w: Linger is %s, want at most 1m: entries would be lost with the process", ErrOptions, c.Linger)
	}
	if c.BlockFor < 0 || c.BlockFor > maxBlockFor {
		return c, fmt.Errorf("%w: BlockFor is %s, want at most %s, or 0 to never wait", ErrOptions, c.BlockFor, maxBlockFor)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
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

func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
