package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

func TestEntryOfAPost(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		middleware.Annotate(r.Context(), "item", r.PathValue("id"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, `{"error":"core"}`)
	})
	s, rec := serve(t, middleware.Options{}, mux.ServeHTTP)
	r := request(t, "POST", s.URL+"/api/items/7?q=1", strings.NewReader(`{"a":1}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Client-User", "42")
	r.Header.Set("X-Client-Device", "iPhone15,2")
	r.Header.Set("X-Client-OS", "iOS 26.3")
	r.Header.Set("X-Client-Country", "KR")
	r.Header.Set("X-Client-App-Version", "KakaoTalk 26.3.5")
	r.Header.Set("Referer", "https://shop.example/items?page=2")
	r.Header.Set("User-Agent", "test/1")
	res, body := do(t, s.Client(), r)
	if res.StatusCode != 502 || body != `{"error":"core"}` {
		t.Fatalf("got %d %q", res.StatusCode, body)
	}
	e := rec.one(t)
	if got := res.Header.Get(txid.Header); got == "" || got != string(e.TxID) {
		t.Errorf("response carries the ID %q, entry %q", got, e.TxID)
	}
	type facts struct {
		Kind                                          entry.Kind
		Severity                                      entry.Severity
		Method, URL, Route, Protocol, IP, Ref, UA     string
		Status                                        int
		ReqBody, ResBody, ReqType, ResType            string
		ReqSize, ResSize                              int64
		User, Device, OS, Country, App, Page, Message string
	}
	message, _, _ := strings.Cut(e.Message, "(")
	got := facts{
		e.Kind, e.Severity, e.HTTP.Method, e.HTTP.URL, e.HTTP.Route, e.HTTP.Protocol, e.HTTP.RemoteIP, e.HTTP.Referer, e.HTTP.UserAgent,
		e.HTTP.Status, string(e.Request.Body.Raw), string(e.Response.Body.Raw), e.Request.Body.Type, e.Response.Body.Type,
		e.Request.Body.Size, e.Response.Body.Size,
		e.Facts.UserID, e.Facts.Device, e.Facts.OS, e.Facts.Country, e.Facts.AppVersion, e.Facts.EntryPage, message,
	}
	want := facts{
		entry.KindServer, entry.SeverityError, "POST", "/api/items/7?q=1", "/api/items/{id}", "HTTP/1.1", "127.0.0.1",
		"https://shop.example/items?page=2", "test/1", 502, `{"a":1}`, `{"error":"core"}`, "application/json", "application/json", 7, 16,
		"42", "iPhone15,2", "iOS 26.3", "KR", "KakaoTalk 26.3.5", "POST /api/items/{id}", "POST /api/items/7 502 ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]entry.Label{{Name: "item", Value: "7"}}, e.Labels); d != "" {
		t.Error(d)
	}
	if len(e.Flags) != 0 {
		t.Errorf("flags %v", e.Flags)
	}
}

func TestNewRefuses(t *testing.T) {
	q := newQueue(t)
	for name, o := range map[string]*middleware.Options{
		"MaxBody":  {MaxBody: -2},
		"huge":     {MaxBody: entry.MaxBody + 1},
		"ReturnID": {ReturnID: 9},
		"header":   {ProxyHeader: 2},
	} {
		if _, err := middleware.New(q, o); err == nil || !strings.Contains(err.Error(), "middleware: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := middleware.New(nil, nil); !errors.Is(err, middleware.ErrOptions) || !strings.Contains(err.Error(), "sink.NewQueue") {
		t.Errorf("no queue: %v", err)
	}
}
