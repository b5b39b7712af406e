package report_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// What is told is told in order, one at a time, and before Tell returns if the function
// returns soon.
func TestTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		var slow time.Duration
		tl := report.NewTeller(func(err error) {
			time.Sleep(slow)
			told = append(told, err.Error())
			switch err.Error() {
			case "panic":
				panic(err)
			case "exit":
				runtime.Goexit()
			}
		})
		for _, s := range []string{"a", "panic", "exit", "b"} {
			tl.Tell(errors.New(s))
		}
		if s := strings.Join(told, " "); s != "a panic exit b" || tl.Busy() != nil {
			t.Errorf("told %s", s)
		}
		slow = time.Minute
		begun := time.Now()
		for i := range 200 {
			tl.Tell(fmt.Errorf("%d", i))
		}
		if took := time.Since(begun); took != report.Prompt {
			t.Errorf("it took %s", took)
		}
		if !report.Within(tl.Busy(), 103*time.Minute) {
			t.Fatal("it does not end")
		}
		// The one that is being told when the others come is not among those that wait.
		if n := len(told) - 4; n != 102 || told[4] != "0" || told[104] != "100" || told[105] != "txtrail: 99 errors were not told: OnError takes too long" {
			t.Errorf("%d told: %v", n, told)
		}
		// What comes before the end says it.
		for i := range 102 {
			tl.Tell(fmt.Errorf("%d", i))
		}
		time.Sleep(90 * time.Second)
		tl.Tell(errors.New("after"))
		time.Sleep(103 * time.Minute)
		synctest.Wait() // for the race detector: a sleep orders nothing
		if s := told[len(told)-1]; tl.Busy() != nil || s != "after (1 before it were not told: OnError takes too long)" {
			t.Error(s)
		}
	})
}

// A function that ends its goroutine does not keep the next from being told.
func TestTellerGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		tl := report.NewTeller(func(error) {
			told++
			time.Sleep(time.Second)
			runtime.Goexit()
		})
		after := 0
		for range 3 {
			tl.Add(errors.New("x"), func() { after++ })
		}
		time.Sleep(time.Minute)
		synctest.Wait() // for the race detector: a sleep orders nothing
		if told != 3 || after != 3 || tl.Busy() != nil {
			t.Errorf("%d told, %d", told, after)
		}
	})
}

// Who ends waits for the last word, and no longer than it may.
func TestTellerFinish(t *testing.T) {
	for _, tt := range []struct{ takes, within, want time.Duration }{
		{0, time.Hour, 0},
		{200 * time.Millisecond, time.Hour, 200 * time.Millisecond},
		{time.Minute, time.Hour, report.LastWord},
		{time.Minute, 300 * time.Millisecond, 300*time.Millisecond + report.Prompt},
		{time.Minute, 0, report.Prompt},
		{200 * time.Millisecond, 180 * time.Millisecond, 200 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			tl := report.NewTeller(func(error) { time.Sleep(tt.takes) })
			tl.Finish(t.Context()) // nothing to wait for
			tl.Add(errors.New("x"), nil)
			ctx, cancel := context.WithTimeout(t.Context(), tt.within)
			defer cancel()
			begun := time.Now()
			tl.Finish(ctx)
			if took := time.Since(begun); took != tt.want {
				t.Errorf("%+v: it took %s", tt, took)
			}
			time.Sleep(time.Hour)
		})
	}
}
