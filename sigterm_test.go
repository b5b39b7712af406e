package txtrail_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// sigtermRounds is small so that the plain test run stays short.
var sigtermRounds = flag.Int("sigterm-rounds", 2, "how often TestSIGTERM ends a service, with each sink")

const (
	sigtermDirEnv  = "TXTRAIL_SIGTERM_TEST_DIR"
	sigtermDownEnv = "TXTRAIL_SIGTERM_TEST_DOWN"
)

// serveUntilSignal is what docs/delivery.md says to write.
func serveUntilSignal(trail *txtrail.Trail, server *http.Server, l net.Listener) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	var err error
	select {
	case <-ctx.Done():
		stop() // a second signal ends the process at once
		grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		err = server.Shutdown(grace) // the requests under way end
	case err = <-failed:
	}
	// A time of its own: what the requests took is over.
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, trail.Close(grace))
}

// steadyFile is a fileSink that never fails.
type steadyFile struct{ path string }

func (*steadyFile) Name() string                { return "file" }
func (*steadyFile) Close(context.Context) error { return nil }

func (s *steadyFile) Write(_ context.Context, batch []*entry.Entry) error {
	var out []byte
	for _, e := range batch {
		out = fmt.Appendf(out, "%s %s\n", e.TxID, e.InsertID)
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out)
	return errors.Join(err, f.Close())
}

func openSigterm(dir string, away bool) (*txtrail.Trail, error) {
	var to sink.Sink = &steadyFile{filepath.Join(dir, "delivered")}
	if away {
		to = sink.WithName(down{}, "file")
	}
	return txtrail.Open(txtrail.Config{
		Service: "victim", Dir: filepath.Join(dir, "journal"), LogHandler: slog.DiscardHandler, Output: txtrail.OutputJournal,
		Sinks: []sink.Sink{to}, OnError: func(error) {},
	})
}

// sigtermVictim is the service that TestSIGTERM ends: it says where it listens, which
// handlers have ended, and how it ended itself.
func sigtermVictim(dir string) error {
	trail, err := openSigterm(dir, os.Getenv(sigtermDownEnv) != "")
	if err != nil {
		return err
	}
	handler := trail.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil {
			time.Sleep(d)
		}
		_, _ = io.WriteString(w, `{"answer":42}`)
		_, _ = fmt.Fprintf(os.Stdout, "E %s\n", r.Header.Get("X-Transaction-Id"))
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(os.Stdout, "L %s\n", l.Addr())
	err = serveUntilSignal(trail, &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}, l)
	_, _ = fmt.Fprintf(os.Stdout, "C left=%v nil=%v\n", errors.Is(err, sink.ErrLeft), err == nil)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(0)
	return nil
}

// terminate runs a victim under load, sends it a SIGTERM at a random moment, and returns
// the txids of the requests whose handlers had ended, and of those that were answered.
func terminate(t *testing.T, dir string, away bool) (ended, answered map[string]bool, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), sigtermDirEnv+"="+dir)
	if away {
		cmd.Env = append(cmd.Env, sigtermDownEnv+"=1")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, answered = map[string]bool{}, map[string]bool{}
	listening, silent := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(silent)
		for s := bufio.NewScanner(out); s.Scan(); {
			what, rest, _ := strings.Cut(s.Text(), " ")
			switch what {
			case "L":
				listening <- rest
			case "E":
				ended[rest] = true
			case "C":
				said = rest
			}
		}
	}()
	var addr string
	select {
	case addr = <-listening:
	case <-silent:
		t.Fatalf("the victim died before it listened: %s", stderr.String())
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var over atomic.Bool
	var mu sync.Mutex
	var clients sync.WaitGroup
	for c := range 12 {
		clients.Go(func() {
			for i := 0; !over.Load(); i++ {
				url := "http://" + addr + "/api/orders"
				if c < 4 {
					url += fmt.Sprintf("?wait=%dms", rand.IntN(300))
				}
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"item":7}`))
				if err != nil {
					t.Error(err)
					return
				}
				id := fmt.Sprintf("term-%d-%02d-%06d", time.Now().UnixNano(), c, i)
				r.Header.Set("X-Transaction-Id", id)
				res, err := client.Do(r)
				if err != nil {
					continue // it listens no more
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err == nil && res.StatusCode == http.StatusOK {
					mu.Lock()
					answered[id] = true
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-silent
	over.Store(true)
	clients.Wait()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the victim did not end by itself: %v: %s", err, stderr.String())
	}
	return ended, answered, said
}

// A service that ends at SIGTERM as the documentation says loses nothing, under load:
// all that it has answered is in the journal and at the sink, once; or goes there at the
// next start, if the sink was away.
func TestSIGTERM(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no SIGTERM here")
	}
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprintf("sink away %v", away), func(t *testing.T) {
			total := 0
			for range *sigtermRounds {
				dir := t.TempDir()
				ended, answered, said := terminate(t, dir, away)
				if want := fmt.Sprintf("left=%v nil=%v", away, !away); said != want {
					t.Errorf("it ended with %s, want %s", said, want)
				}
				for id := range answered {
					ended[id] = true
				}
				if total += len(ended); len(ended) == 0 || len(answered) == 0 {
					t.Fatal("nothing was served")
				}
				served, crashed := told(t, filepath.Join(dir, "journal"))
				if len(crashed) > 0 {
					t.Errorf("%d were cut off", len(crashed))
				}
				for id := range ended {
					if !served[id] {
						t.Errorf("%s was served, and is not in the journal", id)
					}
				}
				if away {
					next, err := openSigterm(dir, false)
					if err != nil {
						t.Fatal(err)
					}
					closeTrail(t, next)
				}
				b, err := os.ReadFile(filepath.Join(dir, "delivered"))
				if err != nil {
					t.Fatal(err)
				}
				delivered := map[string]int{}
				for line := range strings.Lines(string(b)) {
					id, _, _ := strings.Cut(line, " ")
					delivered[id]++
				}
				for id := range ended {
					if delivered[id] != 1 {
						t.Errorf("%s was served, and delivered %d times", id, delivered[id])
					}
				}
			}
			t.Logf("%d rounds, %d requests served, none lost", *sigtermRounds, total)
		})
	}
}
