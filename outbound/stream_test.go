package outbound_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
)

func TestUpgrade(t *testing.T) {
	addr := rawServer(t, func(conn net.Conn) {
		br := bufio.NewReader(conn)
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ")
		_, _ = io.Copy(conn, br)
	})
	rec := newRecorder(t)
	req := request(t, t.Context(), http.MethodGet, "http://"+addr+"/ws?token=1", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := rec.transport(t, base(t), nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	e := rec.only(t) // at the upgrade
	if e.HTTP.Status != 101 || e.Kind != entry.KindClient || e.Failed() || e.Response.Body.Truncated || e.HasFlag(entry.FlagNotRead) {
		t.Errorf("%+v", e)
	}
	rw := resp.Body.(io.ReadWriteCloser)
	if _, err := io.WriteString(rw, "text"); err != nil {
		t.Fatal(err)
	}
	if err := rw.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(rw); err != nil || string(b) != "hello text" {
		t.Errorf("%q, %v", b, err)
	}
	_ = rw.Close()
	_ = rw.Close()
	s := rec.wait(t, 2)[1]
	if s.Kind != entry.KindStream || s.Parent != e.Span || s.TxID != e.TxID || s.Request.Body.Size != 4 || s.Response.Body.Size != 10 || s.Error.Type != "" ||
		!strings.HasSuffix(s.Message, "sent 4 B, received 10 B") || strings.Contains(s.Message, "token") {
		t.Errorf("%+v", s)
	}
}

// h2 returns a server that speaks HTTP/2 and a base that knows it.
func h2(t *testing.T, h http.HandlerFunc) (string, *http.Transport) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	tr := base(t)
	tr.TLSClientConfig = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	return srv.URL, tr
}

func TestHTTP2(t *testing.T) {
	url, tr := h2(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/reset":
			panic(http.ErrAbortHandler)
		case "/resetbody":
			_, _ = io.WriteString(w, "text")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(w, r.Body)
	})
	rec := newRecorder(t)
	client := &http.Client{Transport: rec.transport(t, tr, nil)}
	for i, c := range []struct {
		path string
		want string
	}{{"/", ""}, {"/reset", entry.ErrorReset}, {"/resetbody", entry.ErrorReset}, {"/", ""}} {
		resp, err := client.Do(request(t, t.Context(), http.MethodPost, url+c.path, strings.NewReader("text")))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if (err != nil) != (c.want != "") {
			t.Errorf("%s: %v", c.path, err)
		}
		e := rec.wait(t, i+1)[i]
		if e.Error.Type != c.want || string(e.Request.Body.Raw) != "text" || e.HasFlag(entry.FlagReused) != (i > 0) {
			t.Errorf("%d: type %q, want %q: %v; body %+v, flags %v, labels %v", i, e.Error.Type, c.want, err, e.Request.Body, e.Flags, e.Labels)
		}
		if c.want == "" && (e.HTTP.Protocol != "HTTP/2.0" || e.Timings.FirstByte <= 0 || e.HTTP.RemoteIP != "127.0.0.1" || len(e.Labels) != 0) {
			t.Errorf("%d: %q, %+v, labels %v", i, e.HTTP.Protocol, e.Timings, e.Labels)
		}
	}
}

func TestReplayRestartsTheCapture(t *testing.T) {
	// The first connection's second request is read and not answered.
	var mu sync.Mutex
	conns := 0
	addr := rawServer(t, func(conn net.Conn) {
		mu.Lock()
		conns++
		n := conns
		mu.Unlock()
		br := bufio.NewReader(conn)
		for i := range 2 {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if n == 1 && i == 1 {
				return
			}
			say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), nil)
	for range 2 {
		req := request(t, t.Context(), http.MethodPost, "http://"+addr+"/", onlyReader{strings.NewReader("0123456789")})
		req.Header.Set("Idempotency-Key", "1")
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(onlyReader{strings.NewReader("0123456789")}), nil }
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
	}
	e := rec.wait(t, 2)[1]
	if b := e.Request.Body; string(b.Raw) != "0123456789" || b.Size != 10 || b.Truncated || label(e, entry.LabelResent) != "1" {
		t.Errorf("%+v, labels %v", b, e.Labels)
	}
}

func TestBodyStillBeingSent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}))
	defer srv.Close()
	rec := newRecorder(t)
	pr, pw := io.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for {
			if _, err := io.WriteString(pw, "more and more"); err != nil {
				return
			}
		}
	}()
	resp, err := rec.transport(t, base(t), nil).RoundTrip(request(t, t.Context(), http.MethodPost, srv.URL, pr))
	if err != nil && !errors.Is(err, context.Canceled) {
		_ = pr.Close()
		<-sent
		rec.only(t) // the server's close was seen before its answer: the same without us
		return
	}
	drain(t, resp)
	if e := rec.only(t); e.HTTP.Status != 413 || !e.Request.Body.Truncated {
		t.Errorf("%+v", e.Request.Body)
	}
	_ = pr.Close()
	<-sent
}

// Many calls at once, given up at every stage: what -race finds is found here.
func TestConcurrent(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	defer srv.Close()
	rec := newRecorder(t)
	tr := rec.transport(t, base(t), nil)
	const calls = 200
	var wg sync.WaitGroup
	slots := make(chan struct{}, 20)
	for i := range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10)*time.Millisecond+time.Microsecond)
			defer cancel()
			resp, err := tr.RoundTrip(request(t, ctx, http.MethodPost, srv.URL, onlyReader{strings.NewReader(strings.Repeat("x", 10_000))}))
			if err != nil {
				return
			}
			if i%3 == 0 {
				go func() { _ = resp.Body.Close() }()
			}
			_, _ = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		})
	}
	wg.Wait()
	rec.wait(t, calls)
	if err := rec.queue.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := rec.queue.Stats(); s.Captured != calls || s.Delivered != calls {
		t.Errorf("%+v", s)
	}
}
