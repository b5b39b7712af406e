package outbound_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// brokenError can not be asked anything when it is a nil pointer.
type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }
func (e *brokenError) Unwrap() error { return &brokenError{e.text} }

// Functions of the user's and errors of a transport that panic when they are called
// must not fail a call that would not have failed without us.
func TestPanicsOfOthers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	for _, tt := range []struct {
		name  string
		base  http.RoundTripper
		opts  outbound.Options
		fails bool
		told  string
		check func(*entry.Entry) bool
	}{
		{
			"Skip", nil,
			outbound.Options{Skip: func(*http.Request) bool { panic("skip") }},
			false, "outbound: Skip panicked: skip",
			func(e *entry.Entry) bool { return e.HTTP.Status == 200 },
		},
		{
			"Route", nil,
			outbound.Options{Route: func(*http.Request) string { panic("route") }},
			false, "outbound: Route panicked: route",
			func(e *entry.Entry) bool { return e.HTTP.Route == "" },
		},
		{
			"Keep", nil,
			outbound.Options{Keep: func(*entry.Entry) entry.Detail { panic(http.ErrNoCookie) }},
			false, "outbound: Keep panicked: " + http.ErrNoCookie.Error(),
			func(e *entry.Entry) bool { return e.HTTP.Status == 200 },
		},
		{
			"OnEntry", nil,
			outbound.Options{OnEntry: func(context.Context, *entry.Entry) { panic(http.Header{"Cookie": {"secret"}}) }},
			false, "outbound: OnEntry panicked: a value of type http.Header",
			func(e *entry.Entry) bool { return e.HTTP.Status == 200 },
		},
		{"typed nil error", roundTripper(func(*http.Request) (*http.Response, error) {
			var err *brokenError
			return nil, err
		}), outbound.Options{}, true, "", func(e *entry.Entry) bool { return e.Error.Type == entry.ErrorOther }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			memory := &sinktest.Memory{}
			q, err := sink.NewQueue(memory, nil)
			if err != nil {
				t.Fatal(err)
			}
			var told string
			tt.opts.OnError = func(err error) {
				told += err.Error()
				panic("OnError")
			}
			tr, err := outbound.NewTransport(tt.base, q, &tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := tr.RoundTrip(req)
			if (err != nil) != tt.fails {
				t.Fatalf("failed: %t, want %t", err != nil, tt.fails)
			}
			if res != nil {
				_ = res.Body.Close()
			}
			tr.CloseIdleConnections()
			if err := q.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if es := memory.Entries(); len(es) != 1 || !tt.check(es[0]) {
				t.Errorf("%d entries; the first: %s", len(es), es[0].Line())
			}
			if told != tt.told {
				t.Errorf("OnError was told %q, want %q", told, tt.told)
			}
		})
	}
}

// The same for a redirect that is not followed, which the client asks us about.
func TestPanicsOfOthersInRedirects(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/", http.StatusFound))
	defer server.Close()
	for name, refuse := range map[string]error{"an error": http.ErrNoLocation, "typed nil error": (*brokenError)(nil)} {
		rec := newRecorder(t)
		o := rec.options()
		o.Skip = func(*http.Request) bool { panic("skip") }
		plain := &http.Client{Transport: base(t), CheckRedirect: func(*http.Request, []*http.Request) error { return refuse }}
		client, err := outbound.Wrap(plain, rec.queue, o)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(request(t, t.Context(), http.MethodGet, server.URL, nil))
		if err == nil {
			t.Errorf("%s: the redirect was followed", name)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		found := false
		for _, e := range rec.wait(t, 2) {
			found = found || e.Error.Type == entry.ErrorRedirect
		}
		if !found {
			t.Errorf("%s: the redirect that was not followed is not recorded", name)
		}
	}
}
