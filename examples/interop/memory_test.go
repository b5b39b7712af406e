package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
)

var bodySize = flag.Int64("size", 64<<20, "bytes that TestConstantMemory sends, and receives")

// mayAdd is by how much the peak of a recorded process may be above a bare one's, in
// bytes.
const mayAdd = 16 << 20

// A large upload and a large download take no memory: the peaks of a server and of a
// client that are recorded, each a process of its own with a journal, are near those of
// bare ones.
func TestConstantMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process's peak")
	}
	for _, proto := range []protocol{http1, h2c} {
		t.Run(string(proto), func(t *testing.T) {
			bare, recorded := measure(t, proto, false), measure(t, proto, true)
			for _, m := range []struct {
				who      string
				bare     int64
				recorded int64
			}{{"server", bare.server, recorded.server}, {"client", bare.client, recorded.client}} {
				t.Logf("%d MB up and down: the %s's peak is %.1f MB bare and %.1f recorded", *bodySize>>20, m.who, mb(m.bare), mb(m.recorded))
				if m.recorded-m.bare > mayAdd && !raceEnabled { // the race detector takes more than the rest
					t.Errorf("the recorded %s's peak is %.1f MB above the bare one's, want at most %.1f", m.who, mb(m.recorded-m.bare), mb(mayAdd))
				}
			}
		})
	}
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }

// peaks are the largest amounts of memory that two processes had, in bytes.
type peaks struct{ server, client int64 }

// measure runs a server and a client as processes.
func measure(t *testing.T, proto protocol, recorded bool) peaks {
	t.Helper()
	dir := t.TempDir()
	server := child(t, "server", proto, recorded, dir)
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client := child(t, "client", proto, recorded, dir)
	client.Env = append(client.Env, "INTEROP_URL="+strings.TrimSpace(url))
	said, err := client.Output()
	if err != nil {
		t.Fatalf("the client: %v: %s", err, said)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	last, err := lines.ReadString('\n')
	if err := errors.Join(err, server.Wait()); err != nil {
		t.Fatalf("the server: %v", err)
	}
	if recorded {
		files, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("%v, %v: the processes did not record", files, err)
		}
	}
	return peaks{server: number(t, last), client: number(t, string(said))}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 {
		t.Fatalf("%q is not the size of a process", s)
	}
	return n
}

func child(t *testing.T, role string, proto protocol, recorded bool, dir string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, os.Args[0]) //nolint:gosec // this very test
	c.Env = append(os.Environ(), "INTEROP_ROLE="+role, "INTEROP_PROTOCOL="+string(proto),
		"INTEROP_SIZE="+strconv.FormatInt(*bodySize, 10), "INTEROP_DIR="+filepath.Join(dir, role))
	if recorded {
		c.Env = append(c.Env, "INTEROP_RECORDED=1")
	}
	c.Stderr = os.Stderr
	return c
}

// role runs what a child process is for, and reports whether this is one.
func role() bool {
	var err error
	switch os.Getenv("INTEROP_ROLE") {
	case "server":
		err = asChild(serveLarge)
	case "client":
		err = asChild(sendLarge)
	default:
		return false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// asChild opens a trail, where one is asked for, and says at the end how large the
// process has been.
func asChild(run func(wrap func(http.Handler) http.Handler, over func(*http.Transport) (http.RoundTripper, error), size int64) error) error {
	size, err := strconv.ParseInt(os.Getenv("INTEROP_SIZE"), 10, 64)
	if err != nil {
		return err
	}
	wrap := func(h http.Handler) http.Handler { return h }
	over := func(tr *http.Transport) (http.RoundTripper, error) { return tr, nil }
	stop := func(context.Context) error { return nil }
	if os.Getenv("INTEROP_RECORDED") != "" {
		trail, err := txtrail.Open(txtrail.Config{Dir: os.Getenv("INTEROP_DIR"), LogHandler: slog.DiscardHandler})
		if err != nil {
			return err
		}
		wrap, stop = trail.Handler, trail.Close
		over = func(tr *http.Transport) (http.RoundTripper, error) { return trail.Transport(tr) }
	}
	if err := run(wrap, over, size); err != nil {
		return err
	}
	if err := stop(context.Background()); err != nil {
		return err
	}
	n, err := peak()
	if err == nil {
		fmt.Println(n)
	}
	return err
}

// speak returns the protocols of a side.
func speak() *http.Protocols {
	var p http.Protocols
	if os.Getenv("INTEROP_PROTOCOL") == string(h2c) {
		p.SetUnencryptedHTTP2(true)
	} else {
		p.SetHTTP1(true)
	}
	return &p
}

// serveLarge takes and gives large bodies until its standard input ends.
func serveLarge(wrap func(http.Handler) http.Handler, _ func(*http.Transport) (http.RoundTripper, error), size int64) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /up", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != size {
			http.Error(w, fmt.Sprint(n, err), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /down", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.Copy(w, io.LimitReader(text{}, size))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: wrap(mux), Protocols: speak(), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	fmt.Println("http://" + l.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Shutdown(context.Background()); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// sendLarge sends and takes large bodies.
func sendLarge(_ func(http.Handler) http.Handler, over func(*http.Transport) (http.RoundTripper, error), size int64) error {
	base := &http.Transport{Protocols: speak()}
	defer base.CloseIdleConnections()
	rt, err := over(base)
	if err != nil {
		return err
	}
	c, url := &http.Client{Transport: rt}, os.Getenv("INTEROP_URL")
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/up", io.LimitReader(text{}, size))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain")
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the upload: %s", res.Status)
	}
	if req, err = http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/down", nil); err != nil {
		return err
	}
	if res, err = c.Do(req); err != nil {
		return err
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size {
		return fmt.Errorf("the download: %d bytes, %w", n, err)
	}
	return nil
}

// text is an endless reader of something to read.
type text struct{}

// Read implements [io.Reader].
func (text) Read(p []byte) (int, error) {
	const line = "user=kim password=hunter2 what happened at 19:04? "
	for n := copy(p, line); n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
	return len(p), nil
}

// peak returns the most memory that this process has had, in bytes.
func peak() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}
