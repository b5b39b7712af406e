package slogtx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/bridge/slogtx"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = txid.ID("transaction-000001")

func inTransaction() context.Context {
	return txid.NewContext(context.Background(), &txid.Scope{
		ID: id, Span: 0xabc, Parent: 0xdef, Trace: txid.Trace{ID: strings.Repeat("0123456789abcdef", 2)},
		Carried:   txid.Carried{{Name: "X-Client-Device", Value: "iPhone15,2"}, {Name: "X-Client-Os", Value: "iOS 26.3"}},
		EntryPage: "GET /items",
	})
}

// open returns a handler over a JSON handler, and what both made of the lines.
func open(t *testing.T, next slog.Handler, opts *slogtx.Options) (h *slogtx.Handler, entries func() []*entry.Entry) {
	t.Helper()
	m := &sinktest.Memory{}
	q, err := sink.NewQueue(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close(context.Background()) })
	h, err = slogtx.New(next, q, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h, func() []*entry.Entry {
		t.Helper()
		if err := q.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		return m.Entries()
	}
}

func parse(t *testing.T, b []byte) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range bytes.Lines(b) {
		m := map[string]any{}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		list = append(list, m)
	}
	return list
}

func TestSlogtest(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		buf.Reset()
		h, _ := open(t, slog.NewJSONHandler(&buf, nil), nil)
		return h
	}, func(t *testing.T) map[string]any { return parse(t, buf.Bytes())[0] })
}

// inContext puts the calls of a suite that knows no contexts into a transaction.
type inContext struct{ slog.Handler }

func (c inContext) Handle(_ context.Context, r slog.Record) error {
	return c.Handler.Handle(inTransaction(), r)
}

func (c inContext) WithAttrs(a []slog.Attr) slog.Handler { return inContext{c.Handler.WithAttrs(a)} }

func (c inContext) WithGroup(n string) slog.Handler { return inContext{c.Handler.WithGroup(n)} }

// TestSlogtestInTransaction runs the suite with an ID to add, and wants it at the
// top level of each line. The suite alone does not notice one within a group.
func TestSlogtestInTransaction(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		buf.Reset()
		h, _ := open(t, slog.NewJSONHandler(&buf, nil), nil)
		return inContext{h}
	}, func(t *testing.T) map[string]any {
		m := parse(t, buf.Bytes())[0]
		if m["txid"] != string(id) {
			t.Errorf("no txid at the top level of %s", buf.Bytes())
		}
		if n := bytes.Count(buf.Bytes(), []byte(id)); n != 1 {
			t.Errorf("the txid stands %d times in %s", n, buf.Bytes())
		}
		return m
	})
}

func TestOpenGroup(t *testing.T) {
	var buf bytes.Buffer
	h, _ := open(t, slog.NewJSONHandler(&buf, nil), nil)
	l := slog.New(h).With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").With("c", 3)
	l.InfoContext(inTransaction(), "msg", "d", 4)
	l.WithGroup("empty").InfoContext(inTransaction(), "msg")
	// Two loggers of one parent do not share what is added.
	g := slog.New(h).WithGroup("g").With("b", 2).With("c", 3).With("d", 4)
	one, two := g.With("x", 1), g.With("y", 2)
	one.InfoContext(inTransaction(), "msg")
	two.InfoContext(inTransaction(), "msg")
	g = slog.New(h).WithGroup("i").WithGroup("j").WithGroup("k")
	one, two = g.WithGroup("x"), g.WithGroup("y")
	one.InfoContext(inTransaction(), "msg", "z", 1)
	two.InfoContext(inTransaction(), "msg", "z", 2)

	got := parse(t, buf.Bytes())
	for _, m := range got {
		delete(m, "time")
		delete(m, "level")
		delete(m, "msg")
	}
	tx := string(id)
	h3 := map[string]any{"b": 2.0, "h": map[string]any{"c": 3.0}}
	want := []map[string]any{
		{"txid": tx, "a": 1.0, "g": map[string]any{"b": 2.0, "h": map[string]any{"c": 3.0, "d": 4.0}}},
		{"txid": tx, "a": 1.0, "g": h3},
		{"txid": tx, "g": map[string]any{"b": 2.0, "c": 3.0, "d": 4.0, "x": 1.0}},
		{"txid": tx, "g": map[string]any{"b": 2.0, "c": 3.0, "d": 4.0, "y": 2.0}},
		{"txid": tx, "i": map[string]any{"j": map[string]any{"k": map[string]any{"x": map[string]any{"z": 1.0}}}}},
		{"txid": tx, "i": map[string]any{"j": map[string]any{"k": map[string]any{"y": map[string]any{"z": 2.0}}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOwnKeyStays: a line that has the key at the top level keeps it, once.
func TestOwnKeyStays(t *testing.T) {
	var buf bytes.Buffer
	h, _ := open(t, slog.NewJSONHandler(&buf, nil), nil)
	l := slog.New(h)
	ctx := inTransaction()
	l.InfoContext(ctx, "m", "txid", "own")
	l.With("txid", "own").InfoContext(ctx, "m")
	l.InfoContext(ctx, "m", slog.Group("", slog.String("txid", "own")))
	for _, line := range strings.Split(strings.TrimSpace(buf.String()), "\n") {
		if strings.Count(line, `"txid":`) != 1 || !strings.Contains(line, `"txid":"own"`) {
			t.Errorf("%s", line)
		}
	}
	buf.Reset()
	l.WithGroup("g").InfoContext(ctx, "m", "txid", "inner")
	if m := parse(t, buf.Bytes())[0]; m["txid"] != string(id) || m["g"].(map[string]any)["txid"] != "inner" {
		t.Errorf("%s", buf.Bytes())
	}
}

func TestEntry(t *testing.T) {
	h, entries := open(t, nil, &slogtx.Options{Logger: "shop", Level: slog.LevelDebug})
	l := slog.New(h).With("n", 1).WithGroup("g")
	begin := time.Now()
	l.Log(inTransaction(), slog.LevelWarn, "payment late", "b", true, slog.Group("", slog.Duration("d", 1500*time.Millisecond)), slog.Group("k", "f", 2.5, slog.Group("empty")))
	e := entries()[0]
	if e.Kind != entry.KindLog || e.TxID != id || e.Parent != 0xabc || e.Span != 0 || e.Severity != entry.SeverityWarning || e.Logger != "shop" {
		t.Errorf("entry %+v", e)
	}
	if e.Trace.ID == "" || e.Time.Before(begin.Add(-time.Second)) || e.Time.After(time.Now()) {
		t.Errorf("trace %+v, time %s", e.Trace, e.Time)
	}
	if !strings.HasSuffix(e.Source.File, "handler_test.go") || e.Source.Line == 0 || !strings.HasSuffix(e.Source.Function, "TestEntry") {
		t.Errorf("source %+v", e.Source)
	}
	var names []string
	for _, a := range e.Attributes {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"n", "g.b", "g.d", "g.k.f"}, names); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if e.Facts.EntryPage == "" || e.Facts.Device == "" || e.Facts.OS == "" || e.Facts.Carried != nil {
		t.Errorf("facts %+v", e.Facts)
	}
}

func TestSeverity(t *testing.T) {
	h, entries := open(t, nil, &slogtx.Options{Level: slog.Level(-100)})
	want := []entry.Severity{}
	for _, tt := range []struct {
		level slog.Level
		want  entry.Severity
	}{
		{-8, entry.SeverityDebug},
		{slog.LevelDebug, entry.SeverityDebug},
		{-1, entry.SeverityDebug},
		{slog.LevelInfo, entry.SeverityInfo},
		{1, entry.SeverityInfo},
		{2, entry.SeverityNotice},
		{slog.LevelWarn, entry.SeverityWarning},
		{slog.LevelError, entry.SeverityError},
		{12, entry.SeverityCritical},
		{16, entry.SeverityAlert},
		{20, entry.SeverityEmergency},
		{99, entry.SeverityEmergency},
	} {
		slog.New(h).Log(context.Background(), tt.level, "m")
		want = append(want, tt.want)
	}
	var got []entry.Severity
	for _, e := range entries() {
		got = append(got, e.Severity)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLevels(t *testing.T) {
	var buf bytes.Buffer
	h, entries := open(t, slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: slog.LevelError}), &slogtx.Options{Level: slog.LevelWarn})
	l := slog.New(h)
	l.Info("neither")
	l.Warn("recorded")
	l.Error("both")
	if n := len(entries()); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
	if got := parse(t, buf.Bytes()); len(got) != 1 || got[0]["msg"] != "both" {
		t.Errorf("written: %s", buf.Bytes())
	}
	if h.Enabled(context.Background(), slog.LevelInfo) {
		t.Error("enabled for what nobody takes")
	}
}

func TestOnlyTransactions(t *testing.T) {
	h, entries := open(t, nil, &slogtx.Options{OnlyTransactions: true})
	slog.New(h).Info("background")
	slog.New(h).InfoContext(inTransaction(), "request")
	if es := entries(); len(es) != 1 || es[0].TxID != id {
		t.Errorf("%d entries, want that of the transaction", len(es))
	}
}

type counter struct{ n *int }

func (c counter) LogValue() slog.Value { *c.n++; return slog.GroupValue(slog.Int("n", *c.n)) }

type endless struct{}

func (endless) LogValue() slog.Value { return slog.GroupValue(slog.Any("again", endless{})) }

type panics struct{}

func (panics) LogValue() slog.Value         { panic("LogValue") }
func (panics) String() string               { panic("String") }
func (panics) MarshalJSON() ([]byte, error) { panic("MarshalJSON") }

type textPanics struct{}

func (textPanics) MarshalText() ([]byte, error) { panic("secret in a panic") }

type jsonPanics struct{}

func (jsonPanics) MarshalJSON() ([]byte, error) { panic("secret in a panic") }

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestLogValuerResolvedOnce(t *testing.T) {
	n := 0
	h, entries := open(t, slog.NewJSONHandler(io.Discard, nil), nil)
	l := slog.New(h)
	l.Info("m", "v", counter{&n})
	if n != 1 {
		t.Errorf("resolved %d times, want once", n)
	}
	n = 0
	l = l.With("v", counter{&n})
	l.Info("m", slog.Group("g", "w", counter{&n}))
	if n != 2 {
		t.Errorf("two values were resolved %d times, want twice", n)
	}
	_ = entries()
}

// TestHostileValues: whatever is logged, the caller goes on, and the entry stays
// within its bounds.
func TestHostileValues(t *testing.T) {
	var cycle []any
	cycle = append(cycle, nil)
	cycle[0] = cycle
	self := map[string]any{}
	self["self"] = self
	for name, v := range map[string]any{
		"panics": panics{}, "text panics": textPanics{}, "json panics": jsonPanics{}, "endless": endless{}, "nil error": (*nilError)(nil),
		"map cycle": self, "slice cycle": cycle, "chan": make(chan int), "func": func() {}, "nil": nil, "binary": []byte{0xff, 0xfe},
		"long": strings.Repeat("가", 1<<20), "long error": errors.New(strings.Repeat("x", 1<<20)), "long bytes": []byte(strings.Repeat("y", 1<<20)),
	} {
		h, entries := open(t, nil, nil) // what another handler makes of it is its own business
		slog.New(h).Info(strings.Repeat("m", 1<<20), "v", v, strings.Repeat("k", 1<<20), 1)
		es := entries()
		if len(es) != 1 {
			t.Errorf("%s: %d entries, want 1", name, len(es))
			continue
		}
		if n := len(es[0].Line()); n > 3*entry.MaxMessage+4096 {
			t.Errorf("%s: a line of %d bytes", name, n)
		}
		if strings.Contains(string(es[0].Line()), "secret in a panic") {
			t.Errorf("%s: what the value panicked with is recorded", name)
		}
	}
}

func TestManyAttributes(t *testing.T) {
	h, entries := open(t, nil, nil)
	l := slog.New(h)
	for i := range 40 {
		l = l.With(fmt.Sprint("w", i), i)
	}
	l.Info("m", "last", 1)
	l.Info("m", "last", 2)
	for _, e := range entries() {
		if len(e.Attributes) != entry.MaxLabels || e.Attributes[31].Name != "…" {
			t.Errorf("%d attributes, the last is %+v", len(e.Attributes), e.Attributes[len(e.Attributes)-1])
		}
	}
}

// TestNoLoop: an error of the queue, logged by default to the very logger that
// enqueues, is written and not enqueued.
func TestNoLoop(t *testing.T) {
	var buf syncBuffer
	s := &refusing{}
	q, err := sink.NewQueue(s, &sink.QueueOptions{Linger: -1})
	if err != nil {
		t.Fatal(err)
	}
	h, err := slogtx.New(slog.NewJSONHandler(&buf, nil), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	defer slog.SetDefault(before)
	slog.Info("hello")
	_ = q.Close(context.Background())
	if s := q.Stats(); s.Captured != 1 {
		t.Errorf("%d entries captured, want 1: the report of its failure is not one", s.Captured)
	}
	if !strings.Contains(buf.String(), "no such table") {
		t.Errorf("the failure was not logged: %s", buf.String())
	}
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

type refusing struct{ sinktest.Memory }

func (*refusing) Write(context.Context, []*entry.Entry) error {
	return sink.Permanent(errors.New("no such table"))
}

func TestNew(t *testing.T) {
	if _, err := slogtx.New(nil, nil, nil); !errors.Is(err, slogtx.ErrOptions) {
		t.Error("New of nothing: no error")
	}
	if _, err := slogtx.New(slog.DiscardHandler, nil, &slogtx.Options{Logger: strings.Repeat("x", 1000)}); !errors.Is(err, slogtx.ErrOptions) {
		t.Error("New with a long name: no error")
	}
	var buf bytes.Buffer
	h, err := slogtx.New(slog.NewJSONHandler(&buf, nil), nil, &slogtx.Options{Key: "tx"})
	if err != nil {
		t.Fatal(err)
	}
	slog.New(h).InfoContext(inTransaction(), "m")
	if parse(t, buf.Bytes())[0]["tx"] != string(id) {
		t.Errorf("without a queue: %s", buf.Bytes())
	}
}

func TestHandlersShareNothing(t *testing.T) {
	h, entries := open(t, slog.NewJSONHandler(io.Discard, nil), nil)
	l := slog.New(h).With("a", url.URL{Path: "/x"}).WithGroup("g").With("b", 1).With("c", 1).With("d", 1)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				l.With("i", i).InfoContext(inTransaction(), "m", "j", i)
				l.InfoContext(inTransaction(), "m", "j", i)
			}
		})
	}
	wg.Wait()
	if n := len(entries()); n != 400 {
		t.Errorf("%d entries, want 400", n)
	}
}

// keeper is a handler that keeps its records, as one that writes later does.
type keeper struct {
	slog.Handler
	records []slog.Record
}

func (k *keeper) Enabled(context.Context, slog.Level) bool { return true }

func (k *keeper) Handle(_ context.Context, r slog.Record) error {
	k.records = append(k.records, r.Clone())
	return nil
}

// TestRecordsShareNothing: a record that the wrapped handler keeps does not
// change with the next line of the same logger.
func TestRecordsShareNothing(t *testing.T) {
	k := &keeper{}
	h, _ := open(t, k, nil)
	l := slog.New(h).WithGroup("g").With("a", 0).With("b", 0).With("c", 0)
	for i := range 3 {
		l.Info("m", "i", i)
	}
	for i, r := range k.records {
		r.Attrs(func(a slog.Attr) bool {
			if g := a.Value.Group(); len(g) != 4 || g[3].Value.Int64() != int64(i) {
				t.Errorf("record %d: %v", i, a)
			}
			return true
		})
	}
}

func Example() {
	m := &sinktest.Memory{}
	q, err := sink.NewQueue(m, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	w := slog.NewTextHandler(exampleWriter{}, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}})
	h, err := slogtx.New(w, q, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	logger := slog.New(h).WithGroup("order").With("id", 42)
	ctx := txid.NewContext(context.Background(), &txid.Scope{ID: "transaction-000001"})
	logger.InfoContext(ctx, "paid")
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	e := m.Entries()[0]
	fmt.Println(e.TxID, e.Kind, e.Severity, e.Attributes[0].Name)
	// Output:
	// level=INFO msg=paid txid=transaction-000001 order.id=42
	// transaction-000001 log INFO order.id
}

type exampleWriter struct{}

func (exampleWriter) Write(b []byte) (int, error) { return fmt.Print(string(b)) }
