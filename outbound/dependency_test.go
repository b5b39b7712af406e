package outbound_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// answering answers every call without a body, with the given headers.
func answering(h http.Header) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: h, Body: http.NoBody, Request: r}, nil
	})
}

func TestDependencies(t *testing.T) {
	dependencies := []outbound.Dependency{
		{Host: "*.example.com", Service: "example"},
		{Host: "*.pay.example.com", Service: "pay", Quota: outbound.Quota{Requests: 100, Per: time.Minute}},
		{Host: "api.pay.example.com", Service: "pay-api", Routes: []string{"/v1/items/{id}", "POST /v1/items"}},
		{Host: "*.example.com:8443", Service: "example-admin"},
		{Host: "core", Service: "core"},
		{Host: "Core.:8081", Service: "core-admin"},
		{Host: "10.0.0.7", Service: "ten"},
		{Host: "[2001:db8::7]:8443", Service: "six-admin"},
		{Host: "2001:0db8::7", Service: "six"},
	}
	for _, c := range []struct {
		method, url string
		peer        entry.Peer
		route       string
	}{
		{"GET", "https://example.com/", entry.Peer{}, ""},
		{"GET", "https://www.example.com/", entry.Peer{Service: "example"}, ""},
		{"GET", "https://www.example.com:8443/", entry.Peer{Service: "example-admin"}, ""},
		{"GET", "https://evil-example.com/", entry.Peer{}, ""},
		{"GET", "https://A.Pay.Example.com./", entry.Peer{Service: "pay", Requests: 100, Per: time.Minute}, ""},
		{"GET", "https://a.pay.example.com:8443/", entry.Peer{Service: "pay", Requests: 100, Per: time.Minute}, ""},
		{"GET", "https://api.pay.example.com/v1/items/123", entry.Peer{Service: "pay-api"}, "/v1/items/{id}"},
		{"POST", "https://api.pay.example.com/v1/items?x=1", entry.Peer{Service: "pay-api"}, "/v1/items"},
		{"GET", "https://api.pay.example.com/v1/items", entry.Peer{Service: "pay-api"}, ""},
		{"GET", "http://core/", entry.Peer{Service: "core"}, ""},
		{"GET", "http://CORE:8081/", entry.Peer{Service: "core-admin"}, ""},
		{"GET", "http://core:8082/", entry.Peer{Service: "core"}, ""},
		{"GET", "http://10.0.0.7:9/", entry.Peer{Service: "ten"}, ""},
		{"GET", "http://[::ffff:10.0.0.7]/", entry.Peer{Service: "ten"}, ""},
		{"GET", "http://[2001:db8:0::7]/", entry.Peer{Service: "six"}, ""},
		{"GET", "https://[2001:db8::7]:8443/", entry.Peer{Service: "six-admin"}, ""},
		{"GET", "http://10.0.0.8/", entry.Peer{}, ""},
	} {
		rec := newRecorder(t)
		tr := rec.transport(t, answering(nil), &outbound.Options{Dependencies: dependencies})
		if _, err := tr.RoundTrip(request(t, t.Context(), c.method, c.url, nil)); err != nil {
			t.Fatal(err)
		}
		e := rec.only(t)
		if d := cmp.Diff(c.peer, e.Peer); d != "" || e.HTTP.Route != c.route {
			t.Errorf("%s %s: route %q, want %q; peer (-want +got)\n%s", c.method, c.url, e.HTTP.Route, c.route, d)
		}
	}
}

// What the caller's own function says goes first.
func TestRouteBeforeDependency(t *testing.T) {
	rec := newRecorder(t)
	tr := rec.transport(t, answering(nil), &outbound.Options{
		Dependencies: []outbound.Dependency{{Host: "core", Routes: []string{"/{any}"}}},
		Route:        func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/b") },
	})
	for _, path := range []string{"/a", "/b"} {
		if _, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core"+path, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if es := rec.wait(t, 2); es[0].HTTP.Route != "/a" || es[1].HTTP.Route != "/{any}" {
		t.Errorf("%q, %q", es[0].HTTP.Route, es[1].HTTP.Route)
	}
}

func TestBadDependencies(t *testing.T) {
	ok := outbound.Dependency{Host: "core", Service: "core"}
	for _, c := range []struct {
		d    outbound.Dependency
		want []string // in the error
	}{
		{outbound.Dependency{}, []string{"Host", "want a host"}},
		{outbound.Dependency{Host: "-private"}, []string{"Host"}},
		{outbound.Dependency{Host: "https://core"}, []string{"Host", "https://core"}},
		{outbound.Dependency{Host: "core:0"}, []string{"Host", `"0"`, "1 to 65535"}},
		{outbound.Dependency{Host: "core:http"}, []string{"Host", `"http"`}},
		{outbound.Dependency{Host: "core:80:80"}, []string{"Host"}},
		{outbound.Dependency{Host: ":80"}, []string{"Host"}},
		{outbound.Dependency{Host: "*"}, []string{"Host", `"*"`}},
		{outbound.Dependency{Host: "CORE."}, []string{"Host", `"core" is listed twice`}},
		{outbound.Dependency{Host: "a", Service: strings.Repeat("x", entry.MaxWord+1)}, []string{"Service", "513 bytes"}},
		{outbound.Dependency{Host: "a", Quota: outbound.Quota{Requests: 1}}, []string{"Quota", "1 calls in 0s"}},
		{outbound.Dependency{Host: "a", Quota: outbound.Quota{Requests: -1, Per: 1}}, []string{"Quota"}},
		{outbound.Dependency{Host: "a", Routes: []string{"/a", "b"}}, []string{"Routes[1]", `"b"`}},
		{outbound.Dependency{Host: "a", RequestID: []string{"X-Id", "a b"}}, []string{"RequestID[1]", `"a b"`}},
		{outbound.Dependency{Host: "a", RequestID: make([]string, 17)}, []string{"RequestID", "17 headers"}},
	} {
		q := newRecorder(t).queue
		_, err := outbound.NewTransport(nil, q, &outbound.Options{Dependencies: []outbound.Dependency{ok, c.d}})
		if !errors.Is(err, outbound.ErrOptions) {
			t.Errorf("%+v: %v", c.d, err)
			continue
		}
		for _, want := range append(c.want, "Dependencies[1]", "outbound: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
	two := []outbound.Dependency{{Host: "*.a.com"}, {Host: "*.a.com:80"}, {Host: "*.A.com"}}
	if _, err := outbound.NewTransport(nil, newRecorder(t).queue, &outbound.Options{Dependencies: two}); err == nil || !strings.Contains(err.Error(), "Dependencies[2]") {
		t.Errorf("a pattern listed twice: %v", err)
	}
}

// The options are copied: what is done to them later changes nothing.
func TestDependenciesAreCopied(t *testing.T) {
	o := outbound.Options{Dependencies: []outbound.Dependency{{Host: "core", Service: "core", RequestID: []string{"X-Id"}}}}
	rec := newRecorder(t)
	tr := rec.transport(t, answering(http.Header{"X-Id": {"7"}}), &o)
	o.Dependencies[0] = outbound.Dependency{Service: "other"}
	if _, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "http://core/", nil)); err != nil {
		t.Fatal(err)
	}
	if e := rec.only(t); e.Peer.Service != "core" || label(e, entry.LabelPeerRequestID) != "7" {
		t.Errorf("%+v, %v", e.Peer, e.Labels)
	}
}

func TestProvidersRequestID(t *testing.T) {
	h := func(nameValues ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(nameValues); i += 2 {
			h.Add(nameValues[i], nameValues[i+1])
		}
		return h
	}
	for _, c := range []struct {
		name   string
		listed []string
		header http.Header
		want   string
	}{
		{"none", nil, h("Content-Type", "text/plain"), ""},
		{"general", nil, h("x-request-id", "r1"), "r1"},
		{"Amazon", nil, h("x-amzn-RequestId", "r1", "X-Amzn-Trace-Id", "Root=1"), "r1"},
		{"Amazon's store", nil, h("x-amz-request-id", "r1", "x-amz-id-2", "long"), "r1"},
		{"Amazon's gateway", nil, h("apigw-requestid", "r1="), "r1="},
		{"Google's store", nil, h("X-GUploader-UploadID", "r1"), "r1"},
		{"a general one before a trace", nil, h("X-Cloud-Trace-Context", "t", "X-Correlation-Id", "c", "X-Request-Id", "r1"), "r1"},
		{"the first of two", nil, h("X-Request-Id", "r1", "X-Request-Id", "r2"), "r1"},
		{"empty", nil, h("X-Request-Id", "", "Cf-Ray", "r1"), "r1"},
		{"two equally good ones", nil, h("Apigw-Requestid", "b", "X-Ms-Request-Id", "a", "X-Zm-Trackingid", "c"), "a"},
		{"listed", []string{"x-zm-trackingid", "X-Request-Id"}, h("X-Request-Id", "r1", "x-zm-trackingid", "z1"), "z1"},
		{"the second of those listed", []string{"x-zm-trackingid", "X-Request-Id"}, h("X-Request-Id", "r1"), "r1"},
		{"not one of those listed", []string{"X-Zm-Trackingid"}, h("X-Request-Id", "r1"), ""},
		{"none wanted", []string{}, h("X-Request-Id", "r1"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := newRecorder(t)
			tr := rec.transport(t, answering(c.header), &outbound.Options{Dependencies: []outbound.Dependency{{Host: "*.example.com", RequestID: c.listed}}})
			if _, err := tr.RoundTrip(request(t, t.Context(), http.MethodGet, "https://api.example.com/", nil)); err != nil {
				t.Fatal(err)
			}
			if got := label(rec.only(t), entry.LabelPeerRequestID); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// The provider's ID must get through the sanitizer: it is what a story is joined
// with the provider's log by. And nothing of ours goes to the provider.
func TestProvidersRequestIDIsSearchable(t *testing.T) {
	memory := &sinktest.Memory{}
	q, err := sink.NewQueue(memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	sent := http.Header{}
	tr, err := outbound.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.Header.Clone()
		return &http.Response{StatusCode: 429, Header: http.Header{
			"X-Request-Id": {"8f14e45f-ceea-467f-a0e6-0a1b2c3d4e5f"}, "Retry-After": {"17"}, "X-Ratelimit-Remaining": {"0"},
		}, Body: http.NoBody, Request: r}, nil
	}), q, &outbound.Options{Dependencies: []outbound.Dependency{{
		Host: "api.meet.example", Service: "meet", Routes: []string{"/v2/users/{user}/meetings"}, Quota: outbound.Quota{Requests: 100, Per: time.Second},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := scoped(t)
	if _, err := tr.RoundTrip(request(t, ctx, http.MethodPost, "https://api.meet.example/v2/users/u-4711/meetings", nil)); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 0 {
		t.Errorf("the provider got %v", sent)
	}
	e, err := entry.Parse(memory.Entries()[0].Line())
	if err != nil {
		t.Fatal(err)
	}
	if label(e, entry.LabelPeerRequestID) != "8f14e45f-ceea-467f-a0e6-0a1b2c3d4e5f" || e.HTTP.Route != "/v2/users/{user}/meetings" ||
		e.Peer != (entry.Peer{Service: "meet", Requests: 100, Per: time.Second}) {
		t.Errorf("%s", e.Line())
	}
	want := []entry.Header{{Name: "Retry-After", Value: "17"}, {Name: "X-Ratelimit-Remaining", Value: "0"}, {Name: "X-Request-Id", Value: "8f14e45f-ceea-467f-a0e6-0a1b2c3d4e5f"}}
	if d := cmp.Diff(want, e.Response.Headers); d != "" {
		t.Error(d)
	}
}
