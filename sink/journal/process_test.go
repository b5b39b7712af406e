package journalsink

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// processBatches is small so that the plain test run stays short.
var processBatches = flag.Int("processbatches", 60, "how many batches each process of TestProcesses writes")

const (
	roleEnv      = "TXTRAIL_JOURNAL_TEST_ROLE" // "writer N batches" or "follower"
	processBatch = 20
)

// processID is the txid of a writer's batch.
func processID(writer, batch int) string { return fmt.Sprintf("w%d-batch-%06d", writer, batch) }

// runRole is what a process that TestProcesses starts does.
func runRole(dir, role string) {
	var t testing.T
	if role == "follower" {
		r, err := OpenReader(dir, nil)
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("ready")
		for e, err := range r.Tail(context.Background(), TailOptions{Poll: 5 * time.Millisecond, FromStart: true}) {
			if err != nil {
				fmt.Println("error", err)
				return
			}
			fmt.Println(e.InsertID)
		}
		return
	}
	var w, batches int
	if _, err := fmt.Sscanf(role, "writer %d %d", &w, &batches); err != nil {
		fmt.Println("error", err)
		return
	}
	j, err := Open(dir, &Options{Name: "w" + itoa(w), MaxFileBytes: 8 << 10, MinFree: -1, MaxBytes: -1, fs: quickFS{}})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	for b := range batches {
		batch := makeBatch(&t, 0, 0, 1)
		for i := range processBatch {
			batch = append(batch, makeEntry(&t, processID(w, b), w*10_000_000+b*processBatch+i, "m"))
		}
		if err := j.Write(context.Background(), batch); err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println(b)
		time.Sleep(time.Millisecond) // so that the others have the same share of the time
	}
	if err := j.Close(context.Background()); err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("rotated", j.Stats().Opened-1)
}

// child starts a process in a role and gives line what it says.
func child(t *testing.T, dir, role string, line func(string)) (cmd *exec.Cmd, ended chan struct{}) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+dir, roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "error") {
				t.Errorf("%s: %s", role, s.Text())
			}
			line(s.Text())
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait()
	})
	return cmd, ended
}

// Three processes write one folder, this one looks up what they say they have written,
// and a fifth follows through all rotations: nothing is missing, nothing comes twice.
// One writer is stopped in the middle, with its locks held: nobody waits for it.
func TestProcesses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no process can be stopped here")
	}
	dir := t.TempDir()
	const writers = 3
	total := writers * *processBatches * processBatch
	var mu sync.Mutex
	var followed []string
	ready, all := make(chan struct{}), make(chan struct{})
	child(t, dir, "follower", func(s string) {
		if s == "ready" {
			close(ready)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if followed = append(followed, s); len(followed) == total {
			close(all)
		}
	})
	wait(t, ready, "the follower to begin")
	var written [writers]atomic.Int64
	var rotations atomic.Int64
	var ends [writers]chan struct{}
	var procs [writers]*exec.Cmd
	for w := range writers {
		procs[w], ends[w] = child(t, dir, fmt.Sprintf("writer %d %d", w, *processBatches), func(s string) {
			var n int64
			if _, err := fmt.Sscanf(s, "rotated %d", &n); err == nil {
				rotations.Add(n)
				return
			}
			if _, err := fmt.Sscan(s, &n); err == nil {
				written[w].Store(n + 1)
			}
		})
	}
	waitFor(t, func() bool { return int(written[0].Load()) > *processBatches/3 })
	stopProcess(t, procs[0].Process)
	r := readerTest(t, dir)
	looked := 0
	look := func() {
		t.Helper()
		w := looked % writers
		looked++
		if n := int(written[w].Load()); n > 0 {
			b := looked * 7919 % n
			if got := lookupIDs(t, r, processID(w, b)); len(got) != processBatch || len(slices.Compact(slices.Sorted(slices.Values(got)))) != processBatch {
				t.Fatalf("batch %d of writer %d: %d entries, want %d", b, w, len(got), processBatch)
			}
		}
	}
	for _, ended := range ends[1:] {
		for done := false; !done; {
			look()
			select {
			case <-ended:
				done = true
			default:
			}
		}
	}
	continueProcess(t, procs[0].Process)
	wait(t, ends[0], "the writer that was stopped")
	wait(t, all, "the follower")
	for range 2 * writers {
		look()
	}
	want := make([]string, 0, total)
	for w := range writers {
		for i := range *processBatches * processBatch {
			want = append(want, fmt.Sprintf("i%08d", w*10_000_000+i))
		}
	}
	mu.Lock()
	slices.Sort(followed)
	if diff := cmp.Diff(want, followed); diff != "" {
		t.Errorf("followed (-want +got)\n%.2000s", diff)
	}
	mu.Unlock()
	got := scanIDs(t, readerTest(t, dir))
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scanned (-want +got)\n%.2000s", diff)
	}
	if rotations.Load() < 50 {
		t.Errorf("%d rotations, want at least 50", rotations.Load())
	}
	t.Logf("%d rotations, %d look-ups meanwhile", rotations.Load(), looked)
}

// wait waits for what comes for certain; its limit ends a test that hangs.
func wait(t *testing.T, done chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatalf("waited for %s in vain", what)
	}
}
