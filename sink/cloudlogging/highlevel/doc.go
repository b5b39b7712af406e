// Package highlevelsink writes entries to Google Cloud Logging by a client that the
// program has already: a *logging.Client or a *logging.Logger of
// cloud.google.com/go/logging, with its credentials, endpoint, interceptors and
// quota project. Where there is none yet, package cloudloggingsink is the better
// one: it makes a client of its own and costs an eighth of the CPU.
//
// An entry becomes the same LogEntry as there, and what is promised is the same: each
// entry is answered for, a refused one is reported alone, what can be cured is tried
// again by who calls, and insertId and timestamp make one entry of what is sent twice.
//
// # How, and why not otherwise
//
// Each entry is a call of its own, by Logger.LogSync, several at a time. Logger.Log
// and Logger.Flush, which send many entries with one call, can not be trusted with
// entries that must not be lost: errors are gathered for the whole client, and whoever
// asks first, another Logger's Flush or Client.Close, takes them away, so that our
// Flush says nil of entries that were never written; of several errors all but the
// last are forgotten; a full buffer drops; a quota is not waited for; and an entry that
// fails after Client.Close ends the program with a panic. LogSync goes past the buffer,
// takes a context, and its error is that of its entry.
//
// # What is worse than with cloudloggingsink
//
//   - A call for each entry: some 42 µs of CPU instead of 5.4, and no more entries a
//     second than Options.Concurrent divided by the time of a call. Projects that have
//     the quota of 120,000 calls of entries.write a minute still
//     (cloud.google.com/logging/quotas) write no more entries than that, all of their
//     writers together.
//   - The client repeats what is Unavailable, Internal or too slow by itself and says
//     nothing of it: an outage shows as a call that took longer than
//     Options.CallTimeout, without its cause.
//   - LogEntry.split can not be set: a part of an entry above 256 KiB has its number in
//     jsonPayload.split, as lines of the stdout sink have. Readers take both.
//   - A time can not be left to the service: what a machine sends whose clock is more
//     than a day ahead is refused and goes to the dead letters.
//   - No compression, unless the client was made so.
//   - Entries of a batch are stored in any order. The service sorts by timestamp.
//   - When all of a batch is refused, an entry of 1970 asks whether it is the batch or
//     the project. The service keeps none so old, but its exports may.
package highlevelsink
