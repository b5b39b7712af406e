package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

func TestAppendDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0 µs", 0: "0 µs", 85 * time.Microsecond: "85 µs", 999_999: "999 µs", time.Millisecond: "1 ms", 1_500 * time.Microsecond: "1.5 ms",
		9_999 * time.Microsecond: "10 ms", 12_400 * time.Microsecond: "12 ms", 999 * time.Millisecond: "999 ms", 999_600 * time.Microsecond: "1 s",
		1_500 * time.Millisecond: "1.5 s", 30 * time.Second: "30 s", 59_990 * time.Millisecond: "1 min", 125 * time.Second: "2 min 5 s", 2 * time.Hour: "120 min",
	} {
		if got := string(appendDuration(nil, d)); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}

func TestPlainURL(t *testing.T) {
	for u, want := range map[string]string{
		"http://core/v1/a?token=1#f":        "http://core/v1/a",
		"https://user:secret@core:8443/a":   "https://core:8443/a",
		"https://user:p@ss@core":            "https://core",
		"http://core/a@b":                   "http://core/a@b",
		"http://core?x=http://user:p@other": "http://core",
		"/path?x":                           "/path",
		"":                                  "",
	} {
		if got := plainURL(u); got != want {
			t.Errorf("%q: %q, want %q", u, got, want)
		}
	}
}

func FuzzPlainURL(f *testing.F) {
	f.Add("https://user:secret@core:8443/a?b#c")
	f.Add("://@?#")
	f.Fuzz(func(t *testing.T, u string) {
		got := plainURL(u)
		if strings.ContainsAny(got, "?#") || len(got) > len(u) {
			t.Errorf("%q: %q", u, got)
		}
	})
}

// With another Go release, these say what has to be looked at again.
func TestKnownTypes(t *testing.T) {
	if findTraceKey() == nil {
		t.Error("httptrace's key was not found: every call pays for WithClientTrace")
	}
	for _, r := range []io.Reader{bytes.NewReader(nil), &bytes.Buffer{}, strings.NewReader("x"), struct{ io.Reader }{strings.NewReader("x")}} {
		if got, ok := unwrapNopCloser(io.NopCloser(r)); !ok || got != r {
			t.Errorf("io.NopCloser of %T is not recognised: bodies are wrapped", r)
		}
	}
	if _, ok := unwrapNopCloser(&requestBody{}); ok {
		t.Error("another body is taken for an io.NopCloser")
	}
}

// Without the key the hooks are those of httptrace.WithClientTrace.
func TestTraceWithoutKey(t *testing.T) {
	c := &call{t: &Transport{}, start: time.Now()}
	tr := httptrace.ContextClientTrace(c.trace(context.Background(), false))
	if tr == nil || tr.GetConn == nil || tr.DNSStart == nil || tr.ConnectDone == nil || tr.TLSHandshakeDone == nil {
		t.Fatalf("%+v", tr)
	}
	tr.GetConn("core:80")
	tr.GotConn(httptrace.GotConnInfo{Reused: true})
	if !c.traced.Load() || !c.m.reused {
		t.Error("the hooks are not the call's")
	}
}

// The fields of request and response share an array where they fit into it, and
// never each other's place.
func TestRecordRoom(t *testing.T) {
	for _, n := range []struct{ request, response int }{{0, 0}, {5, 3}, {5, 7}, {12, 0}, {5, 8}, {12, 1}, {13, 5}, {3, 13}, {40, 40}} {
		r := &record{}
		fill := func(hs []entry.Header, name string, n int) []entry.Header {
			for range n {
				hs = append(hs, entry.Header{Name: name})
			}
			return hs
		}
		r.Request.Headers = fill(r.requestRoom(n.request), "request", n.request)
		r.Response.Headers = fill(r.responseRoom(n.response), "response", n.response)
		r.Request.Headers = append(r.Request.Headers, entry.Header{Name: "request"}) // as OnEntry may
		for i, h := range r.Request.Headers {
			if h.Name != "request" {
				t.Errorf("%+v: field %d of the request is the %s's", n, i, h.Name)
			}
		}
		for i, h := range r.Response.Headers {
			if h.Name != "response" {
				t.Errorf("%+v: field %d of the response is the %s's", n, i, h.Name)
			}
		}
	}
}
