// Package entry is one thing that happened in a scenario, and its canonical line.
//
// An [Entry] is made by the middleware, the transport or a logger's bridge,
// handed to a sink.Queue, and is immutable from then on. The queue's worker
// sanitizes it and seals it: [Entry.Seal], or a [Sealer] for many, encodes the
// canonical line once, and every sink takes that line ([Entry.Line]) instead of
// encoding again.
//
// The canonical line is one JSON object with a fixed order of fields: time, txid
// and insertId first. The same bytes serve three readers: Google's logging agents
// (time, severity, message, httpRequest, logging.googleapis.com/…), the local
// journal, and an export to BigQuery, for which every field has one type always,
// headers are lists of name/value pairs, and no name chosen by a user stands
// outside a list or the labels. Names are Cloud Logging's LogEntry names first,
// then OpenTelemetry's semantic conventions, nested by their dots (http.route is
// {"http":{"route":…}}). Empty fields are left out.
//
// [Parse] reads a line back; encoding what was parsed gives the same bytes.
package entry
