package txtrail_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// down is a sink that is away.
type down struct{}

func (down) Write(context.Context, []*entry.Entry) error { return errors.New("connection refused") }
func (down) Close(context.Context) error                 { return nil }

// What a sink did not take before the process ended it gets from the next one, and
// nothing twice.
func TestSinksNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	open := func(s sink.Sink) *txtrail.Trail {
		t.Helper()
		trail, err := txtrail.Open(txtrail.Config{
			Service: "web", Dir: dir, LookupEnv: env(), LogHandler: slog.DiscardHandler, OnError: func(error) {},
			Sinks: []sink.Sink{sink.WithName(s, "cloud")}, Ship: &sink.ShipOptions{RetryMin: time.Millisecond, RetryMax: time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		return trail
	}
	trail := open(down{})
	get(t, trail.Handler(http.HandlerFunc(ok)), "/a")
	if err := trail.Close(context.Background()); !errors.Is(err, sink.ErrLeft) {
		t.Errorf("closed with %v, want ErrLeft", err)
	}
	if s := trail.SinkStats(); len(s) != 1 || s[0].Name != "cloud" || s[0].Waiting != 1 || s[0].Captured != 1 {
		t.Errorf("%+v", s)
	}
	for round := range 2 {
		mem := &sinktest.Memory{}
		trail = open(mem)
		get(t, trail.Handler(http.HandlerFunc(ok)), "/b")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		if err := trail.Flush(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		closeTrail(t, trail)
		if got := mem.Entries(); len(got) != 2-round {
			t.Errorf("start %d: %d entries", round, len(got))
		}
		if !mem.Closed() {
			t.Error("the sink is still open")
		}
	}
}

// Where no journal can be made, entries go to the sinks from memory, and through the
// journal once it can be.
func TestSinksWithoutJournal(t *testing.T) {
	parent := t.TempDir()
	blocked := filepath.Join(parent, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mem := &sinktest.Memory{}
	var log strings.Builder
	var told []string
	trail, err := txtrail.Open(txtrail.Config{
		Dir: filepath.Join(blocked, "journal"), LookupEnv: env(), LogHandler: slog.NewTextHandler(&log, nil),
		Sinks: []sink.Sink{mem}, OnError: func(err error) { told = append(told, err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := log.String(); !strings.Contains(s, "can not be opened") || !strings.Contains(s, "memory") {
		t.Errorf("said at the start: %s", s)
	}
	h := trail.Handler(http.HandlerFunc(ok))
	get(t, h, "/a")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := trail.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if len(mem.Entries()) != 1 {
		t.Errorf("%d entries", len(mem.Entries()))
	}
	closeTrail(t, trail)
	if s := trail.Stats(); s.Delivered != 1 || !mem.Closed() {
		t.Errorf("%+v", s)
	}
	if len(told) != 2 || !strings.Contains(told[0], "can not be opened") || !strings.Contains(told[1], "without its journal") {
		t.Errorf("told %q", told)
	}
}

func TestSinkNames(t *testing.T) {
	a, b := &sinktest.Memory{}, &sinktest.Memory{}
	open := func(sinks ...sink.Sink) (*txtrail.Trail, error) {
		return txtrail.Open(txtrail.Config{
			Dir: filepath.Join(t.TempDir(), "journal"), LookupEnv: env(), LogHandler: slog.DiscardHandler, Sinks: sinks,
		})
	}
	trail, err := open(a, nil, sink.Filter(down{}, func(*entry.Entry) bool { return false }), b, sink.WithName(a, "third"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range trail.SinkStats() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "sinktest.Memory sink.filter sinktest.Memory#2 third" {
		t.Errorf("%s", got)
	}
	seen := map[string]bool{}
	trail.VisitMetrics(func(m sink.Metric) {
		for i, l := range m.Labels {
			if l == "sink" {
				seen[m.Labels[i+1]] = true
			}
		}
	})
	if len(seen) != 4 {
		t.Errorf("figures of %v", seen)
	}
	closeTrail(t, trail)
	if _, err := open(a, sink.WithName(b, "sinktest.Memory")); !errors.Is(err, txtrail.ErrConfig) || !strings.Contains(err.Error(), "WithName") {
		t.Errorf("two of one name: %v", err)
	}
	_, err = txtrail.Open(txtrail.Config{Dir: t.TempDir(), LookupEnv: env(), Sinks: []sink.Sink{a}, Ship: &sink.ShipOptions{Name: "x"}})
	if !errors.Is(err, txtrail.ErrConfig) {
		t.Errorf("a name for all: %v", err)
	}
	if _, err = txtrail.Open(txtrail.Config{Dir: t.TempDir(), LookupEnv: env(), Sinks: []sink.Sink{a}, Ship: &sink.ShipOptions{MaxBatch: -1}}); !errors.Is(err, sink.ErrOptions) {
		t.Errorf("%v", err)
	}
}

// With AuditSinks a handler's caller has its answer when the sink has the entry.
func TestAuditSinks(t *testing.T) {
	mem := &sinktest.Memory{}
	trail, err := txtrail.Open(txtrail.Config{
		Dir: filepath.Join(t.TempDir(), "journal"), LookupEnv: env(), LogHandler: slog.DiscardHandler,
		Sinks: []sink.Sink{mem}, AuditSinks: true, Middleware: &middleware.Options{Audit: true, AuditTimeout: 30 * time.Second},
		Ship: &sink.ShipOptions{MaxAge: time.Hour}, OnError: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := trail.Handler(http.HandlerFunc(ok))
	for i := range 5 {
		get(t, h, "/a")
		if n := len(mem.Entries()); n != i+1 {
			t.Errorf("the sink has %d entries after %d requests", n, i+1)
		}
	}
	if s := trail.Stats(); s.Awaited != 5 {
		t.Errorf("%+v", s)
	}
	closeTrail(t, trail)
}

// Of several processes with one name only one ships; the others' requests wait for it.
func TestAuditSinksStandby(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	mem := &sinktest.Memory{}
	open := func() *txtrail.Trail {
		t.Helper()
		trail, err := txtrail.Open(txtrail.Config{
			Service: "web", Dir: dir, LookupEnv: env(), LogHandler: slog.DiscardHandler, OnError: func(err error) { t.Error(err) },
			Sinks: []sink.Sink{sink.WithName(mem, "cloud")}, AuditSinks: true,
			Middleware: &middleware.Options{Audit: true, AuditTimeout: 30 * time.Second},
		})
		if err != nil {
			t.Fatal(err)
		}
		return trail
	}
	first := open()
	get(t, first.Handler(http.HandlerFunc(ok)), "/a")
	second := open()
	h := second.Handler(http.HandlerFunc(ok))
	for i := range 3 {
		get(t, h, "/b")
		if n := len(mem.Entries()); n != i+2 {
			t.Errorf("the sink has %d entries after %d requests", n, i+2)
		}
	}
	if s := second.Stats(); s.Awaited != 3 || !second.SinkStats()[0].Standby {
		t.Errorf("%+v, %+v", s, second.SinkStats()[0])
	}
	if err := second.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	closeTrail(t, second)
	closeTrail(t, first)
}

// Where nothing runs after the response, entries are written before, whatever the
// output.
func TestAsleep(t *testing.T) {
	run := env("K_SERVICE", "shop")
	for name, tt := range map[string]struct {
		config txtrail.Config
		waits  uint64
	}{
		"cloud run":                 {txtrail.Config{LookupEnv: run}, 1},
		"app engine":                {txtrail.Config{LookupEnv: env("GAE_SERVICE", "shop", "GAE_ENV", "standard")}, 1},
		"stdout, asked for":         {txtrail.Config{LookupEnv: env("K_SERVICE", "shop", "TXTRAIL_OUTPUT", "stdout")}, 1},
		"a journal, asked for":      {txtrail.Config{LookupEnv: run, Output: txtrail.OutputJournal}, 1},
		"a sink alone":              {txtrail.Config{LookupEnv: run, Output: txtrail.OutputNone, Sinks: []sink.Sink{&sinktest.Memory{}}}, 1},
		"awake":                     {txtrail.Config{LookupEnv: run, Awake: true}, 0},
		"awake, by environment":     {txtrail.Config{LookupEnv: env("K_SERVICE", "shop", "TXTRAIL_AWAKE", "1")}, 0},
		"a job":                     {txtrail.Config{LookupEnv: env("CLOUD_RUN_JOB", "report")}, 0},
		"app engine, flexible":      {txtrail.Config{LookupEnv: env("GAE_SERVICE", "shop")}, 0},
		"stdout, on any machine":    {txtrail.Config{LookupEnv: env("TXTRAIL_OUTPUT", "stdout")}, 0},
		"awake where Audit is told": {txtrail.Config{LookupEnv: run, Awake: true, Middleware: &middleware.Options{Audit: true}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config.Dir, tt.config.LogHandler = t.TempDir(), slog.DiscardHandler
			trail, err := txtrail.Open(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			get(t, trail.Handler(http.HandlerFunc(ok)), "/a")
			if s := trail.Stats(); uint64(s.Awaited) != tt.waits || tt.waits == 1 && s.Delivered != 1 {
				t.Errorf("%+v", s)
			}
			if says := strings.Contains(trail.String(), "before ServeHTTP returns"); says != (tt.waits == 1 && tt.config.Middleware == nil) {
				t.Errorf("%q", trail.String())
			}
			closeTrail(t, trail)
		})
	}
	if _, err := txtrail.Open(txtrail.Config{LookupEnv: env("TXTRAIL_AWAKE", "maybe")}); !errors.Is(err, txtrail.ErrConfig) {
		t.Errorf("TXTRAIL_AWAKE=maybe: %v", err)
	}
}

// cloud has the name of a sink for Cloud Logging.
type cloud struct{ sinktest.Memory }

func (*cloud) Name() string { return "cloudlogging:projects/p/logs/txtrail" }

// What an agent takes to Cloud Logging is not written there a second time without a
// word.
func TestTwice(t *testing.T) {
	for output, warned := range map[txtrail.Output]bool{txtrail.OutputAuto: true, txtrail.OutputStdout: true, txtrail.OutputNone: false} {
		var log strings.Builder
		trail, err := txtrail.Open(txtrail.Config{
			LookupEnv: env("CLOUD_RUN_JOB", "report"), Output: output, Sinks: []sink.Sink{&cloud{}}, LogHandler: slog.NewTextHandler(&log, nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		closeTrail(t, trail)
		if got := strings.Contains(log.String(), "stored twice"); got != warned {
			t.Errorf("%q: %s", output, log.String())
		}
	}
}
