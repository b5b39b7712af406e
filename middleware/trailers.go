package middleware

import (
	"net/http"
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// appendTrailers copies the trailers out of a response's header map as it is after
// the handler: the fields that were announced in sent, and those named with
// [http.TrailerPrefix].
func appendTrailers(dst, sent []entry.Header, h http.Header) []entry.Header {
	t := http.Header{}
	for i := range sent {
		if sent[i].Name != "Trailer" {
			continue
		}
		for name := range strings.SplitSeq(sent[i].Value, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if v := h[name]; len(v) > 0 {
				t[name] = v
			}
		}
	}
	for name, v := range h {
		if rest, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			t[rest] = v
		}
	}
	return capture.AppendFields(dst, t, nil)
}
