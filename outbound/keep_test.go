package outbound_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
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

// Keep says how much of a call is kept, but for those of an exchange that is kept.
func TestKeep(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = fmt.Fprint(w, "answer")
	}))
	defer srv.Close()
	for name, c := range map[string]struct {
		keep  func(*entry.Entry) entry.Detail
		path  string
		asked bool // somebody asked to keep the exchange
		want  string
	}{
		"none":          {middleware.Always(middleware.None), "/", false, "declined 1"},
		"brief":         {middleware.Always(middleware.Brief), "/", false, `"" brief 6, "" brief 4, escalated false`},
		"full":          {middleware.Always(middleware.Full), "/", false, `"answer"  6, "text"  4, escalated false`},
		"beyond":        {func(*entry.Entry) entry.Detail { return 200 }, "/", false, `"answer"  6, "text"  4, escalated false`},
		"on error":      {middleware.OnError(), "/fails", false, `"answer"  6, "text"  4, escalated false`},
		"on error, ok":  {middleware.OnError(), "/", false, "declined 1"},
		"asked for":     {middleware.OnError(), "/", true, `"answer"  6, "text"  4, escalated true`},
		"panics":        {func(*entry.Entry) entry.Detail { panic("keep") }, "/", false, `"answer"  6, "text"  4, escalated false`},
		"no sample":     {middleware.Sampled(0), "/", false, "declined 1"},
		"whole sample":  {middleware.Sampled(1), "/", false, `"answer"  6, "text"  4, escalated false`},
		"most of these": {middleware.Most(middleware.OnError(), middleware.Always(middleware.Brief)), "/", false, `"" brief 6, "" brief 4, escalated false`},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecorder(t)
			client := &http.Client{Transport: rec.transport(t, base(t), &outbound.Options{Keep: c.keep})}
			_, scope := scoped(t)
			ex := &exchange{}
			ex.asked.Store(c.asked)
			scope.Recorder = ex
			resp, err := client.Do(request(t, txid.NewContext(t.Context(), scope), http.MethodPost, srv.URL+c.path, strings.NewReader("text")))
			if err != nil {
				t.Fatal(err)
			}
			drain(t, resp)
			got := fmt.Sprint("declined ", rec.queue.Stats().Declined)
			if es := rec.all(); len(es) == 1 {
				req, res := &es[0].Request.Body, &es[0].Response.Body
				got = fmt.Sprintf("%q %s %d, %q %s %d, escalated %t", res.Raw, res.Reason, res.Size, req.Raw, req.Reason, req.Size, es[0].HasFlag(entry.FlagEscalated))
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
