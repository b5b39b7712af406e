package txid_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/txtrail/txtrail/txid"
)

const (
	foreign = "order-2026/000017"
	parent  = "00f067aa0ba902b7"
)

var now = time.Date(2026, 11, 20, 10, 4, 11, 0, time.UTC)

func propagator(t testing.TB, opts *txid.Options) *txid.Propagator {
	t.Helper()
	p, err := txid.NewPropagator(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(lines ...string) *http.Request {
	r := httptest.NewRequest("GET", "/items", nil)
	r.Header = header(lines...)
	return r
}

// diff compares scopes without what is minted.
func diff(want, got *txid.Scope) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(txid.Scope{}, "Span"), cmpopts.EquateEmpty())
}

func TestExtractRequest(t *testing.T) {
	withCookie := func(r *http.Request, name, value string) *http.Request {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		return r
	}
	withURL := func(url string, lines ...string) *http.Request {
		r := httptest.NewRequest("GET", url, nil)
		r.Header = header(lines...)
		return r
	}
	everywhere := &txid.Options{Accept: []string{"x-transaction-id", "X-Request-Id"}, Query: "txid", Cookie: "tx"}
	for _, tc := range []struct {
		name string
		opts *txid.Options
		r    *http.Request
		want txid.Scope // an empty ID: one is minted
	}{
		{"nothing brought", nil, request(), txid.Scope{}},
		{"accepted whole", nil, request("X-Transaction-Id: " + foreign), txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id"}},
		{
			"with parent and page", nil,
			request("X-Transaction-Id: "+foreign, "X-Transaction-Parent: "+parent, "X-Transaction-Entry: GET /pay/{id}"),
			txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id", Parent: 0x00f067aa0ba902b7, EntryPage: "GET /pay/{id}"},
		},
		{"a bad parent", nil, request("X-Transaction-Id: "+foreign, "X-Transaction-Parent: nonsense"), txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id"}},
		{"a parent without an ID pairs nothing", nil, request("X-Transaction-Parent: " + parent), txid.Scope{}},
		{"empty header", nil, request("X-Transaction-Id: "), txid.Scope{}},
		{"refused", nil, request("X-Transaction-Id: short"), txid.Scope{Refused: "short: 5 bytes, want 8 to 128"}},
		{
			"refused, hostile", nil, request("X-Transaction-Id: <b>\x1b[31m\xff트"),
			txid.Scope{Refused: `<b>\x1b[31m\xff\ud2b8: byte 0x3c at 0, want only [A-Za-z0-9._~:=+/@-]`},
		},
		{
			"refused, huge", nil, request("X-Transaction-Id: " + strings.Repeat("a", 5000)),
			txid.Scope{Refused: strings.Repeat("a", 64) + "… (5000 bytes): 5000 bytes, want 8 to 128"},
		},
		{ // half of a card's number would pass for none
			"refused, cut in a number", nil, request("X-Transaction-Id: " + strings.Repeat("x ", 25) + "4111-1111-1111-1111 tail"),
			txid.Scope{Refused: strings.Repeat("x ", 24) + "x… (74 bytes): byte 0x20 at 1, want only [A-Za-z0-9._~:=+/@-]"},
		},
		{
			"two IDs", nil, request("X-Transaction-Id: "+foreign, "X-Transaction-Id: other-0001"),
			txid.Scope{Refused: foreign + ", other-0001: sent more than once"},
		},
		{"the same twice", nil, request("X-Transaction-Id: "+foreign, "X-Transaction-Id: "+foreign), txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id"}},
		{"first of the list", everywhere, request("X-Transaction-Id: "+foreign, "X-Request-Id: request-0001"), txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id"}},
		{"second of the list", everywhere, request("X-Request-Id: request-0001"), txid.Scope{ID: "request-0001", Origin: "header:X-Request-Id"}},
		{
			"second after a refused first", everywhere, request("X-Transaction-Id: bad", "X-Request-Id: request-0001"),
			txid.Scope{ID: "request-0001", Origin: "header:X-Request-Id", Refused: "bad: 3 bytes, want 8 to 128"},
		},
		{"a header that is not on the list", nil, request("X-Request-Id: request-0001"), txid.Scope{}},
		{"query", everywhere, withURL("/ws?a=1&txid=query%2D0001"), txid.Scope{ID: "query-0001", Origin: "query:txid"}},
		{"header before query", everywhere, withURL("/ws?txid=query-0001", "X-Transaction-Id: "+foreign), txid.Scope{ID: foreign, Origin: "header:X-Transaction-Id"}},
		{"query not asked for", nil, withURL("/ws?txid=query-0001"), txid.Scope{}},
		{"part of another parameter", everywhere, withURL("/ws?nontxid=query-0001"), txid.Scope{}},
		{"query, bad escape", everywhere, withURL("/ws?txid=%zz%zz%zz"), txid.Scope{Refused: "%zz%zz%zz: byte 0x25 at 0, want only [A-Za-z0-9._~:=+/@-]"}},
		{"cookie", everywhere, withCookie(withURL("/ws?txid="), "tx", "cookie-0001"), txid.Scope{ID: "cookie-0001", Origin: "cookie:tx"}},
		{"cookie not asked for", nil, withCookie(request(), "tx", "cookie-0001"), txid.Scope{}},
		{
			"carried, in the list's order", nil,
			request("X-Client-Device: iPhone15,2", "X-Client-User: 8812", "X-Client-Shoe: 42", "X-Client-Country: KR"),
			txid.Scope{Carried: txid.Carried{{"X-Client-User", "8812"}, {"X-Client-Country", "KR"}, {"X-Client-Device", "iPhone15,2"}}},
		},
		{
			"carried, own list", &txid.Options{Carried: []string{"x-shoe"}},
			request("X-Client-User: 8812", "X-Shoe: 42"),
			txid.Scope{Carried: txid.Carried{{"X-Shoe", "42"}}},
		},
		{"carried, none", &txid.Options{Carried: []string{}}, request("X-Client-User: 8812"), txid.Scope{}},
		{
			"carried, what may not be", nil,
			request("X-Client-User: "+strings.Repeat("u", 257), "X-Client-Device: a\x1b[2Jb", "X-Client-OS: \xff", "X-Client-Country: a\u202eb", "X-Client-App-Version: 카카오톡 26.3"),
			txid.Scope{Carried: txid.Carried{{"X-Client-App-Version", "카카오톡 26.3"}}},
		},
		{
			"traceparent and tracestate", nil, request("Traceparent: "+traceparent, "Tracestate: a=1,b=2"),
			txid.Scope{Trace: txid.Trace{ID: traceparent[3:35], Span: 0xb7ad6b7169203331, Sampled: true, Parent: traceparent, State: "a=1,b=2"}},
		},
		{
			"tracestate that is too long or not ASCII", nil, request("Traceparent: "+traceparent, "Tracestate: a="+strings.Repeat("1", 511)),
			txid.Scope{Trace: txid.Trace{ID: traceparent[3:35], Span: 0xb7ad6b7169203331, Sampled: true, Parent: traceparent}},
		},
		{"bad traceparent", nil, request("Traceparent: 00-x", "Tracestate: a=1"), txid.Scope{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := propagator(t, tc.opts).ExtractRequest(tc.r, now)
			if tc.want.ID == "" {
				tc.want.ID, tc.want.Origin = got.ID, txid.OriginMinted
				if at, ok := got.ID.Time(); !ok || !at.Equal(now) {
					t.Errorf("minted %q, want one of %v", got.ID, now)
				}
			}
			if d := diff(&tc.want, got); d != "" {
				t.Error(d)
			}
			if got.Span == 0 {
				t.Error("no span")
			}
			if d := diff(got, extractMarked(t, tc.opts, tc.r, got.ID)); d != "" {
				t.Errorf("with the fields marked (-without +with)\n%s", d)
			}
		})
	}
}

// extractMarked extracts as one does who goes through all header fields anyway. An ID
// that is minted is replaced by another one.
func extractMarked(t *testing.T, opts *txid.Options, r *http.Request, minted txid.ID) *txid.Scope {
	t.Helper()
	p := propagator(t, opts)
	m := p.Marks()
	for name := range r.Header {
		m.Mark(name)
	}
	s := &txid.Scope{}
	p.ExtractMarkedInto(s, r, m, now)
	if s.Origin == txid.OriginMinted {
		s.ID = minted
	}
	return s
}

// Marks that know nothing, since they are nobody's or another Propagator's, leave nothing
// out.
func TestExtractMarkedByOthers(t *testing.T) {
	r := request("X-Transaction-Id: "+foreign, "X-Client-User: 8812")
	p := propagator(t, nil)
	want := p.ExtractRequest(r, now)
	var none txid.Marks
	none.Mark("X-Client-User")
	for what, m := range map[string]txid.Marks{"nobody's": none, "another's": propagator(t, nil).Marks()} {
		got := &txid.Scope{}
		p.ExtractMarkedInto(got, r, m, now)
		if d := diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", what, d)
		}
	}
}

// There are more names than marks: those beyond are looked up always. Some have the same
// length, one is on both lists.
func TestExtractMarkedManyNames(t *testing.T) {
	opts := &txid.Options{Carried: []string{"X-Both", "X-Shoe", "X-Hat0"}}
	for i := range 80 {
		opts.Accept = append(opts.Accept, fmt.Sprintf("X-Id-%d", i))
	}
	opts.Accept = append(opts.Accept, "X-Both")
	for _, lines := range [][]string{
		nil,
		{"X-Id-0: " + foreign},
		{"X-Id-60: " + foreign},
		{"X-Id-79: " + foreign, "X-Hat0: red"},
		{"X-Both: " + foreign, "X-Shoe: 42"},
		{"X-Hat0: red", "X-Shoe: 42", "X-Sock: 2"},
	} {
		r := request(lines...)
		want := propagator(t, opts).ExtractRequest(r, now)
		if d := diff(want, extractMarked(t, opts, r, want.ID)); d != "" {
			t.Errorf("%q (-without +with)\n%s", lines, d)
		}
	}
}

// Over any carrier the result is that of the headers.
func TestExtractCarriers(t *testing.T) {
	lines := map[string]string{
		"X-Transaction-Id": foreign, "X-Transaction-Parent": parent, "X-Transaction-Entry": "GET /items",
		"X-Client-User": "8812", "Traceparent": traceparent,
	}
	h, m := txid.HeaderCarrier{}, txid.MapCarrier{}
	for k, v := range lines {
		h.Set(k, v)
		m.Set(k, v)
	}
	p := propagator(t, nil)
	want := p.ExtractRequest(&http.Request{Header: h}, now)
	for name, c := range map[string]txid.Carrier{"header": h, "map": m} {
		if d := diff(want, p.Extract(c, now)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if s := p.Extract(txid.MapCarrier(nil), now); s.ID == "" || s.Origin != txid.OriginMinted || s.Refused != "" {
		t.Errorf("a nil map gives %+v", s)
	}
	if s := p.Extract(txid.MapCarrier{"X-Transaction-Id": "no"}, now); s.Refused == "" || !s.ID.Valid() {
		t.Errorf("a bad ID gives %+v", s)
	}
}

func TestStart(t *testing.T) {
	p := propagator(t, nil)
	a, b := p.Start(now), p.Start(now)
	if a.ID == b.ID || a.ID >= b.ID || a.Span == b.Span || a.Span == 0 || a.Origin != txid.OriginMinted || a.Parent != 0 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// What Inject writes, Extract reads: the receiver is one hop further down.
func TestInjectExtract(t *testing.T) {
	p := propagator(t, nil)
	in := p.ExtractRequest(request("X-Transaction-Id: "+foreign, "X-Transaction-Entry: GET /items", "X-Client-User: 8812",
		"X-Client-Device: 갤럭시 S26", "Traceparent: "+traceparent, "Tracestate: a=1"), now)
	const call = txid.SpanID(0x1122334455667788)
	for name, c := range map[string]txid.Carrier{"header": http.Header{}, "map": txid.MapCarrier{}} {
		p.Inject(in, call, c)
		want := *in
		want.Parent = call
		if name == "map" {
			want.Origin = "header:X-Transaction-Id"
		}
		if d := diff(&want, p.Extract(c, now)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

type page string

func (page) SetRoute(string)         {}
func (p page) EntryPage() string     { return string(p) }
func (page) SetUser(string)          {}
func (page) SetError(error)          {}
func (page) Annotate(string, string) {}

func TestInject(t *testing.T) {
	full := func() *txid.Scope {
		return &txid.Scope{ID: foreign, Carried: txid.Carried{{"X-Client-User", "8812"}}, Trace: txid.Trace{Parent: traceparent, State: "a=1"}}
	}
	for _, tc := range []struct {
		name string
		opts *txid.Options
		s    *txid.Scope
		span txid.SpanID
		has  txid.MapCarrier
		want txid.MapCarrier
	}{
		{"no scope", nil, nil, 1, txid.MapCarrier{}, txid.MapCarrier{}},
		{"no ID", nil, &txid.Scope{EntryPage: "GET /"}, 1, txid.MapCarrier{}, txid.MapCarrier{}},
		{
			"everything", nil, full(), 0x1122334455667788,
			txid.MapCarrier{},
			txid.MapCarrier{
				"X-Transaction-Id": foreign, "X-Transaction-Parent": "1122334455667788", "X-Client-User": "8812",
				"Traceparent": traceparent, "Tracestate": "a=1",
			},
		},
		{"no span", nil, &txid.Scope{ID: foreign}, 0, txid.MapCarrier{}, txid.MapCarrier{"X-Transaction-Id": foreign}},
		{"another header", &txid.Options{Header: "x-req"}, &txid.Scope{ID: foreign}, 0, txid.MapCarrier{}, txid.MapCarrier{"X-Req": foreign}},
		{
			"facts and trace that are there stay, the ID does not", nil, full(), 0,
			txid.MapCarrier{"X-Transaction-Id": "other-0001", "X-Client-User": "1", "Traceparent": "mine"},
			txid.MapCarrier{"X-Transaction-Id": foreign, "X-Client-User": "1", "Traceparent": "mine"},
		},
		{
			"no traceparent", &txid.Options{NoTraceparent: true}, full(), 0,
			txid.MapCarrier{},
			txid.MapCarrier{"X-Transaction-Id": foreign, "X-Client-User": "8812"},
		},
		{
			"signed", &txid.Options{SigningKey: []byte("k")}, &txid.Scope{ID: foreign}, 0,
			txid.MapCarrier{},
			txid.MapCarrier{"X-Transaction-Id": foreign, "X-Transaction-Signature": txid.Sign([]byte("k"), foreign)},
		},
		{
			"the first hop's own page", nil, &txid.Scope{ID: foreign, Recorder: page("GET /items")}, 0,
			txid.MapCarrier{},
			txid.MapCarrier{"X-Transaction-Id": foreign, "X-Transaction-Entry": "GET /items"},
		},
		{
			"the carried page before one's own", nil, &txid.Scope{ID: foreign, EntryPage: "GET /", Recorder: page("GET /items")}, 0,
			txid.MapCarrier{},
			txid.MapCarrier{"X-Transaction-Id": foreign, "X-Transaction-Entry": "GET /"},
		},
		{
			"what would split or spoil the message", nil,
			&txid.Scope{
				ID: foreign, Recorder: page("GET /a\r\nX-Evil: 1"),
				Carried: txid.Carried{{"X-A", "a\nb"}, {"X B", "b"}, {"", "c"}, {"X-D\r\n", "d"}, {"X-E", strings.Repeat("e", 300)}},
				Trace:   txid.Trace{Parent: "a\nb"},
			}, 0,
			txid.MapCarrier{},
			txid.MapCarrier{"X-Transaction-Id": foreign},
		},
		{"an ID that is none", nil, &txid.Scope{ID: "a\r\nX-Evil: 1", EntryPage: "GET /"}, 1, txid.MapCarrier{}, txid.MapCarrier{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			propagator(t, tc.opts).Inject(tc.s, tc.span, tc.has)
			if d := cmp.Diff(tc.want, tc.has); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNewPropagatorRefuses(t *testing.T) {
	many := make([]string, 17)
	for i := range many {
		many[i] = "X-" + string(rune('a'+i))
	}
	for _, tc := range []struct {
		opts txid.Options
		says string
	}{
		{txid.Options{Header: "X Transaction"}, "Header"},
		{txid.Options{Header: "X-Tx\r\n"}, "Header"},
		{txid.Options{Header: "Cookie"}, "credentials"},
		{txid.Options{Header: "Connection"}, "one connection"},
		{txid.Options{Accept: []string{"X-A", ""}}, "Accept"},
		{txid.Options{Accept: []string{"트랜"}}, "Accept"},
		{txid.Options{Carried: []string{"X:A"}}, "Carried"},
		{txid.Options{Carried: []string{"authorization"}}, "credentials"},
		{txid.Options{Carried: []string{"Content-Length"}}, "one connection"},
		{txid.Options{Carried: []string{"X-A", "x-a"}}, "twice"},
		{txid.Options{Carried: many}, "17 headers, at most 16"},
	} {
		p, err := txid.NewPropagator(&tc.opts)
		if p != nil || !errors.Is(err, txid.ErrOptions) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%+v: %v, %v; want ErrOptions with %q", tc.opts, p, err, tc.says)
		}
	}
}

// A Propagator owns its options: what the caller does to its copy later changes nothing.
func TestPropagatorCopiesOptions(t *testing.T) {
	opts := &txid.Options{Accept: []string{"X-A"}, Carried: []string{"X-B"}, SigningKey: []byte("key")}
	p := propagator(t, opts)
	opts.Accept[0], opts.Carried[0], opts.SigningKey[0], opts.Header = "X-Z", "X-Z", 'z', "X-Z"
	p.Carried()[0] = "X-Z"
	s := p.ExtractRequest(request("X-A: "+foreign, "X-B: b", "X-Z: evil-00001"), now)
	if s.ID != foreign || s.Carried.Get("x-b") != "b" || len(s.Carried) != 1 {
		t.Errorf("%+v", s)
	}
	out := txid.MapCarrier{}
	p.Inject(s, 0, out)
	if p.Header() != txid.Header || out[txid.HeaderSignature] != txid.Sign([]byte("key"), foreign) {
		t.Errorf("%v", out)
	}
	if !p.Allows("localhost:80") || p.Allows("example.com") {
		t.Error("default hosts are the private ones")
	}
}

// Whatever is brought, the scope has a valid ID and can be sent on.
func FuzzExtractInject(f *testing.F) {
	f.Add(foreign, parent, "8812", "GET /", traceparent, "a=1")
	f.Add("\xff\x00", "x", "\u202e", "\r\n", "cc"+traceparent[2:]+"-\x7f", "\x80")
	f.Add("", "", "", "", "", "")
	p, err := txid.NewPropagator(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, parent, user, page, tp, ts string) {
		in := http.Header{"X-Transaction-Id": {id}, "X-Transaction-Parent": {parent}, "X-Client-User": {user}, "X-Transaction-Entry": {page}, "Traceparent": {tp}, "Tracestate": {ts}}
		s := p.ExtractRequest(&http.Request{Header: in}, now)
		if !s.ID.Valid() || s.Span == 0 {
			t.Fatalf("%+v", s)
		}
		for i := range len(s.Refused) {
			if c := s.Refused[i]; c < 0x20 || c == 0x7f {
				t.Fatalf("refused has byte %#x", c)
			}
		}
		out := http.Header{}
		p.Inject(s, s.Span, out)
		for name, vs := range out {
			for i := range len(vs[0]) {
				if c := vs[0][i]; c < 0x20 || c == 0x7f {
					t.Fatalf("%s has byte %#x", name, c)
				}
			}
		}
		again := p.Extract(out, now)
		want := *s
		want.Parent, want.Refused, want.Origin = s.Span, "", "header:X-Transaction-Id"
		if d := diff(&want, again); d != "" {
			t.Fatal(d)
		}
	})
}

func TestPropagatorAllocs(t *testing.T) {
	p := propagator(t, nil)
	r := request("X-Transaction-Id: "+foreign, "X-Transaction-Parent: "+parent, "User-Agent: x")
	if n := testing.AllocsPerRun(100, func() {
		var s txid.Scope
		p.ExtractRequestInto(&s, r, now)
		if s.ID == "" {
			t.Fatal("no ID")
		}
	}); n > 1 {
		t.Errorf("ExtractRequestInto of an ID: %v allocations, want at most 1", n)
	}
}

func BenchmarkExtractRequestInto(b *testing.B) {
	p := propagator(b, nil)
	r := request("X-Transaction-Id: "+foreign, "X-Transaction-Parent: "+parent, "X-Client-User: 8812", "User-Agent: x", "Traceparent: "+traceparent)
	b.ReportAllocs()
	for b.Loop() {
		var s txid.Scope
		p.ExtractRequestInto(&s, r, now)
	}
}
