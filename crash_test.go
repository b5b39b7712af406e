package txtrail_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// crashRounds is small so that the plain test run stays short.
var crashRounds = flag.Int("crash-rounds", 3, "how often TestKilledService kills a service, in each mode")

const (
	crashDirEnv   = "TXTRAIL_CRASH_TEST_DIR"
	crashAuditEnv = "TXTRAIL_CRASH_TEST_AUDIT"
)

// crashVictim is the service that TestKilledService kills: it runs in a process of its
// own. It says on stdout, by one write(2) each, when a handler begins (B), when it ends
// (E) and when ServeHTTP of the middleware has returned (R).
func crashVictim(dir string) error {
	trail, err := txtrail.Open(txtrail.Config{
		Service: "victim", Dir: dir, LogHandler: slog.DiscardHandler, Output: txtrail.OutputJournal,
		Middleware: &middleware.Options{Audit: os.Getenv(crashAuditEnv) != "", AuditTimeout: time.Minute},
	})
	if err != nil {
		return err
	}
	say := func(what, id string) {
		_, _ = fmt.Fprintf(os.Stdout, "%s %s %d\n", what, id, time.Now().UnixNano())
	}
	inner := trail.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Transaction-Id")
		say("B", id)
		if d, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil {
			time.Sleep(d)
		}
		_, _ = io.WriteString(w, `{"answer":42}`)
		say("E", id)
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(os.Stdout, "L %s 0\n", l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		say("R", r.Header.Get("X-Transaction-Id"))
	}))
}

// witness is what the victim said before it died.
type witness struct {
	began, ended, returned map[string]time.Time
	killed                 time.Time
}

// kill runs a victim under load and kills it at a random moment.
func kill(t *testing.T, dir string, audit bool) *witness {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
	if audit {
		cmd.Env = append(cmd.Env, crashAuditEnv+"=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &witness{began: map[string]time.Time{}, ended: map[string]time.Time{}, returned: map[string]time.Time{}}
	listening, silent := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(silent)
		for s := bufio.NewScanner(out); s.Scan(); {
			var what, id string
			var at int64
			if n, _ := fmt.Sscanf(s.Text(), "%s %s %d", &what, &id, &at); n != 3 {
				continue // torn by the death
			}
			switch what {
			case "L":
				listening <- id
			case "B":
				w.began[id] = time.Unix(0, at)
			case "E":
				w.ended[id] = time.Unix(0, at)
			case "R":
				w.returned[id] = time.Unix(0, at)
			}
		}
	}()
	var addr string
	select {
	case addr = <-listening:
	case <-silent:
		t.Fatal("the victim died before it listened")
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var dead atomic.Bool
	var clients sync.WaitGroup
	for c := range 12 {
		clients.Go(func() {
			for i := 0; !dead.Load(); i++ {
				url := "http://" + addr + "/api/orders/4711"
				if c < 4 {
					url += fmt.Sprintf("?wait=%dms", rand.IntN(200))
				}
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"item":7}`))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("X-Transaction-Id", fmt.Sprintf("crash-%02d-%06d", c, i))
				if res, err := client.Do(r); err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}
		})
	}
	time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
	w.killed = time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	dead.Store(true)
	clients.Wait()
	<-silent
	_ = cmd.Wait()
	return w
}

// told returns the txids of the entries of each kind, as a query answers, and checks
// that none is there twice.
func told(t *testing.T, dir string) (served, crashed map[string]bool) {
	t.Helper()
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := src.Find(context.Background(), query.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	served, crashed = map[string]bool{}, map[string]bool{}
	for _, e := range found.Entries {
		kind := served
		if e.Kind == entry.KindCrash {
			kind = crashed
			if e.Resource == nil || e.Resource.Service != "victim" || e.HTTP.Method != "POST" || e.HTTP.URL != "/api/orders/[masked:in-flight]" {
				t.Errorf("crash entry %+v of %+v", e, e.Resource)
			}
		}
		if kind[string(e.TxID)] {
			t.Errorf("%s: two entries of kind %s", e.TxID, e.Kind)
		}
		kind[string(e.TxID)] = true
	}
	return served, crashed
}

// A service is killed under load at random moments. With Audit, no entry is missing
// whose ServeHTTP had returned; without, at most those of the last moments. In both,
// each request whose handler was at work has its crash entry: for a reader at once, and
// in the journal when the next process has opened it.
func TestKilledService(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no SIGKILL here")
	}
	for _, audit := range []bool{false, true} {
		t.Run(fmt.Sprintf("audit %v", audit), func(t *testing.T) {
			var losses []time.Duration // how long before the kill a lost one had returned
			var lost, returned, inFlight int
			for range *crashRounds {
				dir := filepath.Join(t.TempDir(), "journal")
				w := kill(t, dir, audit)
				served, crashed := told(t, dir)
				for id, at := range w.returned {
					returned++
					if served[id] {
						continue
					}
					lost++
					losses = append(losses, w.killed.Sub(at))
					if audit {
						t.Errorf("%s: ServeHTTP had returned %s before the kill, and there is no entry", id, w.killed.Sub(at))
					}
				}
				for id := range w.began {
					_, ended := w.ended[id]
					switch {
					case !ended:
						inFlight++
						if !crashed[id] {
							t.Errorf("%s: it was being served, and there is no crash entry", id)
						}
					case audit && !served[id] && !crashed[id]:
						t.Errorf("%s: its handler had returned, and there is neither entry nor crash entry", id)
					}
				}
				j, err := journalsink.Open(dir, &journalsink.Options{OnError: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
					if left, _ := filepath.Glob(filepath.Join(dir, ".inflight-*")); len(left) == 0 {
						break
					}
					if time.Now().After(deadline) {
						t.Fatal("nobody took care of the dead")
					}
				}
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				servedAfter, crashedAfter := told(t, dir)
				if diff := cmp.Diff(served, servedAfter) + cmp.Diff(crashed, crashedAfter); diff != "" {
					t.Errorf("before and after the next process (-before +after)\n%s", diff)
				}
			}
			slices.Sort(losses)
			worst := time.Duration(0)
			if len(losses) > 0 {
				worst = losses[len(losses)-1]
			}
			t.Logf("%d rounds, %d requests returned, %d of them lost, the oldest %s before the kill; %d in flight, all told of",
				*crashRounds, returned, lost, worst, inFlight)
			if len(losses) > 0 {
				t.Logf("age of what was lost: median %s, p90 %s", losses[len(losses)/2], losses[len(losses)*9/10])
			}
		})
	}
}
