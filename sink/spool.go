package sink

import (
	"context"
	"errors"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// ErrHeld is returned, wrapped, by a [Spool] from which another [Ship], usually of
// another process, takes the entries for this sink. It goes when that process does.
var ErrHeld = errors.New("sink: another process ships for this sink")

// Spool is where entries wait, on a disk, until a [Ship] has delivered them. It
// remembers for each sink, by the sink's name, how far that is, across the death of
// the process. Package sink/journal has one.
type Spool interface {
	// Attach takes over the entries for the sink of that name. One at a time has
	// them, of all processes: the others get an error that wraps [ErrHeld] at once.
	// Any other error is one that may go away.
	Attach(ctx context.Context, name string) (Feed, error)
}

// Marker is implemented by a [Spool] that can tell how far another process has got.
type Marker interface {
	// Mark returns the place behind everything that is in the Spool by now for the sink
	// of that name. Its Passed reads what the process has written down that ships, and
	// may be asked by any one goroutine.
	Mark(ctx context.Context, name string) (Mark, error)
}

// Surveyor is implemented by a [Spool] that can tell what waits without taking it over:
// where Attach fails somebody should know of it all the same.
type Surveyor interface {
	// Survey returns what waits for the sink of that name, and changes nothing. An error
	// says that it can not be told now.
	Survey(ctx context.Context, name string) (Backlog, error)
}

// Feed is what one Ship reads from a [Spool]. One goroutine uses it; only Changed's
// channel may be waited for by others.
type Feed interface {
	// Look looks for new entries, and returns what Next has not returned yet, as far
	// as it can be told: what is damaged counts until Next has met it.
	// An error that wraps [ErrHeld] says that another process has taken over: the Feed is
	// of no use any more but to be closed.
	Look(ctx context.Context) (Backlog, error)
	// Mark returns the place behind everything that the last Look has seen: what Next
	// has returned and nobody has committed, and what it has not returned yet. What was
	// put aside is left out; see [Backlog].
	Mark() Mark
	// Next fills b with what follows, in the order of writing for each process that
	// wrote, and leaves its Entries empty when there is nothing. They are sealed and
	// the caller's. The error may go away; nothing of b counts then.
	Next(ctx context.Context, b *SpoolBatch) error
	// Commit says that the first n entries that the last Next returned, and all from
	// before it, are settled: delivered, or dropped for good. It may be called again
	// with a larger n. It counts at once, for a [Mark]; the Spool may write it down a
	// moment later; what it has not when the process dies comes again, under the same
	// InsertIDs. An error says that it could not be written down; that is tried again.
	Commit(ctx context.Context, n int) error
	// Peek fills b with what comes after a place, nil for that behind the last Next, or
	// leaves its Entries empty when there is nothing by now, and returns the place behind
	// it. Nothing is taken by that: Next returns it again.
	Peek(ctx context.Context, from Place, b *SpoolBatch) (Place, error)
	// Bury keeps entries that the sink has refused for good where people find them.
	Bury(ctx context.Context, letters []DeadLetter) error
	// Grave says where that is, in a few words that may stand in an entry: a path below
	// the Spool's own place.
	Grave() string
	// Changed holds a token when Look may find more; nil if only looking tells.
	Changed() <-chan struct{}
	// Close writes down what was committed, and lets the next one attach.
	Close() error
}

// Mark is a place in a [Spool]: behind everything that was in it at one moment. As long as
// it is not passed, none is that was made later.
type Mark interface {
	// Passed reports whether all before it is settled: it was committed or put aside, or
	// there is nothing there that could be. It is asked by the goroutine that uses the Feed.
	Passed() bool
}

// Place is where a Peek has ended. It is for the Feed that it comes from.
type Place any

// Backlog is what waits in a [Spool] for one sink.
type Backlog struct {
	Entries int64 // with Unread
	Bytes   int64 // of the lines of the others, before compression; an estimate
	// Unread are entries that can not be read now, which is tried again by each Look:
	// Next leaves them out. Where it is not known how many they are they count as one.
	Unread int64
	// Aside is how often what can not be read was given up waiting for: from then on a
	// [Mark] is passed without it. It only grows.
	Aside int64
}

// SpoolBatch is what [Feed].Next reads at a time.
type SpoolBatch struct {
	// The caller's bounds: at most MaxEntries; the entry that reaches MaxBytes, of
	// canonical lines, is the last.
	MaxEntries, MaxBytes int
	// Heads says that entry.Head is enough of an entry; see [LineTaker].
	Heads bool

	// Entries are what was read. The first Gaps of them are gap entries of the Spool's
	// own, for what its bounds made it remove before it was delivered.
	Entries []*entry.Entry
	Gaps    int
	// Lost are the entries that those gaps tell of, Damaged those that were passed
	// over since they can not be read.
	Lost, Damaged int64
	// DamagedAt names the place of the first of those that were passed over, as no place
	// of any Spool is named, and by the same name when it is read again. A gap entry that
	// comes twice after a crash has the same InsertID by it, although perhaps another Time
	// and count. Default "": none is known.
	DamagedAt string
}

// reset empties a batch for the next reading.
func (b *SpoolBatch) reset() {
	clear(b.Entries)
	b.Entries = b.Entries[:0]
	b.Gaps, b.Lost, b.Damaged, b.DamagedAt = 0, 0, 0, ""
}

// DeadLetter is an entry that a sink has refused for good.
type DeadLetter struct {
	Entry  *entry.Entry
	Reason string // what the sink said
	Time   time.Time
}

// Named is implemented by a [Sink] that has a name of its own, which stays the same
// from one start of a process to the next and differs between destinations:
// "cloudlogging:projects/shop-prod/logs/txtrail". A [Spool] remembers by it what the
// sink has got; under another name it gets everything again.
type Named interface {
	Name() string
}

// NameOf returns the name of s, or "" if it has none. A [Filter] has that of the sink
// behind it.
func NameOf(s Sink) string {
	if f, ok := s.(*filter); ok {
		return NameOf(f.sink)
	}
	if n, ok := s.(Named); ok {
		return n.Name()
	}
	return ""
}

// LineTaker is implemented by a [Sink] that reads of an entry only its Line, and what
// [entry.Head] reads of it (Time, TxID, InsertID, Severity, Kind), if TakesLines says
// so. A [Ship] then spares it, and itself, the parsing.
type LineTaker interface {
	TakesLines() bool
}

// TakesLines reports whether s is a [LineTaker] that says so.
func TakesLines(s Sink) bool {
	t, ok := s.(LineTaker)
	return ok && t.TakesLines()
}

// WithName returns s under another name, for a [Spool] to remember it by: where two
// sinks would have the same one, or where a sink has none.
func WithName(s Sink, name string) Sink { return &renamed{s, name} }

type renamed struct {
	Sink
	name string
}

// Name implements [Named].
func (r *renamed) Name() string { return r.name }

// Unwrap implements [Wrapper].
func (r *renamed) Unwrap() Sink { return r.Sink }

// TakesLines implements [LineTaker].
func (r *renamed) TakesLines() bool { return TakesLines(r.Sink) }
