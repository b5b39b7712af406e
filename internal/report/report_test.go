package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

type mute struct{}

func (mute) Error() string { panic("not even that") }

func TestPanic(t *testing.T) {
	for name, c := range map[string]struct {
		v    any
		want string
	}{
		"text":     {"boom", "pkg: Skip panicked: boom"},
		"error":    {errors.New("nil map"), "pkg: Skip panicked: nil map"},
		"number":   {7, "pkg: Skip panicked: 7"},
		"secretly": {struct{ Password string }{"hunter2"}, "pkg: Skip panicked: a value of type struct { Password string }"},
		"mute":     {mute{}, "pkg: Skip panicked: %!v(PANIC=Error method: not even that)"},
	} {
		told := ""
		report.Panic(func(err error) {
			told = err.Error()
			panic("OnError as well")
		}, "pkg", "Skip", c.v)
		if told != c.want {
			t.Errorf("%s: %q, want %q", name, told, c.want)
		}
	}
	report.Panic(func(err error) {
		if n := len(err.Error()); n > 5000 {
			t.Errorf("%d bytes", n)
		}
	}, "pkg", "Skip", strings.Repeat("x", 1<<20))
}

// What is told is not told again by a bridge that makes entries of log lines.
func TestWarnIsOwn(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	h := &contexts{Handler: slog.DiscardHandler}
	slog.SetDefault(slog.New(h))
	report.Warn(errors.New("fault"), 0)
	if h.seen == nil || !report.IsOwn(h.seen) || report.IsOwn(t.Context()) {
		t.Error("the line is not marked")
	}
}

// A function that panics is called each time, and nobody else is the worse for it.
func TestGuard(t *testing.T) {
	var told []error
	onError := report.Guard(func(err error) {
		told = append(told, err)
		panic("boom")
	})
	a, b := errors.New("a"), errors.New("b")
	onError(a)
	onError(b)
	if len(told) != 2 || told[0] != a || told[1] != b {
		t.Errorf("told %v", told)
	}
}

type contexts struct {
	slog.Handler
	seen context.Context
}

func (c *contexts) Enabled(context.Context, slog.Level) bool { return true }

func (c *contexts) Handle(ctx context.Context, _ slog.Record) error {
	c.seen = ctx
	return nil
}

func TestWarner(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		var w report.Warner
		for i := range 40 {
			w.Warn(fmt.Errorf("fault %d", i))
			time.Sleep(time.Second)
		}
	})
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[0], `msg="txtrail does not record as it should" error="fault 0"`) || !strings.Contains(lines[1], `error="fault 10" suppressed=9`) {
		t.Errorf("%d lines, want 4:\n%s", len(lines), buf.String())
	}
}

// What is no fault has a heading of its own, and keeps no fault from being told.
func TestWarnNotice(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	defer slog.SetDefault(before)
	died, full := report.NewNotice("txtrail found a dead one", "died"), report.NewNotice("txtrail makes room", "full")
	lost := report.Fault(fmt.Errorf("%w: not shipped", full))
	synctest.Test(t, func(t *testing.T) {
		var w report.Warner
		for range 2 {
			w.Warn(fmt.Errorf("%w: web", died))
			w.Warn(full)
			w.Warn(lost)
			w.Warn(errors.New("fault"))
		}
		time.Sleep(report.Every)
		w.Warn(died)
		w.Warn(lost)
	})
	want := `level=WARN msg="txtrail found a dead one" error="died: web"
level=WARN msg="txtrail makes room" error=full
level=WARN msg="txtrail does not record as it should" error="full: not shipped"
level=WARN msg="txtrail found a dead one" error=died suppressed=1
level=WARN msg="txtrail does not record as it should" error="full: not shipped" suppressed=3
`
	if buf.String() != want {
		t.Errorf("got\n%swant\n%s", buf.String(), want)
	}
	if !errors.Is(lost, full) || errors.Is(lost, died) || lost.Error() != "full: not shipped" {
		t.Error("an error is not what it was")
	}
}
