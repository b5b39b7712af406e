package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// How hard TestKill looks. On a machine that does nothing else, -rounds 20 -settled
// 100ms holds; a disk that others keep busy can hold a write up for longer, and the
// default must not fail for that.
var (
	rounds  = flag.Int("rounds", 3, "rounds of TestKill")
	settled = flag.Duration("settled", 3*time.Second, "how long before a kill a response must have been seen for its entry to be certain")
)

const (
	lastMoment = 100 * time.Millisecond // what the printed count is of
	enough     = 100                    // requests in each round
)

// TestKill ends the web service with SIGKILL while it answers, again and again in one
// folder. The journal must open every time. What is missing must be the newest: an
// entry that is there proves all older ones of its connection. And none may be missing
// whose response a client had seen -settled before the kill. How many of the last
// 100 ms are missing is printed: they are within what the default mode promises.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var late, lateMissing, total int
	var worst time.Duration
	for round := range *rounds {
		workers, killed := killRound(t, dir, round)
		kept := inJournal(t, dir)
		for _, answers := range workers {
			total += len(answers)
			missing := false
			for _, a := range answers {
				age := killed.Sub(a.seen)
				if age < lastMoment {
					late++
				}
				if kept[a.id] {
					if missing {
						t.Errorf("round %d: %s is in the journal, and an older one is not", round, a.id)
					}
					continue
				}
				missing = true
				worst = max(worst, age)
				switch {
				case age >= *settled:
					t.Errorf("round %d: %s was answered %v before the kill and is not in the journal", round, a.id, age)
				case age < lastMoment:
					lateMissing++
				}
			}
		}
	}
	if total < enough**rounds {
		t.Errorf("only %d requests in %d rounds: too few to show anything", total, *rounds)
	}
	t.Logf("%d rounds, %d responses seen; of %d within %v before the kill %d missing; the oldest missing one was seen %v before",
		*rounds, total, late, lastMoment, lateMissing, worst)
}

// answer is a response that a client has read.
type answer struct {
	id   txid.ID
	seen time.Time
}

// killRound loads a web service and kills it. It returns what each client saw, in
// order, and when the kill was sent.
func killRound(t *testing.T, dir string, round int) (workers [4][]answer, killed time.Time) {
	t.Helper()
	s, err := start("web", dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var seen atomic.Int64
	for worker := range workers {
		wg.Go(func() {
			client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				id := txid.ID(fmt.Sprintf("kill-%d-%d-%d", round, worker, n))
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/profile", strings.NewReader("nickname=kim"))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Header.Set(txid.Header, string(id))
				res, err := client.Do(req)
				if err != nil {
					return // the service is dead
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				workers[worker] = append(workers[worker], answer{id, time.Now()})
				seen.Add(1)
			}
		})
	}
	time.Sleep(300*time.Millisecond + rand.N(300*time.Millisecond))
	// On a busy machine later, when enough has been answered to show anything.
	for deadline := time.Now().Add(30 * time.Second); seen.Load() < enough && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	killed = time.Now()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.cmd.Wait() // says that it was killed
	cancel()
	wg.Wait()
	return workers, killed
}

// inJournal returns the txids in the folder.
func inJournal(t *testing.T, dir string) map[txid.ID]bool {
	t.Helper()
	r, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[txid.ID]bool)
	for e, err := range r.Lookup(t.Context(), "kill-") {
		if err != nil {
			t.Fatal(err)
		}
		ids[e.TxID] = true
	}
	return ids
}
