package journalsink

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// killRounds is small so that the plain test run stays short.
var killRounds = flag.Int("killrounds", 4, "how often TestKilled kills a writer")

const killEnv = "TXTRAIL_JOURNAL_TEST_DIR"

// TestMain is the writer that TestKilled kills, or a process of TestProcesses, when it
// is run for that.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		if role := os.Getenv(roleEnv); role != "" {
			runRole(dir, role)
		} else {
			writeUntilKilled(dir)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// writeUntilKilled writes batches and says so on stdout after each.
func writeUntilKilled(dir string) {
	j, err := Open(dir, &Options{MaxFileBytes: 64 << 10, MinFree: -1})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var t testing.T
	for n := 0; ; n++ {
		batch := makeBatch(&t, n*1000, 1+n%40, 7)
		if err := j.Write(context.Background(), batch); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// A writer is killed at random moments, while it writes, rotates or compresses.
// Every batch whose Write had returned is there, before and after the next process
// has adopted what was left.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no SIGKILL here")
	}
	for round := range *killRounds {
		dir := filepath.Join(t.TempDir(), "journal")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The pipe must not fill, or the writer would only ever be killed at rest.
		last := make(chan int)
		go func() {
			n := -1
			for s := bufio.NewScanner(out); s.Scan(); {
				if _, err := fmt.Sscan(s.Text(), &n); err != nil {
					t.Errorf("the writer says %q", s.Text())
				}
			}
			last <- n
		}()
		time.Sleep(time.Duration(20+rand.IntN(200)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		n := <-last
		_ = cmd.Wait()
		if _, err := os.Stat(dir); n < 0 && errors.Is(err, os.ErrNotExist) {
			continue // killed before it had begun
		}
		left := names(t, dir, "")

		check := func(when string) {
			t.Helper()
			r := readerTest(t, dir)
			got := scanIDs(t, r)
			slices.Sort(got)
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("round %d, %s: entries twice", round, when)
			}
			have := make(map[string]bool, len(got))
			for _, id := range got {
				have[id] = true
			}
			missing := 0
			for b := range n + 1 {
				for i := range 1 + b%40 {
					if !have[fmt.Sprintf("i%08d", b*1000+i)] {
						missing++
					}
				}
			}
			if missing > 0 {
				t.Errorf("round %d, %s: %d entries missing of those written; left were %v", round, when, missing, left)
			}
		}
		check("as it was left")
		j := openTest(t, dir, &Options{MinFree: -1})
		waitFor(t, func() bool { return len(names(t, dir, extOpen)) == 1 && len(names(t, dir, extTemp)) == 0 })
		check("adopted")
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		check("closed")
		t.Logf("round %d: killed after %d writes, %d files left: %s", round, n+1, len(left), strings.Join(extsOf(left), " "))
	}
}

func extsOf(files []string) []string {
	count := map[string]int{}
	for _, f := range files {
		_, ext, _ := splitName(f)
		count[ext]++
	}
	var out []string
	for ext, n := range count {
		out = append(out, fmt.Sprintf("%d×%s", n, ext))
	}
	slices.Sort(out)
	return out
}
