package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/sanitize"
	"github.com/txtrail/txtrail/txid"
)

// inProcess runs the three services in this process, with the journal in dir, plays
// the scenario, and returns its txid once everything is on disk.
func inProcess(t *testing.T, dir string, policy *sanitize.Policy) txid.ID {
	t.Helper()
	open := func(service string) *txtrail.Trail {
		trail, err := txtrail.Open(txtrail.Config{
			Service:    service,
			Dir:        dir,
			Sanitize:   policy,
			LookupEnv:  func(string) (string, bool) { return "", false },
			LogHandler: slog.NewTextHandler(io.Discard, nil),
			OnError:    func(err error) { t.Error(err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return trail
	}
	coreTrail, webTrail, ssrTrail := open("core"), open("web"), open("ssr")
	serve := func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		s.Start()
		return s
	}
	core := serve(newCore(coreTrail))
	web := serve(newWeb(webTrail, core.URL, nobody))
	h, err := newSSR(ssrTrail, web.URL)
	if err != nil {
		t.Fatal(err)
	}
	ssr := serve(h)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	id, err := newApp(ssr.URL, web.URL).run(ctx, io.Discard)
	if err != nil {
		t.Error(err)
	}
	for _, s := range []*httptest.Server{ssr, web, core} {
		s.Close()
	}
	for _, trail := range []*txtrail.Trail{ssrTrail, webTrail, coreTrail} {
		if err := trail.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	return id
}
