package outbound_test

import (
	"net/http"
	"testing"

	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/txid"
)

// A proxy passes on what its client sent: a stranger's request to keep everything stops
// at our transport, on the wire and in the entry, and ours goes out.
func TestStrangersKeepGoesNoFurther(t *testing.T) {
	var got string
	answer := roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r.Header.Get(txid.HeaderKeep)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})
	for _, c := range []struct {
		name string
		kept bool
		url  string
		opts outbound.Options
		want string
	}{
		{"a scope that is not kept", false, "http://core/", outbound.Options{}, ""},
		{"one that is", true, "http://core/", outbound.Options{}, "1"},
		{"a call that is not recorded", false, "http://core/", outbound.Options{Skip: func(*http.Request) bool { return true }}, ""},
		{"somebody else's host: as it would without us", false, "https://api.example.com/", outbound.Options{}, "1"},
	} {
		rec := newRecorder(t)
		ctx, scope := scoped(t)
		x := &exchange{}
		x.asked.Store(c.kept)
		scope.Recorder = x
		req := request(t, ctx, http.MethodGet, c.url, nil)
		req.Header.Set(txid.HeaderKeep, txid.KeepValue)
		resp, err := rec.transport(t, answer, &c.opts).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
		if got != c.want {
			t.Errorf("%s: sent %q, want %q", c.name, got, c.want)
		}
		if req.Header.Get(txid.HeaderKeep) != txid.KeepValue {
			t.Errorf("%s: the caller's request has been changed", c.name)
		}
		if c.opts.Skip != nil {
			continue
		}
		said := ""
		for _, h := range rec.only(t).Request.Headers {
			if h.Name == txid.HeaderKeep {
				said = h.Value
			}
		}
		if said != c.want {
			t.Errorf("%s: the entry has %q, want %q", c.name, said, c.want)
		}
	}
}
