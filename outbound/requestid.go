package outbound

import "net/http"

// requestID is the ID that a provider gave a request, out of the headers by which
// providers do. While they are copied the best one is kept.
type requestID struct {
	value string
	rank  int // 0: none yet
}

// note takes a response's header; name is in canonical form. The names are those
// that providers ask for when one calls their support: the general ones, then
// Amazon's, Google's, Microsoft's and those of others, then correlation IDs and the
// trace of a proxy before the service.
func (r *requestID) note(name, value string) {
	rank := 0
	switch name {
	case "X-Request-Id":
		rank = 1
	case "Request-Id":
		rank = 2
	case "X-Amzn-Requestid", "X-Amz-Request-Id":
		rank = 3
	case "Apigw-Requestid", "X-Guploader-Uploadid", "X-Goog-Request-Id", "X-Ms-Request-Id", "X-Github-Request-Id", "X-Zm-Trackingid", "Twilio-Request-Id":
		rank = 4
	case "X-Correlation-Id":
		rank = 5
	case "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "Cf-Ray":
		rank = 6
	default:
		return
	}
	if value == "" || r.rank != 0 && (r.rank < rank || r.rank == rank && r.value <= value) {
		return // of two equally good ones always the same, whatever the map's order
	}
	r.value, r.rank = value, rank
}

// idOf returns the ID in the first of the listed headers that has one.
func (d *dependency) idOf(h http.Header) string {
	for _, name := range d.requestID {
		if v := first(h, name); v != "" {
			return v
		}
	}
	return ""
}
