package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

var rounds = flag.Int("rounds", 3, "rounds of TestKill")

// settled is how long before a kill a client must have seen the response for its
// entry to be certain to be in the journal.
const settled = 100 * time.Millisecond

// TestKill ends the web service with SIGKILL while it answers, again and again in one
// folder. The journal must open every time, and hold the entry of every response that
// a client had seen 100 ms or more before the kill. How many of the later ones are
// missing is printed: they are within what the default mode promises.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var late, lateMissing, total int
	for round := range *rounds {
		seen, killed := killRound(t, dir, round)
		kept := inJournal(t, dir)
		total += len(seen)
		for id, at := range seen {
			switch {
			case kept[id]:
			case killed.Sub(at) >= settled:
				t.Errorf("round %d: %s was answered %v before the kill and is not in the journal", round, id, killed.Sub(at))
			default:
				lateMissing++
			}
			if killed.Sub(at) < settled {
				late++
			}
		}
	}
	if total < 100**rounds {
		t.Errorf("only %d requests in %d rounds: too few to show anything", total, *rounds)
	}
	t.Logf("%d rounds, %d responses seen; none of the settled missing; of %d within the last %v, %d missing",
		*rounds, total, late, settled, lateMissing)
}

// killRound loads a web service and kills it. It returns when each txid's response
// had been read to its end, and when the kill was sent.
func killRound(t *testing.T, dir string, round int) (seen map[txid.ID]time.Time, killed time.Time) {
	t.Helper()
	s, err := start("web", dir, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen = make(map[txid.ID]time.Time)
	var mu sync.Mutex
	var wg sync.WaitGroup
	client := &http.Client{Timeout: 5 * time.Second}
	for worker := range 4 {
		wg.Go(func() {
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
				_ = res.Body.Close()
				mu.Lock()
				seen[id] = time.Now()
				mu.Unlock()
			}
		})
	}
	time.Sleep(300*time.Millisecond + rand.N(300*time.Millisecond))
	killed = time.Now()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.cmd.Wait() // says that it was killed
	cancel()
	wg.Wait()
	client.CloseIdleConnections()
	// A response that came after the kill was sent was on its way before.
	return seen, killed
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
