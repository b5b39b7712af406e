package txtrail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// The tests that kill a service run this program again, as the service.
func TestMain(m *testing.M) {
	for name, victim := range map[string]func(dir string) error{crashDirEnv: crashVictim, shipDirEnv: shipVictim, sigtermDirEnv: sigtermVictim} {
		if dir := os.Getenv(name); dir != "" {
			fmt.Fprintln(os.Stderr, "ended by itself:", victim(dir))
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// env returns a LookupEnv that knows the given pairs alone.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func get(t *testing.T, h http.Handler, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Result()
}

func closeTrail(t *testing.T, trail *txtrail.Trail) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // for what hangs
	defer cancel()
	if err := trail.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config txtrail.Config
		says   []string // what was wrong, and what to do
	}{
		{"output", txtrail.Config{Output: "kafka"}, []string{"kafka", "journal, stdout, none or auto"}},
		{"output from the environment", txtrail.Config{LookupEnv: env("TXTRAIL_OUTPUT", "fluent")}, []string{"TXTRAIL_OUTPUT", "fluent"}},
		{"max body", txtrail.Config{LookupEnv: env("TXTRAIL_MAX_BODY", "64k")}, []string{"TXTRAIL_MAX_BODY", "64k", "number of bytes"}},
		{"hosts", txtrail.Config{LookupEnv: env("TXTRAIL_ALLOW_HOSTS", "https://api.example.com")}, []string{"TXTRAIL_ALLOW_HOSTS", "https://api.example.com", "without scheme"}},
		{"folder", txtrail.Config{LookupEnv: env("TXTRAIL_DIR", "a\x00b")}, []string{"TXTRAIL_DIR", "NUL"}},
		{"max body too large", txtrail.Config{MaxBody: 9 << 20}, []string{"TXTRAIL_MAX_BODY", "9437184", "8388608"}},
		{"requests in flight", txtrail.Config{InFlightSlots: -2}, []string{"InFlightSlots", "-2", "65536"}},
		{"middleware", txtrail.Config{Middleware: &middleware.Options{ReturnID: 9}}, []string{"ReturnID", "9"}},
		{"outbound", txtrail.Config{Outbound: &outbound.Options{MaxBody: -2}}, []string{"MaxBody", "-2"}},
		{"queue", txtrail.Config{Queue: &sink.QueueOptions{MaxBytes: 1}}, []string{"MaxBytes"}},
		{"headers", txtrail.Config{Txid: &txid.Options{Accept: []string{"X Bad"}}}, []string{"Accept", "X Bad"}},
		{"credentials as facts", txtrail.Config{Txid: &txid.Options{Carried: []string{"authorization"}}}, []string{"Carried", "Authorization"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.config.LookupEnv == nil {
				tt.config.LookupEnv = env()
			}
			if tt.config.Dir == "" && tt.name != "folder" {
				tt.config.Dir = filepath.Join(t.TempDir(), "journal")
			}
			lent := &sinktest.Memory{}
			tt.config.Sinks = []sink.Sink{lent}
			trail, err := txtrail.Open(tt.config)
			if err == nil {
				closeTrail(t, trail)
				t.Fatal("opened")
			}
			if lent.Closed() {
				t.Error("the user's sink was closed, although Open failed")
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the error does not say %q: %v", s, err)
				}
			}
			if tt.config.Dir != "" {
				if _, err := os.Stat(tt.config.Dir); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("a refused configuration left a folder behind: %v", err)
				}
			}
		})
	}
}

// A folder that can not be written must not keep a service from serving; what it
// costs is counted and told, and it is used as soon as it can be.
func TestOpenUnwritable(t *testing.T) {
	parent := t.TempDir()
	blocked := filepath.Join(parent, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []error
	dir := filepath.Join(blocked, "journal") // below a file: nobody can make that, not even root
	var log strings.Builder
	trail, err := txtrail.Open(txtrail.Config{
		Service: "web", Dir: dir, LookupEnv: env(),
		LogHandler: slog.NewTextHandler(&log, nil),
		OnError: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := log.String(); !strings.Contains(s, "level=WARN") || !strings.Contains(s, dir) || !strings.Contains(s, "can not be opened") {
		t.Errorf("the first line in the log does not warn: %s", s)
	}
	h := trail.Handler(http.HandlerFunc(ok))
	if res := get(t, h, "/a"); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := len(told)
		mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody was told")
		}
	}
	if s := trail.Stats(); s.Captured != 1 || s.Waiting != 1 {
		t.Errorf("%+v, want the entry waiting", s)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := trail.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	closeTrail(t, trail)
	if s := trail.Stats(); s.Delivered != 1 {
		t.Errorf("%+v, want the entry delivered once the folder could be made", s)
	}
}

func TestOutput(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config txtrail.Config
		want   string
	}{
		{"default", txtrail.Config{}, "the journal in "},
		{"cloud run", txtrail.Config{LookupEnv: env("K_SERVICE", "shop", "K_REVISION", "shop-00042-kx")}, "stdout"},
		{"cloud run, overridden", txtrail.Config{Output: txtrail.OutputNone, LookupEnv: env("K_SERVICE", "shop")}, "none"},
		{"job", txtrail.Config{LookupEnv: env("CLOUD_RUN_JOB", "report")}, "stdout"},
		{"app engine", txtrail.Config{LookupEnv: env("GAE_SERVICE", "shop", "GAE_ENV", "standard")}, "stdout, before ServeHTTP returns"},
		{"app engine, flexible", txtrail.Config{LookupEnv: env("GAE_SERVICE", "shop")}, "stdout"},
		{"app engine, local", txtrail.Config{LookupEnv: env("GAE_SERVICE", "shop", "GAE_ENV", "localdev")}, "the journal in "},
		{"kubernetes", txtrail.Config{LookupEnv: env("KUBERNETES_SERVICE_HOST", "10.0.0.1")}, "the journal in "},
		{"asked for", txtrail.Config{LookupEnv: env("TXTRAIL_OUTPUT", "none")}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Dir = t.TempDir()
			if tt.config.LookupEnv == nil {
				tt.config.LookupEnv = env()
			}
			trail, err := txtrail.Open(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			defer closeTrail(t, trail)
			if s := trail.String(); !strings.Contains(s, "writes to "+tt.want) {
				t.Errorf("%q, want it to say %s", s, tt.want)
			}
		})
	}
}

// The pieces share one Propagator, one Resource and one policy: a call made while
// serving, and a log line, stand in the request's scenario.
func TestTrail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	var plain strings.Builder
	trail, err := txtrail.Open(txtrail.Config{
		Service: "web", Version: "1.2.3", Environment: "staging", Dir: dir, LookupEnv: env(),
		LogHandler: slog.NewTextHandler(&plain, nil),
		OnError:    func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get(txid.Header))
	}))
	defer core.Close()
	h := trail.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trail.Logger().InfoContext(r.Context(), "calling", "password", "hunter2-S3CRET")
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, core.URL, nil)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := trail.Client().Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(w, res.Body)
		_ = res.Body.Close()
	}))
	res := get(t, h, "/page")
	id := res.Header.Get(txid.Header)
	if body, _ := io.ReadAll(res.Body); id == "" || string(body) != id {
		t.Errorf("core was called in %q, the response is of %q", body, id)
	}
	if get(t, h, "/healthz").Header.Get(txid.Header) == "" {
		t.Error("a health check is not recorded, but it has a txid")
	}
	jobCtx := trail.Start(context.Background())
	trail.Logger().WarnContext(jobCtx, "nightly job")
	trail.Client().CloseIdleConnections()
	closeTrail(t, trail)

	if s := plain.String(); !strings.Contains(s, "txid="+id) {
		t.Errorf("the plain log has no txid: %s", s)
	}
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := src.Lookup(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[entry.Kind]int{}
	for _, e := range found.Entries {
		kinds[e.Kind]++
		if r := e.Resource; r.Service != "web" || r.Version != "1.2.3" || r.Environment != "staging" || r.ServerUser != "" {
			t.Errorf("resource %+v", r)
		}
		if strings.Contains(string(e.Line()), "hunter2-S3CRET") {
			t.Errorf("the password is in %s", e.Line())
		}
	}
	if kinds[entry.KindServer] != 1 || kinds[entry.KindClient] != 1 || kinds[entry.KindLog] != 1 {
		t.Errorf("%v, want one of each", kinds)
	}
	job, err := src.Lookup(t.Context(), string(txid.IDFromContext(jobCtx)))
	if err != nil || len(job.Entries) != 1 {
		t.Errorf("%v entries of the job, %v; want its log line", job, err)
	}
	if runtime.GOOS != "windows" {
		if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("folder %v, %v; want mode 0700", fi.Mode(), err)
		}
	}
}

// Entries go to every sink, and one that is away keeps nothing from the others.
func TestSinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	a, dead := &sinktest.Memory{}, &hanging{}
	trail, err := txtrail.Open(txtrail.Config{
		Dir: dir, LookupEnv: env(), Sinks: []sink.Sink{a, dead}, OnError: func(error) {},
		LogHandler: slog.DiscardHandler,
	})
	if err != nil {
		t.Fatal(err)
	}
	get(t, trail.Handler(http.HandlerFunc(ok)), "/a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for trail.Stats().Delivered != 1 { // the journal has it, although one sink hangs
		if ctx.Err() != nil {
			t.Fatalf("%+v: the journal waits for the sink that hangs", trail.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	if s := trail.SinkStats(); len(s) != 2 || s[0].Captured != 1 || s[1].Waiting != 1 {
		t.Errorf("%+v, want one delivered and one waiting", s)
	}
	short, cancelShort := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelShort()
	if err := trail.Close(short); !errors.Is(err, sink.ErrLeft) {
		t.Errorf("closed with %v, want to be told of the entry that the hanging sink did not get", err)
	}
	waitQuiet(t) // what the short deadline left undone ends by itself
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := src.Find(t.Context(), query.Filter{}); err != nil || len(r.Entries) != 1 {
		t.Errorf("%v, %v; want the entry in the journal", r, err)
	}
}

// waitQuiet waits until no goroutine is left of a trail that was closed.
func waitQuiet(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := goleak.Find()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// hanging is a sink that never answers.
type hanging struct{}

func (*hanging) Write(ctx context.Context, _ []*entry.Entry) error {
	<-ctx.Done()
	return ctx.Err()
}

func (*hanging) Close(context.Context) error { return nil }

// A sink that stands alone needs no branch.
func TestOneSink(t *testing.T) {
	a := &sinktest.Memory{}
	trail, err := txtrail.Open(txtrail.Config{Output: txtrail.OutputNone, LookupEnv: env(), Sinks: []sink.Sink{a}, LogHandler: slog.DiscardHandler})
	if err != nil {
		t.Fatal(err)
	}
	get(t, trail.Handler(http.HandlerFunc(ok)), "/a")
	closeTrail(t, trail)
	if len(a.Entries()) != 1 || trail.Stats().Delivered != 1 {
		t.Errorf("%d entries, %+v", len(a.Entries()), trail.Stats())
	}
}
