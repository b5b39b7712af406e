// Package sink is where entries go: from the request path through a [Queue] into
// a [Sink].
//
// A [Queue] takes entries without ever waiting, holds them within a bound of
// memory, and has one worker that sanitizes, encodes and hands them in batches to
// its Sink. It owns retrying, so that no Sink has to. What it cannot keep it
// counts by reason, and writes into the trail itself as a gap entry, so that who
// looks up a transaction sees that something is missing and why.
//
// A [Sink] is a small synchronous interface; its law is written there, and each
// part of it is a case of package sinktest. [Fanout] and [Filter] combine sinks,
// [NewResource] says which process the entries come from.
package sink
