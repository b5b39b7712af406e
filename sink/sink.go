package sink

import (
	"context"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/report"
)

// Sink takes batches of sealed entries to where they are kept. Its law, which
// package sinktest checks case by case:
//
//   - Write is synchronous. Nil means that every entry of the batch has been
//     accepted, as durably as the sink promises. What is not reported as failed
//     counts as delivered and is never sent again.
//   - Write keeps nothing. The batch, its entries and their lines are the
//     caller's, who reuses their memory when Write returns; a sink that needs
//     them longer copies them. Nor does it change them: other sinks read them.
//   - Write does not retry. It says what a retry is good for: an error made by
//     [Permanent] will not go away, one made by [Retryable] may, and says when; a
//     [*PartialError] names the entries that failed, by their indexes in the batch
//     given; the others were accepted. Any other error is taken as retryable,
//     since nothing may be lost by a sink's silence.
//   - Entries are kept in the order of the batch. An empty batch is no error.
//   - A context that has ended gives an error that is not permanent. Write
//     returns soon after its context ends.
//   - An entry that is not sealed is refused permanently.
//   - Close releases what the sink holds, within its context; one that closes other
//     sinks, which may hang, says how much longer it needs ([Nested]). It may be called
//     while a Write runs, which then has been done or not done and says which;
//     and more than once, also at the same time. Later Writes return a permanent error that wraps
//     [ErrClosed].
//
// Both methods are safe for concurrent use. A Queue never calls Write twice at a
// time, but several queues may share a sink.
type Sink interface {
	Write(ctx context.Context, batch []*entry.Entry) error
	Close(ctx context.Context) error
}

// WithoutRecording marks a context as our own: log lines and outbound calls made
// with it are not recorded. A sink's own calls would otherwise become entries,
// which cause calls, without end. The context of every [Sink] Write of a Queue is
// marked, as is the one its default error log uses.
func WithoutRecording(ctx context.Context) context.Context {
	return report.Own(ctx)
}

// Unrecorded reports whether ctx comes from [WithoutRecording].
func Unrecorded(ctx context.Context) bool {
	return report.IsOwn(ctx)
}
