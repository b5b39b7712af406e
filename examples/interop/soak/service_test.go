package soak

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// service is a recorded service that does everything a service may do, calls another
// one, and counts what its journal has to tell of.
type service struct {
	trail  *txtrail.Trail
	plain  *httptest.Server // HTTP/1.1 and h2c
	tls    *httptest.Server // HTTP/2
	back   *httptest.Server // what it calls
	client *http.Client     // with which it does
	base   *counted
	file   string

	handled  atomic.Int64 // requests that came in
	hijacked atomic.Int64 // connections that were taken over
	told     [4]atomic.Int64
	faults   atomic.Int64 // what the trail complained of
}

// What told counts.
const (
	toldServer = iota
	toldClient
	toldStream
	toldOther
)

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{base: &counted{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	s.file = filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(s.file, []byte(strings.Repeat("<p>a page that is sent as a file</p>\n", 6000)), 0o600); err != nil {
		t.Fatal(err)
	}
	count := func(_ context.Context, e *entry.Entry) {
		switch e.Kind {
		case entry.KindServer:
			s.told[toldServer].Add(1)
		case entry.KindClient:
			s.told[toldClient].Add(1)
		case entry.KindStream:
			s.told[toldStream].Add(1)
		default:
			s.told[toldOther].Add(1)
		}
	}
	trail, err := txtrail.Open(txtrail.Config{
		Service: "soak",
		Dir:     filepath.Join(t.TempDir(), "journal"),
		// Files close, are compressed and removed all the time.
		Journal:    &journalsink.Options{MaxFileBytes: 1 << 20, MaxBytes: 8 << 20},
		Middleware: &middleware.Options{OnEntry: count, Skip: func(*http.Request) bool { return false }},
		Outbound:   &outbound.Options{OnEntry: count},
		LogHandler: slog.DiscardHandler,
		OnError: func(err error) {
			// Old files are removed since the folder is kept small on purpose.
			if !errors.Is(err, journalsink.ErrRetention) {
				s.faults.Add(1)
				t.Log("fault:", err)
			}
		},
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.trail = trail
	if s.client, err = trail.Wrap(&http.Client{Transport: s.base}); err != nil {
		t.Fatal(err)
	}

	s.back = httptest.NewUnstartedServer(s.backend())
	s.back.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.back.Start()
	h := trail.Handler(s.counting(s.handler()))
	var both http.Protocols
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	s.plain = httptest.NewUnstartedServer(h)
	s.plain.Config.Protocols = &both
	s.tls = httptest.NewUnstartedServer(h)
	s.tls.EnableHTTP2 = true
	for _, server := range []*httptest.Server{s.plain, s.tls} {
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers panic on purpose
		server.Config.ConnContext = middleware.ConnContext
	}
	s.plain.Start()
	s.tls.StartTLS()
	return s
}

// close ends the servers, then the trail, as a service does.
func (s *service) close(t *testing.T) {
	t.Helper()
	s.plain.Close()
	s.tls.Close()
	s.base.CloseIdleConnections()
	s.back.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.trail.Close(ctx); err != nil {
		t.Errorf("closing the trail: %v", err)
	}
}

// counting counts what the handler gets to see.
func (s *service) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handled.Add(1)
		h.ServeHTTP(w, r)
	})
}

// counted is a transport that counts its calls.
type counted struct {
	*http.Transport
	calls atomic.Int64
}

// RoundTrip implements [http.RoundTripper].
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.Transport.RoundTrip(r)
}
