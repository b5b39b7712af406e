package outbound_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/txid"
)

// exchange is what a middleware puts into the scope of a request that a strategy
// may leave out.
type exchange struct {
	txid.Recorder
	asked atomic.Bool
}

func (*exchange) EntryPage() string { return "GET /items" }
func (e *exchange) Keep()           { e.asked.Store(true) }
func (e *exchange) Kept() bool      { return e.asked.Load() }

// A service behind this one may ask to keep the scenario, if it is one of ours.
func TestKeepIsHonouredFromListedHosts(t *testing.T) {
	hosts := func(allow ...string) *txid.Hosts {
		t.Helper()
		h, err := txid.NewHosts(allow...)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	for _, c := range []struct {
		name  string
		from  *txid.Hosts
		url   string
		value string
		want  bool
	}{
		{"a host that gets the txid", nil, "http://core/", "1", true},
		{"one that does not", nil, "https://api.example.com/", "1", false},
		{"listed", hosts("-private", "api.example.com"), "https://api.example.com:8443/", "1", true},
		{"not listed", hosts("-private", "api.example.com"), "http://core/", "1", false},
		{"an address", hosts("-private", "2001:db8::7"), "http://[2001:db8::7]:80/", "1", true},
		{"another value", nil, "http://core/", "0", false},
		{"empty", nil, "http://core/", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := newRecorder(t)
			var asks []string
			tr := rec.transport(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				asks = append(asks, r.Header.Get(txid.HeaderKeep))
				return &http.Response{StatusCode: 500, Header: http.Header{txid.HeaderKeep: {c.value}}, Body: http.NoBody, Request: r}, nil
			}), &outbound.Options{KeepFrom: c.from})
			_, scope := scoped(t)
			ex := &exchange{}
			scope.Recorder = ex
			ctx := txid.NewContext(t.Context(), scope)
			for range 2 {
				if _, err := tr.RoundTrip(request(t, ctx, http.MethodGet, c.url, nil)); err != nil {
					t.Fatal(err)
				}
			}
			if ex.Kept() != c.want {
				t.Errorf("kept %v, want %v", ex.Kept(), c.want)
			}
			// From then on the calls of this request ask those behind.
			if want := c.want && c.url == "http://core/"; asks[0] != "" || (asks[1] == txid.KeepValue) != want {
				t.Errorf("asked %q", asks)
			}
			// Without an exchange there is nothing to keep, and nothing happens.
			scope.Recorder = nil
			if _, err := tr.RoundTrip(request(t, txid.NewContext(t.Context(), scope), http.MethodGet, c.url, nil)); err != nil {
				t.Fatal(err)
			}
		})
	}
}
