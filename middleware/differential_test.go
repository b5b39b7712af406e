package middleware_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

var (
	differentialRounds = flag.Int("differential-rounds", 150, "handlers that TestDifferential makes up")
	differentialSeed   = flag.Uint64("differential-seed", 1, "which ones")
)

// step is one thing that a handler does. What it sees is written to seen.
type step func(h *invented, n int)

// invented is a handler that was made up, at work.
type invented struct {
	w    http.ResponseWriter
	r    *http.Request
	dir  string
	seen strings.Builder
}

func (h *invented) note(format string, args ...any) { fmt.Fprintf(&h.seen, format+"\n", args...) }

var steps = map[string]step{
	"write": func(h *invented, n int) {
		n, err := h.w.Write(filler()[:n])
		h.note("write %d %v", n, err)
	},
	"write nothing": func(h *invented, _ int) {
		n, err := h.w.Write(nil)
		h.note("write %d %v", n, err)
	},
	"write string": func(h *invented, n int) {
		text := string(filler()[:n])
		n, err := io.WriteString(h.w, text)
		h.note("write string %d %v", n, err)
	},
	"status": func(h *invented, n int) {
		all := []int{100, 101, 102, 103, 199, 200, 201, 204, 205, 206, 304, 404, 413, 500, 503, 99, 1000}
		h.w.WriteHeader(all[n%len(all)])
	},
	"304 with a length": func(h *invented, _ int) {
		h.w.Header().Set("Content-Length", "100")
		h.w.WriteHeader(http.StatusNotModified)
	},
	"flush": func(h *invented, _ int) { h.w.(http.Flusher).Flush() },
	"flush by the controller": func(h *invented, _ int) {
		h.note("flush %v", http.NewResponseController(h.w).Flush())
	},
	"full duplex": func(h *invented, _ int) {
		h.note("full duplex %v", http.NewResponseController(h.w).EnableFullDuplex())
	},
	"read": func(h *invented, n int) {
		n, err := io.ReadFull(h.r.Body, make([]byte, n))
		h.note("read %d %v", n, err)
	},
	"read all": func(h *invented, _ int) {
		b, err := io.ReadAll(h.r.Body)
		h.note("read all %d %v %v", len(b), err, h.r.Trailer)
	},
	"read elsewhere": func(h *invented, _ int) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			b, err := io.ReadAll(h.r.Body)
			h.note("read elsewhere %d %v", len(b), err)
		}()
		<-done
	},
	"close the body": func(h *invented, _ int) { h.note("close %v", h.r.Body.Close()) },
	"echo": func(h *invented, _ int) {
		n, err := io.Copy(h.w, h.r.Body)
		h.note("echo %d %v", n, err)
	},
	"form":      func(h *invented, _ int) { h.note("form %v %d", h.r.ParseForm(), len(h.r.Form)) },
	"multipart": func(h *invented, _ int) { h.note("multipart %v", h.r.ParseMultipartForm(10)) },
	"panic":     func(_ *invented, n int) { panic(fmt.Sprint("boom ", n)) },
	"abort":     func(*invented, int) { panic(http.ErrAbortHandler) },
	"ReadFrom": func(h *invented, n int) {
		n64, err := h.w.(io.ReaderFrom).ReadFrom(struct{ io.Reader }{bytes.NewReader(filler()[:n])})
		h.note("ReadFrom %d %v", n64, err)
	},
	"copy some": func(h *invented, n int) {
		n64, err := io.Copy(h.w, io.LimitReader(bytes.NewReader(filler()), int64(n)))
		h.note("copy %d %v", n64, err)
	},
	"file": func(h *invented, n int) {
		f, err := os.Open(filepath.Join(h.dir, "file.txt"))
		if err != nil {
			panic(err)
		}
		defer f.Close()
		_, _ = f.Seek(int64(n%500), io.SeekStart)
		n64, err := io.Copy(h.w, f)
		at, _ := f.Seek(0, io.SeekCurrent)
		h.note("file %d %v, then at %d", n64, err, at)
	},
	"serve content": func(h *invented, _ int) {
		http.ServeContent(h.w, h.r, "a.txt", time.Unix(1e9, 0), bytes.NewReader(filler()))
	},
	"redirect": func(h *invented, _ int) { http.Redirect(h.w, h.r, "/x?y=1", http.StatusFound) },
	"error":    func(h *invented, n int) { http.Error(h.w, "bad", 400+n%100) },
	"length":   func(h *invented, n int) { h.w.Header().Set("Content-Length", fmt.Sprint(n)) },
	"no length": func(h *invented, _ int) {
		h.w.Header().Set("Content-Length", "-x")
	},
	"type": func(h *invented, n int) {
		all := []string{"text/plain", "application/json", "image/png", "text/event-stream", "\x00\xff"}
		h.w.Header().Set("Content-Type", all[n%len(all)])
	},
	"transfer encoding": func(h *invented, n int) {
		h.w.Header().Set("Transfer-Encoding", []string{"chunked", "identity", "gzip"}[n%3])
	},
	"encoding": func(h *invented, _ int) { h.w.Header()["Content-Encoding"] = []string{"gzip"} },
	"connection": func(h *invented, n int) {
		h.w.Header().Set("Connection", []string{"close", "keep-alive", "Upgrade"}[n%3])
	},
	"trailer": func(h *invented, _ int) {
		h.w.Header().Set("Trailer", "X-T1, Content-Length")
		h.w.Header().Set("X-T1", "v")
	},
	"late trailer": func(h *invented, _ int) {
		h.w.Header().Set(http.TrailerPrefix+"X-T2", "late")
		h.w.Header().Set("X-T1", "late")
	},
	"hostile headers": func(h *invented, _ int) {
		h.w.Header().Set("X-New", "a\r\nSet-Cookie: x=1\x00\xfe")
		h.w.Header()["bad name"] = []string{"v"}
		h.w.Header()["X-None"] = nil
	},
	"no type, no date": func(h *invented, _ int) {
		h.w.Header()["Date"] = nil
		h.w.Header()["Content-Type"] = nil
	},
	"clone": func(h *invented, _ int) { h.r = h.r.Clone(h.r.Context()) },
	"hijack": func(h *invented, n int) {
		conn, rw, err := http.NewResponseController(h.w).Hijack()
		h.note("hijack %v", err)
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
		h.note("flush %v, %d read ahead", rw.Flush(), rw.Reader.Buffered())
	},
}

// filler is what bodies are made of.
func filler() []byte { return bytes.Repeat([]byte("0123456789abcdef<html>"), 800) }

// inventRequest makes up a request, byte by byte.
func inventRequest(rnd *rand.Rand) string {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	var b strings.Builder
	method, target, proto := pick("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "BREW", "CONNECT"), pick("/", "/a/b?x=1", "/%ff%00", "/a//b/../c", "http://h/abs", "/\xff\xfe"), pick("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0")
	if method == "CONNECT" {
		target = "host:443"
	}
	fmt.Fprintf(&b, "%s %s %s\r\nHost: a\r\n%s%s%s", method, target, proto,
		pick("Connection: close\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", ""),
		pick("Range: bytes=10-19\r\n", "", "", ""),
		pick("X-Bin: \xff\xfe\t\r\nX-Transaction-Id: abcdefgh-1\r\nX-Transaction-Parent: 0123456789abcdef\r\n", "", "", ""))
	kind, body := pick("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=BB", "application/json", ""), string(filler()[:rnd.IntN(9000)])
	if strings.HasPrefix(kind, "multipart") {
		body = "--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + body + "\r\n--BB--\r\n"
	}
	if kind != "" {
		b.WriteString("Content-Type: " + kind + "\r\n")
	}
	b.WriteString(pick("Expect: 100-continue\r\n", "", "", ""))
	switch rnd.IntN(7) {
	case 0:
		b.WriteString("\r\n")
	case 1:
		b.WriteString("Content-Length: 0\r\n\r\n")
	case 2, 3:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	case 4: // and breaks off
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body)+10, body)
	case 5:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\nTrailer: X-Rt\r\n\r\n%x\r\n%s!\r\n0\r\nX-Rt: 1\r\n\r\n", len(body)+1, body)
	case 6:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\nzz\r\n")
	}
	if rnd.IntN(3) == 0 {
		b.WriteString("GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	return b.String()
}

// stage is a server whose handler is changed between requests.
type stage struct {
	addr, dir string

	mu     sync.Mutex
	play   []func(*invented)
	played chan string
	errors bytes.Buffer
}

func newStage(t *testing.T, dir string, wrap func(http.Handler) http.Handler) *stage {
	s := &stage{dir: dir}
	server := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		play, played := s.play, s.played
		s.play = nil
		s.mu.Unlock()
		if play == nil {
			_, _ = io.WriteString(w, "second")
			return
		}
		h := &invented{w: w, r: r, dir: s.dir}
		defer func() { played <- h.seen.String() }()
		h.note("%s %s %s %d %v %t %t %v", r.Method, r.RequestURI, r.Proto, r.ContentLength, r.TransferEncoding, r.Close, r.Body == http.NoBody, r.Trailer)
		for _, do := range play {
			do(h)
		}
	})))
	server.Config.ErrorLog = log.New(s, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	return s
}

// Write takes the server's complaints.
func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errors.Write(p)
}

// what differs by itself: the date, our headers, the place that a complaint names, a
// panic's stack, ports.
var (
	dateOrOurs = regexp.MustCompile(`(?m)^(Date: [A-Z]|X-Transaction-).*\r\n`)
	callers    = regexp.MustCompile(`(?m) from .*$`)
	stackTrace = regexp.MustCompile(`(?s)\ngoroutine .*`)
	port       = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// perform sends a request and returns everything that can be seen of what became of it.
func (s *stage) perform(t *testing.T, request string, play []func(*invented)) string {
	played := make(chan string, 1)
	s.mu.Lock()
	s.play, s.played = play, played
	s.mu.Unlock()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(conn, request)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	b, err := io.ReadAll(conn)
	answer := dateOrOurs.ReplaceAllString(string(b), "") + "then the end"
	if err != nil {
		answer = fmt.Sprintf("%v", err) // and what came before it may be lost
	}
	s.mu.Lock()
	unplayed := s.play != nil // the server itself has answered
	s.play = nil
	s.mu.Unlock()
	seen := ""
	if !unplayed {
		seen = <-played
	}
	s.mu.Lock()
	complaints := callers.ReplaceAllString(stackTrace.ReplaceAllString(s.errors.String(), ""), "")
	s.errors.Reset()
	s.mu.Unlock()
	return port.ReplaceAllString("the client: "+answer+"\nthe handler: "+seen+"\nthe server's log: "+complaints, "ADDR")
}

// Whatever a handler does, and whatever is sent to it, the client, the handler and the
// server's log see what they would have seen without us. The handlers and the requests are
// made up; where an outcome varies by itself, one that is seen without us is right.
func TestDifferential(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file.txt"), filler(), 0o600); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(steps))
	bare := newStage(t, dir, func(h http.Handler) http.Handler { return h })
	for name, opts := range map[string]*middleware.Options{
		"recorded":   nil,
		"in brief":   {Keep: middleware.Most(middleware.OnError(), middleware.Always(middleware.Brief)), Audit: true, Untouched: true},
		"cut":        {MaxBody: -1, Capture: []middleware.CaptureRule{{First: 100, Last: 200}}},
		"not at all": {Skip: func(*http.Request) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			memory := &sinktest.Memory{}
			q, err := sink.NewQueue(memory, nil)
			if err != nil {
				t.Fatal(err)
			}
			wrap, err := middleware.New(q, opts)
			if err != nil {
				t.Fatal(err)
			}
			with := newStage(t, dir, wrap)
			rnd := rand.New(rand.NewPCG(*differentialSeed, uint64(len(name)))) //nolint:gosec // repeatable
			for range *differentialRounds {
				request := inventRequest(rnd)
				var play []func(*invented)
				var script []string
				for range 1 + rnd.IntN(6) {
					name, n := names[rnd.IntN(len(names))], rnd.IntN(1<<14)
					if rnd.IntN(3) == 0 {
						n %= 20
					}
					play = append(play, func(h *invented) { steps[name](h, n) })
					script = append(script, fmt.Sprintf("%s(%d)", name, n))
				}
				differ(t, bare, with, request, strings.Join(script, " "), play)
			}
			if err := q.Close(context.Background()); err != nil {
				t.Error(err)
			}
			for _, e := range memory.Entries() {
				if _, err := entry.Parse(e.Line()); err != nil {
					t.Errorf("%s: %v", e.Line(), err)
				}
			}
		})
	}
}

// differ fails the test if nothing that is seen with the middleware is seen without.
func differ(t *testing.T, bare, with *stage, request, script string, play []func(*invented)) {
	without, ours := map[string]bool{}, map[string]bool{}
	for range 20 {
		without[bare.perform(t, request, play)] = true
		ours[with.perform(t, request, play)] = true
		for seen := range ours {
			if without[seen] {
				return
			}
		}
	}
	for seen := range ours {
		t.Errorf("%.300q\n%s\nwith the middleware %.1000q", request, script, seen)
	}
	for seen := range without {
		t.Errorf("without it %.1000q", seen)
	}
}
