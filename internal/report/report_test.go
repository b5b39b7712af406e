package report_test

import (
	"bytes"
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

func TestWarner(t *testing.T) {
	var buf bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		var w report.Warner
		for i := range 200 { // 199 s
			w.Warn(fmt.Errorf("fault %d", i))
			time.Sleep(time.Second)
		}
	})
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `msg="fault 0" suppressed=0`) || !strings.Contains(lines[1], `msg="fault 60" suppressed=59`) {
		t.Errorf("%d lines, want 4:\n%s", len(lines), buf.String())
	}
}
