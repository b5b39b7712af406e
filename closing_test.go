package txtrail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// hanging is a sink that does not look at its context.
type hanging struct{}

func (hanging) Write(context.Context, []*entry.Entry) error { time.Sleep(time.Hour); return nil }
func (hanging) Close(context.Context) error                 { time.Sleep(time.Hour); return nil }

// Whatever hangs, Close returns when it has promised to, and says what was left.
func TestCloseWhileSinkHangs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		grace  time.Duration
		want   error // nil: a DropError
	}{
		{"journal", Config{}, 600 * time.Millisecond, sink.ErrLeft},
		{"alone", Config{Output: OutputNone}, 300 * time.Millisecond, nil},
		{"two alone", Config{Output: OutputNone, Sinks: []sink.Sink{&sinktest.Memory{}}}, 550 * time.Millisecond, nil},
	} {
		for _, within := range []time.Duration{0, 100 * time.Millisecond, 5 * time.Second} {
			t.Run(fmt.Sprint(tt.name, " ", within), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					c := tt.config
					c.Dir, c.LookupEnv, c.LogHandler = dir, func(string) (string, bool) { return "", false }, slog.DiscardHandler
					c.OnError = func(error) {}
					c.InFlightSlots = -1
					c.Sinks = append(c.Sinks[:len(c.Sinks):len(c.Sinks)], hanging{})
					c.Ship = &sink.ShipOptions{MaxAge: -1}
					trail, err := Open(c)
					if err != nil {
						t.Fatal(err)
					}
					if g := trail.Queue().CloseGrace(); g != tt.grace {
						t.Errorf("the grace is %s, want %s", g, tt.grace)
					}
					trail.Logger().Info("a line")
					time.Sleep(time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					begun := time.Now()
					err = trail.Close(ctx)
					if d := time.Since(begun); d > within+tt.grace {
						t.Errorf("Close took %s", d)
					}
					var drop *sink.DropError
					if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && !errors.As(err, &drop) {
						t.Errorf("%v", err)
					}
					time.Sleep(2 * time.Hour)
				})
			})
		}
	}
}

// What the journal says while it is closed is told too, within Close's time and a second.
func TestOnErrorWhileClosing(t *testing.T) {
	for _, tt := range []struct {
		takes, most time.Duration
		told        bool
	}{
		{200 * time.Millisecond, 900 * time.Millisecond, true},
		{time.Hour, 1100 * time.Millisecond, false},
	} {
		dir := filepath.Join(t.TempDir(), "journal")
		synctest.Test(t, func(t *testing.T) {
			var told atomic.Int32
			trail, err := Open(Config{
				Dir: dir, LookupEnv: func(string) (string, bool) { return "", false }, LogHandler: slog.DiscardHandler, InFlightSlots: -1,
				OnError: func(error) {
					time.Sleep(tt.takes)
					told.Add(1)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			trail.Logger().Info("a line")
			time.Sleep(100 * time.Millisecond) // less than SyncEvery: no tick finds it
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			_ = trail.Close(context.Background())
			if d, n := time.Since(begun), told.Load(); n > 0 != tt.told || d > tt.most {
				t.Errorf("told %d times in the %s that Close took, if it takes %s", n, d, tt.takes)
			}
			time.Sleep(10 * time.Hour)
		})
	}
}

// With AuditSinks a request waits for the sinks, whatever the output.
func TestAuditSinksAnyOutput(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = before; _ = null.Close() }()
	for _, output := range []Output{OutputNone, OutputStdout} {
		for n := 1; n <= 2; n++ {
			slow := []*slowly{{}, {}}
			c := Config{
				Output: output, AuditSinks: true, LookupEnv: func(string) (string, bool) { return "", false }, LogHandler: slog.DiscardHandler,
				Middleware: &middleware.Options{Audit: true, AuditTimeout: time.Minute},
			}
			for _, s := range slow[:n] {
				c.Sinks = append(c.Sinks, s)
			}
			trail, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			h := trail.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for i := range 3 {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/a", nil))
				for j, s := range slow[:n] {
					if got := len(s.Entries()); got != i+1 {
						t.Errorf("%s: sink %d of %d has %d entries after %d requests", output, j, n, got, i+1)
					}
				}
			}
			if s := trail.Stats(); s.Awaited != 3 || s.AwaitTimeouts != 0 {
				t.Errorf("%s, %d: %+v", output, n, s)
			}
			if err := trail.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// slowly takes its time.
type slowly struct{ sinktest.Memory }

func (s *slowly) Write(ctx context.Context, batch []*entry.Entry) error {
	time.Sleep(20 * time.Millisecond)
	return s.Memory.Write(ctx, batch)
}

// OnError may wait for what the trail has, also while the journal is being opened.
func TestOnErrorFlushes(t *testing.T) {
	var trail *Trail
	flushed := make(chan error, 100)
	opened := make(chan struct{})
	c := Config{Sinks: []sink.Sink{&sinktest.Memory{}}}
	obstacle := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var told []string
	c.Dir = filepath.Join(obstacle, "journal")
	c.LookupEnv, c.LogHandler = func(string) (string, bool) { return "", false }, slog.DiscardHandler
	c.OnError = func(err error) {
		told = append(told, err.Error())
		<-opened
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		flushed <- trail.Flush(ctx)
	}
	trail, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	close(opened)
	h := trail.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	serve := func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/a", nil)) }
	serve()
	for range 2 { // what Open says, and what the first entry finds
		if err := <-flushed; err != nil {
			t.Error(err)
		}
	}
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if len(told) != 2 || !strings.Contains(told[0], "can not be opened") || !strings.Contains(told[1], "without its journal") {
		t.Errorf("%q", told)
	}
}
