// Package txid is the transaction ID of a scenario: one page, its AJAX calls,
// the calls those cause in every service behind it, and their retries.
//
// An [ID] is minted once, by the first hop, and forwarded unchanged by every
// service on every call. It stands above a trace: one txid may span many
// requests, many traces and more than one day, so nothing may use the time in
// it as a filter; that time is a hint for pruning only.
//
// The pieces:
//
//   - [Minter] mints UUIDv7s (RFC 9562) that only grow within a process;
//   - [Parse] accepts foreign IDs whole or not at all, never edited;
//   - [Propagator] extracts a [Scope] from an incoming message and injects it
//     into an outgoing one, over any [Carrier]: HTTP headers, a queue message's
//     attributes, gRPC metadata, a cron job's environment;
//   - [NewContext] and [FromContext] carry the Scope in a context;
//   - [Hosts] says to which hosts the headers may travel.
//
// The package depends on the standard library alone, so that any program can
// forward a txid without taking the rest.
package txid
