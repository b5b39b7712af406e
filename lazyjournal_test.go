package txtrail

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// gated is a sink that fails until it is opened.
type gated struct {
	sinktest.Memory
	open atomic.Bool
}

func (g *gated) Write(ctx context.Context, batch []*entry.Entry) error {
	if !g.open.Load() {
		return errors.New("not yet")
	}
	return g.Memory.Write(ctx, batch)
}

// homeless opens a trail whose journal can not be opened until the file is removed that
// stands in its way.
func homeless(t *testing.T, c Config) (trail *Trail, serve func(), obstacle string) {
	t.Helper()
	obstacle = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Dir = filepath.Join(obstacle, "journal")
	c.LookupEnv = func(string) (string, bool) { return "", false }
	c.LogHandler = slog.DiscardHandler
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	c.Ship = &sink.ShipOptions{RetryMin: time.Millisecond, RetryMax: time.Millisecond}
	c.Queue = &sink.QueueOptions{RetryMin: time.Millisecond, RetryMax: time.Millisecond}
	trail, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	h := trail.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return trail, func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/a", nil)) }, obstacle
}

func settle(t *testing.T, trail *Trail, want func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !want(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still %+v, %+v", trail.Stats(), trail.SinkStats())
		}
	}
}

// While the journal can not be opened, what waits for the sinks in memory is in their
// figures, and is flushed; also when the journal has been opened since.
func TestAccountWithoutJournal(t *testing.T) {
	g := &gated{}
	trail, serve, obstacle := homeless(t, Config{Sinks: []sink.Sink{sink.WithName(g, "cloud"), &sinktest.Memory{}}})
	trail.journal.mu.Lock()
	trail.journal.reopen = time.Hour
	trail.journal.mu.Unlock()
	figures := func() map[string]float64 {
		all := map[string]float64{}
		trail.VisitMetrics(func(m sink.Metric) {
			if len(m.Labels) == 2 && m.Labels[1] == "cloud" {
				all[m.Name] = m.Value
			}
		})
		return all
	}
	for range 3 {
		serve()
	}
	settle(t, trail, func() bool { return trail.Stats().Delivered == 3 })
	s := trail.SinkStats()[0]
	if s.Captured != 3 || s.Waiting != 3 || s.WaitingBytes == 0 || s.Delivered+s.DroppedTotal() != 0 {
		t.Errorf("%+v", s)
	}
	if f := figures(); f["txtrail_ship_captured_total"] != 3 || f["txtrail_ship_waiting"] != 3 {
		t.Errorf("%v", f)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	trail.journal.mu.Lock()
	trail.journal.reopen = 0
	trail.journal.mu.Unlock()
	serve()
	settle(t, trail, func() bool { return trail.Stats().Delivered == 4 && trail.SinkStats()[0].Captured == 4 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := trail.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("flushed with %+v: %v", trail.SinkStats()[0], err)
	}
	g.open.Store(true)
	if err := trail.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if s := trail.SinkStats()[0]; s.Captured != 4 || s.Delivered != 4 || s.Waiting != 0 || len(g.Entries()) != 4 || s.LastError != "not yet" {
		t.Errorf("%+v", s)
	}
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// An OnError that panics when it is told that there is no journal costs no entry.
func TestOnErrorPanicsWithoutJournal(t *testing.T) {
	mem := &sinktest.Memory{}
	trail, serve, _ := homeless(t, Config{Sinks: []sink.Sink{mem}, OnError: func(error) { panic("boom") }})
	for range 10 {
		serve()
	}
	if err := trail.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if s := trail.Stats(); len(mem.Entries()) != 10 || s.Delivered != 10 || s.DroppedTotal() != 0 {
		t.Errorf("the sink has %d: %+v", len(mem.Entries()), s)
	}
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// With AuditSinks a request waits for the sinks, and not for a journal that is not
// there.
func TestAuditSinksWithoutJournal(t *testing.T) {
	mem := &sinktest.Memory{}
	trail, serve, _ := homeless(t, Config{
		Sinks: []sink.Sink{mem}, AuditSinks: true,
		Middleware: &middleware.Options{Audit: true, AuditTimeout: time.Minute},
	})
	for i := range 3 {
		serve()
		if n := len(mem.Entries()); n != i+1 {
			t.Errorf("the sink has %d entries after %d requests", n, i+1)
		}
	}
	if s := trail.Stats(); s.Awaited != 3 || s.AwaitTimeouts != 0 {
		t.Errorf("%+v", s)
	}
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever is called while the journal is being opened may ask for its state, and the
// pause between two tries is that of the trail's own clock.
func TestJournalOpensUnlocked(t *testing.T) {
	var journal atomic.Pointer[lazyJournal]
	var ahead atomic.Int64
	begun := time.Now()
	trail, serve, obstacle := homeless(t, Config{Sinks: []sink.Sink{&sinktest.Memory{}}, Now: func() time.Time {
		if j := journal.Load(); j != nil {
			asked := make(chan struct{})
			go func() { j.isOpen(); close(asked) }()
			select {
			case <-asked:
			case <-time.After(30 * time.Second):
				t.Error("it is locked")
			}
		}
		return begun.Add(time.Duration(ahead.Load()))
	}})
	journal.Store(trail.journal)
	serve()
	settle(t, trail, func() bool { return trail.Stats().Delivered == 1 })
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	serve()
	settle(t, trail, func() bool { return trail.Stats().Delivered == 2 })
	if trail.journal.isOpen() {
		t.Error("it was tried again at once")
	}
	ahead.Store(int64(reopenEvery))
	serve()
	settle(t, trail, func() bool { return trail.Stats().Delivered == 3 })
	if !trail.journal.isOpen() {
		t.Error("it was not tried again")
	}
	ahead.Store(0)
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
