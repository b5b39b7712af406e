package txtrail_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// shipRounds is small so that the plain test run stays short.
var shipRounds = flag.Int("ship-rounds", 6, "how often TestKilledShipping kills a service that ships")

const shipDirEnv = "TXTRAIL_SHIP_TEST_DIR"

// fileSink keeps what it was given in a file, by one write(2) a batch. It fails now and
// then: before it has taken the batch, after, and for a part of it.
type fileSink struct{ path string }

func (*fileSink) Name() string                { return "file" }
func (*fileSink) Close(context.Context) error { return nil }

func (s *fileSink) Write(_ context.Context, batch []*entry.Entry) error {
	out := []byte("\n") // behind what a killed process had begun
	failed := &sink.PartialError{}
	fault := rand.IntN(10)
	if fault == 0 {
		return errors.New("connection refused")
	}
	for i, e := range batch {
		if fault == 1 && i%3 == 0 {
			failed.Failed = append(failed.Failed, sink.Failure{Index: i, Err: errors.New("busy")})
			continue
		}
		out = fmt.Appendf(out, "%s %s %d %08x .\n", e.TxID, e.InsertID, e.Time.UnixNano(), crc32.ChecksumIEEE(e.Line()))
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if fault == 2 {
		return errors.New("the acknowledgement was lost")
	}
	if len(failed.Failed) > 0 {
		return failed
	}
	return nil
}

func openShipping(dir string) (*txtrail.Trail, error) {
	return txtrail.Open(txtrail.Config{
		Service: "victim", Dir: filepath.Join(dir, "journal"), LogHandler: slog.DiscardHandler, Output: txtrail.OutputJournal,
		Journal: &journalsink.Options{MaxFileBytes: 64 << 10, MinFree: -1},
		Sinks:   []sink.Sink{&fileSink{filepath.Join(dir, "delivered")}},
		Ship:    &sink.ShipOptions{MaxAge: 10 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond},
		OnError: func(error) {},
		// The last one is not adopted: what it leaves must go with the folder.
		InFlightOnDisk: true,
	})
}

// shipVictim is the service that TestKilledShipping kills. It says on stdout which
// entries were captured, and when.
func shipVictim(dir string) error {
	trail, err := openShipping(dir)
	if err != nil {
		return err
	}
	round := fmt.Sprintf("%d", time.Now().UnixNano())
	for i := 0; ; i++ {
		id := fmt.Sprintf("%s-%06d", round, i)
		e := &entry.Entry{TxID: txid.ID(id), Kind: entry.KindServer, Message: strings.Repeat("x", i%700)}
		if trail.Queue().Enqueue(e) {
			_, _ = fmt.Fprintf(os.Stdout, "C %s %d\n", id, time.Now().UnixNano())
		}
		if i%20 == 19 {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// A service that ships from its journal is killed at random moments, again and again,
// and its successors go on. In the end the sink has what the journal has: each entry
// once by insertId, unchanged; and what was captured and never written are the last
// entries of each life.
func TestKilledShipping(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no SIGKILL here")
	}
	dir := t.TempDir()
	var captured [][]string
	at := map[string]time.Time{}
	var killed []time.Time
	for range *shipRounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), shipDirEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begun, silent := make(chan struct{}), make(chan struct{})
		var life []string
		go func() {
			defer close(silent)
			for s := bufio.NewScanner(out); s.Scan(); {
				var id string
				var ns int64
				if n, _ := fmt.Sscanf(s.Text(), "C %s %d", &id, &ns); n == 2 && strings.HasPrefix(s.Text(), "C ") {
					if life = append(life, id); len(life) == 1 {
						close(begun)
					}
					at[id] = time.Unix(0, ns)
				}
			}
		}()
		select {
		case <-begun:
		case <-silent:
			t.Fatal("the victim died by itself")
		}
		time.Sleep(time.Duration(rand.IntN(250)) * time.Millisecond)
		killed = append(killed, time.Now())
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-silent
		_ = cmd.Wait()
		captured = append(captured, life)
	}

	trail, err := openShipping(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// A write(2) that the kill has cut off leaves a torn line, which counts as damaged.
	var drop *sink.DropError
	if err := trail.Flush(ctx); err != nil && !errors.As(err, &drop) {
		t.Fatal(err)
	}
	stats := trail.SinkStats()[0]
	closeTrail(t, trail)
	torn := stats.Dropped[sink.DropDamaged]
	if stats.Waiting != 0 || stats.DroppedTotal() != torn || torn > int64(len(captured)) {
		t.Errorf("%+v", stats)
	}

	r, err := journalsink.OpenReader(filepath.Join(dir, "journal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{} // what is delivered of each, by insertId
	found := map[string]bool{}     // by txid
	for e, err := range r.Scan(t.Context(), journalsink.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		written[e.InsertID] = fmt.Sprintf("%s %s %d %08x", e.TxID, e.InsertID, e.Time.UnixNano(), crc32.ChecksumIEEE(e.Line()))
		found[string(e.TxID)] = true
	}
	b, err := os.ReadFile(filepath.Join(dir, "delivered"))
	if err != nil {
		t.Fatal(err)
	}
	delivered := map[string]bool{}
	twice, gaps := 0, map[string]bool{}
	for line := range strings.Lines(string(b)) {
		line, whole := strings.CutSuffix(line, " .\n")
		if !whole {
			continue
		}
		if gap, ok := strings.CutPrefix(line, " gap-"); ok { // of no transaction: it tells of a torn line
			gaps[strings.Fields(gap)[0]] = true
			continue
		}
		id := strings.Fields(line)[1]
		if written[id] != line {
			t.Fatalf("delivered %q, written %q", line, written[id])
		}
		if delivered[id] {
			twice++
		}
		delivered[id] = true
	}
	for id := range written {
		if !delivered[id] {
			t.Errorf("%s is in the journal and was not delivered", written[id])
		}
	}

	if int64(len(gaps)) < torn || len(gaps) > len(captured) {
		t.Errorf("%d gap entries, %d lines torn in the last life", len(gaps), torn)
	}

	var lost []int
	var spans []time.Duration
	total := 0
	for i, life := range captured {
		total += len(life)
		first := slices.IndexFunc(life, func(id string) bool { return !found[id] })
		if first < 0 {
			lost, spans = append(lost, 0), append(spans, 0)
			continue
		}
		for _, id := range life[first:] {
			if found[id] {
				t.Errorf("life %d: %s is there, an earlier one is not", i, id)
			}
		}
		lost = append(lost, len(life)-first)
		spans = append(spans, killed[i].Sub(at[life[first]]))
	}
	slices.Sort(lost)
	slices.Sort(spans)
	q := func(p float64) int { return min(len(lost)-1, int(p*float64(len(lost)))) }
	t.Logf("%d lives, %d entries captured, %d delivered once by insertId (and %d times again, as an acknowledgement or the cursor was lost), %d gap entries of torn lines", len(captured), total, len(delivered), twice, len(gaps))
	t.Logf("lost with a life: p50 %d, p90 %d, worst %d entries; the oldest of them was captured p50 %s, p90 %s, worst %s before the kill",
		lost[q(.5)], lost[q(.9)], lost[len(lost)-1], spans[q(.5)], spans[q(.9)], spans[len(spans)-1])
}
