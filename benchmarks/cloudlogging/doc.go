// Command cloudlogging measures what an entry costs on its way from the journal to
// Cloud Logging: our sink beside the official client, in one run against one server.
//
//	go run ./cloudlogging
//	go run ./cloudlogging -rounds 9 -entries 20000
//
// The figures are CPU time of this process for an entry of 1.9 KB, medians of
// alternating rounds. The server is another process and discards what it decodes, so
// that its time is not counted. What counts is encoding, gRPC and the system calls;
// "with parsing" adds what reading the entry from its journal line costs.
//
// Behind the table stand the bytes of an entry: on the wire, plain and compressed, by how
// many a request has, and as the LogEntry that the service counts, with what a million
// cost at 0.50 USD a GiB.
package main
