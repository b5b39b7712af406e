package outbound_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

func TestCall(t *testing.T) {
	var got http.Header
	var gotBody string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, gotBody = r.Header.Clone(), string(b)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer srv.Close()
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), nil)
	ctx, scope := scoped(t)

	req := request(t, ctx, http.MethodPost, srv.URL+"/v1/charge?amount=3", strings.NewReader(`{"amount":3}`))
	req.Header.Set("Content-Type", "application/json")
	before := req.Header.Clone()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.all()) != 0 {
		t.Error("the entry was made before the body was read")
	}
	if body := drain(t, resp); body != `{"ok":true}` || gotBody != `{"amount":3}` {
		t.Errorf("bodies: got %q, sent %q", body, gotBody)
	}
	if resp.Request != req {
		t.Error("the response does not name the caller's request")
	}
	if len(req.Header) != len(before) {
		t.Errorf("the caller's headers were changed: %v", req.Header)
	}

	e := rec.only(t)
	if got.Get(txid.Header) != string(scope.ID) || got.Get(txid.HeaderParent) != e.Span.String() || got.Get(txid.HeaderUser) != "u-4711" || got.Get(txid.HeaderEntryPage) != "GET /items" {
		t.Errorf("sent headers %v", got)
	}
	if e.TxID != scope.ID || e.Parent != scope.Span || e.Span == 0 || e.Span == scope.Span || e.Kind != entry.KindClient || e.Severity != entry.SeverityInfo {
		t.Errorf("identity of %+v", e)
	}
	host := strings.TrimPrefix(srv.URL, "http://")
	if want := "POST http://" + host + "/v1/charge 201 ("; !strings.HasPrefix(e.Message, want) {
		t.Errorf("message %q, want prefix %q", e.Message, want)
	}
	if e.HTTP.URL != srv.URL+"/v1/charge?amount=3" || e.HTTP.Method != "POST" || e.HTTP.Status != 201 || e.HTTP.Protocol != "HTTP/1.1" ||
		e.HTTP.ServerAddress != "127.0.0.1" || e.HTTP.ServerPort == 0 || e.HTTP.RemoteIP != "127.0.0.1" {
		t.Errorf("http %+v", e.HTTP)
	}
	if string(e.Request.Body.Raw) != `{"amount":3}` || e.Request.Body.Size != 12 || e.Request.Body.Truncated || e.Request.Body.Type != "application/json" || e.Request.Body.Reason != "" {
		t.Errorf("request body %+v", e.Request.Body)
	}
	if string(e.Response.Body.Raw) != `{"ok":true}` || e.Response.Body.Size != 11 || e.Response.Body.Truncated || e.Response.Body.Reason != "" {
		t.Errorf("response body %+v", e.Response.Body)
	}
	if f := e.Facts; f.UserID != "u-4711" || f.Device != "iPhone15,2" || f.EntryPage != "GET /items" || len(f.Carried) != 1 {
		t.Errorf("facts %+v", f)
	}
	if !e.HasFlag(entry.FlagNoDeadline) || e.HasFlag(entry.FlagNotRead) || e.HasFlag(entry.FlagNotSent) || e.HasFlag(entry.FlagReused) {
		t.Errorf("flags %v", e.Flags)
	}
	tm := e.Timings
	if tm.Connect <= 0 || tm.Send <= 0 || tm.Wait <= 0 || tm.FirstByte <= 0 || tm.DNS != 0 || tm.TLS != 0 || e.Latency < tm.FirstByte || e.Latency > time.Minute {
		t.Errorf("timings %+v, latency %v", tm, e.Latency)
	}
	var twice int
	for _, h := range e.Response.Headers {
		if h.Name == "X-Twice" {
			twice++
		}
	}
	if twice != 2 {
		t.Errorf("response headers %v", e.Response.Headers)
	}
}
