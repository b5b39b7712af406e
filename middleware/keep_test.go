package middleware_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

func TestStrategies(t *testing.T) {
	const none, brief, full = middleware.None, middleware.Brief, middleware.Full
	plain := &entry.Entry{Kind: entry.KindServer, TxID: "12345678", HTTP: entry.HTTP{Method: "GET", Route: "/items/{id}", Status: 200}, Latency: time.Second}
	failed := &entry.Entry{Kind: entry.KindServer, TxID: "12345678", HTTP: entry.HTTP{Method: "POST", Route: "/login", Status: 503}}
	lost := &entry.Entry{Kind: entry.KindServer, TxID: "12345678", HTTP: entry.HTTP{Method: "POST", Status: 404}}
	for _, c := range []struct {
		name  string
		s     middleware.Strategy
		wants [3]middleware.Detail // of plain, failed, lost
	}{
		{"always", middleware.Always(brief), [3]middleware.Detail{brief, brief, brief}},
		{"on error", middleware.OnError(), [3]middleware.Detail{none, full, none}},
		{"slower", middleware.SlowerThan(time.Second), [3]middleware.Detail{full, none, none}},
		{"slower still", middleware.SlowerThan(time.Second + 1), [3]middleware.Detail{none, none, none}},
		{"status", middleware.OnStatus(400, 499), [3]middleware.Detail{none, none, full}},
		{"route", middleware.OnRoute("/items/{id}"), [3]middleware.Detail{full, none, none}},
		{"route with method", middleware.OnRoute("GET /login", "POST /login"), [3]middleware.Detail{none, full, none}},
		{"routes below", middleware.OnRoute("/items/*"), [3]middleware.Detail{full, none, none}},
		{"any route", middleware.OnRoute("*"), [3]middleware.Detail{full, full, full}},
		{"no routes", middleware.OnRoute(), [3]middleware.Detail{none, none, none}},
		{"in the sample", middleware.Sampled(0.65), [3]middleware.Detail{full, full, full}},
		{"not in the sample", middleware.Sampled(0.64), [3]middleware.Detail{none, none, none}},
		{"most", middleware.Most(middleware.Always(brief), nil, middleware.OnError()), [3]middleware.Detail{brief, full, brief}},
		{"most of none", middleware.Most(), [3]middleware.Detail{none, none, none}},
		{"least", middleware.Least(middleware.OnStatus(0, 500), nil, middleware.OnRoute("/items/*")), [3]middleware.Detail{full, none, none}},
		{"least of none", middleware.Least(), [3]middleware.Detail{full, full, full}},
	} {
		got := [3]middleware.Detail{c.s(plain), c.s(failed), c.s(lost)}
		if got != c.wants {
			t.Errorf("%s: %v, want %v", c.name, got, c.wants)
		}
	}
}

// keptOf serves h and returns what it recorded, in the way the strategy wants it.
func keptOf(t *testing.T, opts middleware.Options, h http.HandlerFunc, r *http.Request) (*http.Response, []*entry.Entry, sink.Stats) {
	t.Helper()
	q := newQueue(t)
	rec := &recorded{more: make(chan struct{}, 1)}
	opts.OnEntry = rec.onEntry
	wrap, err := middleware.New(q, &opts)
	if err != nil {
		t.Fatal(err)
	}
	w := &statusWriter{h: http.Header{}}
	wrap(h).ServeHTTP(w, r)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return &http.Response{StatusCode: w.status, Header: w.h}, rec.entries, q.Stats()
}

type statusWriter struct {
	h      http.Header
	status int
}

func (w *statusWriter) Header() http.Header { return w.h }
func (w *statusWriter) WriteHeader(s int)   { w.status = s }
func (w *statusWriter) Write(p []byte) (int, error) {
	return len(p), nil
}

func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "answer")
	}
}

// What a strategy leaves out is counted and nothing else; a brief one keeps all but
// the bodies.
func TestDetails(t *testing.T) {
	for _, c := range []struct {
		name string
		keep middleware.Strategy
		want middleware.Detail
	}{
		{"default", nil, middleware.Full},
		{"full", middleware.Always(middleware.Full), middleware.Full},
		{"more than full", middleware.Always(99), middleware.Full},
		{"brief", middleware.Always(middleware.Brief), middleware.Brief},
		{"none", middleware.Always(middleware.None), middleware.None},
		{"panics", func(*entry.Entry) middleware.Detail { panic("strategy") }, middleware.Full},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told error
			r := request(t, "POST", "http://shop/items", strings.NewReader("question"))
			_, es, stats := keptOf(t, middleware.Options{Keep: c.keep, OnError: func(err error) { told = err }}, answering(200), r)
			if c.want == middleware.None {
				if len(es) != 0 || stats.Declined != 1 || stats.Captured != 0 {
					t.Errorf("%d entries, %+v", len(es), stats)
				}
				return
			}
			if len(es) != 1 || stats.Declined != 0 || stats.Captured != 1 {
				t.Fatalf("%d entries, %+v", len(es), stats)
			}
			if (told != nil) != (c.name == "panics") {
				t.Errorf("OnError was told %v", told)
			}
			req, res := entry.Body{Raw: []byte("question"), Size: 8}, entry.Body{Raw: []byte("answer"), Size: 6}
			if c.want == middleware.Brief {
				req, res = entry.Body{Size: 8, Truncated: true, Reason: "brief"}, entry.Body{Size: 6, Truncated: true, Reason: "brief"}
			}
			if d := cmp.Diff([]entry.Body{req, res}, []entry.Body{es[0].Request.Body, es[0].Response.Body}); d != "" {
				t.Error(d)
			}
			if es[0].HTTP.Status != 200 || len(es[0].Response.Headers) == 0 || es[0].HasFlag(entry.FlagEscalated) {
				t.Errorf("%+v", es[0])
			}
		})
	}
}

// A brief entry says of a body that nobody would have kept why that is.
func TestBriefKeepsBetterReasons(t *testing.T) {
	r := request(t, "POST", "http://shop/items", strings.NewReader("question"))
	r.Header.Set("Content-Type", "image/png")
	_, es, _ := keptOf(t, middleware.Options{Keep: middleware.Always(middleware.Brief)}, answering(204), r)
	if b := es[0].Request.Body; b.Reason != "binary" || !b.Truncated {
		t.Errorf("%+v", b)
	}
	if b := es[0].Response.Body; b.Reason != "brief" && b.Size != 0 {
		t.Errorf("%+v", b)
	}
}

// The end of a hijacked connection is left out as its exchange is.
func TestStrategyOfStreams(t *testing.T) {
	s, rec := serve(t, middleware.Options{Keep: func(e *entry.Entry) middleware.Detail {
		if e.Kind == entry.KindStream {
			return middleware.Full
		}
		return middleware.None
	}}, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
	})
	raw(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if e := rec.one(t); e.Kind != entry.KindStream {
		t.Errorf("kept %s", e.Kind)
	}
}

func TestEscalation(t *testing.T) {
	nothing := middleware.Always(middleware.None)
	near := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	caller := http.Header{txid.Header: {"scenario-0001"}, txid.HeaderParent: {"1122334455667788"}}
	asked := caller.Clone()
	asked.Set(txid.HeaderKeep, "1")
	declined := asked.Clone()
	declined.Set(txid.HeaderKeep, "0")
	minted := http.Header{txid.HeaderKeep: {"1"}}
	alone := http.Header{txid.Header: {"scenario-0001"}}
	learn := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, _ := txid.FromContext(r.Context())
			s.Keep() // as a transport does
			w.WriteHeader(status)
		}
	}
	for _, c := range []struct {
		name   string
		opts   middleware.Options
		h      http.HandlerFunc
		header http.Header
		from   string
		kept   bool
		told   bool
	}{
		{"nothing happens", middleware.Options{Keep: nothing}, answering(404), caller, "10.1.1.1:1", false, false},
		{"a failure", middleware.Options{Keep: nothing}, answering(500), caller, "10.1.1.1:1", true, true},
		{"a failure, and no strategy here", middleware.Options{}, answering(502), caller, "10.1.1.1:1", true, true},
		{"a failure, the caller does not record", middleware.Options{Keep: nothing}, answering(500), alone, "10.1.1.1:1", true, false},
		{"a failure behind", middleware.Options{Keep: nothing}, learn(200), caller, "10.1.1.1:1", true, true},
		{"the handler", middleware.Options{Keep: nothing}, func(_ http.ResponseWriter, r *http.Request) { middleware.Keep(r.Context()) }, caller, "10.1.1.1:1", true, true},
		{"a failure that a cache may keep", middleware.Options{Keep: nothing}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			w.WriteHeader(500)
		}, caller, "10.1.1.1:1", true, false},
		{"a failure, nothing is returned", middleware.Options{Keep: nothing, ReturnID: middleware.ReturnNever}, answering(500), caller, "10.1.1.1:1", true, false},
		{"switched off", middleware.Options{Keep: nothing, NoEscalation: true, KeepFrom: near}, answering(500), asked, "10.1.1.1:1", false, false},
		{"switched off, the handler", middleware.Options{Keep: nothing, NoEscalation: true}, learn(200), caller, "10.1.1.1:1", false, false},
		{"asked", middleware.Options{Keep: nothing, KeepFrom: near}, answering(200), asked, "10.1.1.1:1", true, true},
		{"asked with another value", middleware.Options{Keep: nothing, KeepFrom: near}, answering(200), declined, "10.1.1.1:1", false, false},
		{"asked by a stranger", middleware.Options{Keep: nothing, KeepFrom: near}, answering(200), asked, "192.0.2.1:1", false, false},
		{"asked, nobody may", middleware.Options{Keep: nothing}, answering(200), asked, "10.1.1.1:1", false, false},
		{"asked without an ID", middleware.Options{Keep: nothing, KeepFrom: near}, answering(200), minted, "10.1.1.1:1", false, false},
		{"skipped", middleware.Options{Skip: func(*http.Request) bool { return true }}, answering(500), caller, "10.1.1.1:1", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, "GET", "http://shop/items", http.NoBody)
			r.Header, r.RemoteAddr = c.header.Clone(), c.from
			res, es, _ := keptOf(t, c.opts, c.h, r)
			if kept := len(es) == 1; kept != c.kept {
				t.Fatalf("kept: %v, want %v", kept, c.kept)
			}
			if c.kept && es[0].HasFlag(entry.FlagEscalated) != (c.opts.Keep != nil) {
				t.Errorf("flags %v", es[0].Flags)
			}
			if told := res.Header.Get(txid.HeaderKeep) == "1"; told != c.told {
				t.Errorf("the caller was told: %v, want %v", told, c.told)
			}
			if !c.kept {
				return
			}
			shown := false
			for _, h := range es[0].Response.Headers {
				shown = shown || h.Name == txid.HeaderKeep
			}
			if shown != c.told {
				t.Errorf("the header is recorded: %v, want %v", shown, c.told)
			}
		})
	}
}

// A panic is kept whatever the strategy says, and calls made meanwhile know.
func TestPanicIsKept(t *testing.T) {
	defer func() { _ = recover() }()
	wrap, rec := recording(t, middleware.Options{Keep: middleware.Always(middleware.None)})
	defer func() {
		if e := rec.one(t); !e.HasFlag(entry.FlagPanic) || !e.HasFlag(entry.FlagEscalated) {
			t.Errorf("flags %v", e.Flags)
		}
	}()
	wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("handler") })).
		ServeHTTP(&statusWriter{h: http.Header{}}, request(t, "GET", "http://shop/", http.NoBody))
}

// Calls made for an exchange that has failed tell those who are called.
func TestCallsAfterAFailure(t *testing.T) {
	p, err := txid.NewPropagator(nil)
	if err != nil {
		t.Fatal(err)
	}
	sent := func(ctx context.Context) string {
		h := http.Header{}
		s, _ := txid.FromContext(ctx)
		p.Inject(s, 0, h)
		return h.Get(txid.HeaderKeep)
	}
	var before, after string
	r := request(t, "GET", "http://shop/", http.NoBody)
	keptOf(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		before = sent(r.Context())
		w.WriteHeader(503)
		after = sent(r.Context())
	}, r)
	if before != "" || after != "1" {
		t.Errorf("sent %q before and %q after", before, after)
	}
}

func TestKeepFromIsChecked(t *testing.T) {
	_, err := middleware.New(newQueue(t), &middleware.Options{KeepFrom: make([]netip.Prefix, 1)})
	if !errors.Is(err, middleware.ErrOptions) || !strings.Contains(err.Error(), "KeepFrom[0]") {
		t.Errorf("%v", err)
	}
	middleware.Keep(context.Background()) // nothing to keep
}
