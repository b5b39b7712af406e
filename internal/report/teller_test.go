package report_test

import (
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
		if !report.Within(tl.Busy(), 102*time.Minute) {
			t.Fatal("it does not end")
		}
		// The one that is being told when the others come is not among those that wait.
		if n := len(told) - 4; n != 101 || told[4] != "0" || told[104] != "100" {
			t.Errorf("%d told: %v", n, told)
		}
		slow = 0
		tl.Tell(errors.New("after"))
		if s := told[len(told)-1]; s != "after (99 before it were not told: OnError takes too long)" {
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
