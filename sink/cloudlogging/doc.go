// Package cloudloggingsink writes entries to Google Cloud Logging.
//
// It sends what a batch holds with entries.write and says of each entry whether it
// was accepted: one that the service refuses is reported alone, its neighbours are
// written. Limits are kept before sending: an entry beyond 256 KiB goes as numbered
// parts, which readers join; the time of one from a clock that is more than a day
// ahead is brought back, or the service would throw it away silently. Every string
// is valid UTF-8. Retrying is the business of who calls: a sink.Queue, a Branch, or
// whatever reads the journal.
//
// An entry's fields stand where the LogEntry has them (timestamp, severity, insertId,
// httpRequest, operation, trace, labels, sourceLocation), the others in jsonPayload,
// as Google's agents place those of a line on standard output. The txid is
// operation.id and a label, which are indexed. insertId and timestamp are those of
// the capture, so that what is sent twice is one entry.
//
// The LogEntry is encoded straight from the canonical line, which costs a fraction of
// what the official client's entries cost; see docs/cloud-logging.md for figures, the
// set-up, permissions and costs.
package cloudloggingsink
