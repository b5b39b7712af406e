package txid

import "net/http"

// Carrier is a message that can hold named strings: HTTP headers, attributes of
// a queue message, gRPC metadata, the environment of a cron job. Any
// OpenTelemetry TextMapCarrier is one.
type Carrier interface {
	// Get returns the value of key, or "" if there is none. Names are passed in
	// canonical header form; a carrier with other habits folds them itself.
	Get(key string) string
	// Set stores a value, replacing what is there.
	Set(key, value string)
}

// HeaderCarrier carries in HTTP headers: [http.Header] is a Carrier as it is,
// and this is its name for readers.
type HeaderCarrier = http.Header

// MapCarrier carries in a map, as most message queues' attributes are. Keys are
// stored in the canonical header form and must be in that form to be found.
type MapCarrier map[string]string

// Get implements [Carrier].
func (m MapCarrier) Get(key string) string { return m[key] }

// Set implements [Carrier].
func (m MapCarrier) Set(key, value string) { m[key] = value }
