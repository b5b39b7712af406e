// Package gcltest is a Cloud Logging service to test against: LoggingServiceV2
// over real gRPC on the loopback, in this process, with the documented limits
// enforced and faults to order.
//
// What it refuses, the service refuses; what it accepts silently and never shows
// again (an entry older than the retention) the service treats so too. Filters are
// read by a strict parser of the part of the Logging query language that this
// module emits: anything else is refused, so that a filter which passes here is one
// that was understood. Limits and rules are those of
// cloud.google.com/logging/quotas and of the comments in google/logging/v2.
//
// It is for tests and for trying things by hand (go run ./internal/gcltest/cmd), keeps
// everything in memory, and knows neither users nor permissions but for the faults
// that a test asks for.
package gcltest
