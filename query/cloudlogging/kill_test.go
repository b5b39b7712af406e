package cloudloggingquery_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// What a child process that is to be killed is given.
const (
	envKilled = "TXTRAIL_TEST_KILLED" // which life it is
	envServer = "TXTRAIL_TEST_SERVER"
	envFolder = "TXTRAIL_TEST_FOLDER"
)

// shipTo ships what a folder holds, and returns what to write to.
func shipTo(t *testing.T, dir, addr string) (*journalsink.Journal, *sink.Ship) {
	t.Helper()
	s, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{
		ProjectID: "shop-test", Endpoint: addr, Insecure: true, Now: clock, LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	spool, err := j.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	ship, err := sink.NewShip(spool, s, &sink.ShipOptions{MaxAge: 5 * time.Millisecond, MaxBatch: 20, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	return j, ship
}

// Services that are killed, one after the other, while they ship: what one of them had
// written arrives by the next, as it was, and who reads gets it once.
func TestKilled(t *testing.T) {
	if life := os.Getenv(envKilled); life != "" {
		p, err := strconv.Atoi(life)
		if err != nil {
			t.Fatal(err)
		}
		j, _ := shipTo(t, os.Getenv(envFolder), os.Getenv(envServer))
		for i := 0; ; i++ { // until it is killed
			e := numbered(now.Add(-time.Hour+time.Duration(p)*time.Minute+time.Duration(i)*time.Millisecond), p, i)
			if i%40 == 7 { // in parts
				e.Response.Body = entry.Body{Content: []byte(strings.Repeat("0123456789", 50<<10)), Encoding: "utf-8"}
			}
			if err := e.Seal(nil); err != nil {
				t.Fatal(err)
			}
			if err := j.Write(t.Context(), []*entry.Entry{e}); err != nil {
				t.Fatal(err)
			}
			fmt.Println("wrote", i)
			time.Sleep(200 * time.Microsecond)
		}
	}

	w := open(t)
	w.srv.SetFault(func(method string, n int) gcltest.Fault {
		switch {
		case method != "WriteLogEntries":
		case n%3 == 0:
			return gcltest.Fault{Code: codes.Unavailable, Served: true}
		case n%7 == 0:
			return gcltest.Fault{Cut: true}
		}
		return gcltest.Fault{}
	})
	dir := t.TempDir()
	const lives = 3
	wrote := make([]int, lives)
	for p := range lives {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), envKilled+"="+strconv.Itoa(p), envFolder+"="+dir, envServer+"="+w.srv.Addr())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, before := bufio.NewScanner(out), w.srv.Calls("WriteLogEntries")
		for lines.Scan() { // well into its work, and into shipping
			if _, err := fmt.Sscanf(lines.Text(), "wrote %d", &wrote[p]); err == nil && wrote[p] >= 100+17*p && w.srv.Calls("WriteLogEntries") > before+2 {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died counts
			_, _ = fmt.Sscanf(lines.Text(), "wrote %d", &wrote[p])
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it was not killed")
		}
	}
	j, ship := shipTo(t, dir, w.srv.Addr())
	if err := ship.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := ship.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}

	local, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := local.Find(t.Context(), query.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || got.Partial() {
		t.Fatal(got, err)
	}
	if len(got.Entries) != len(want.Entries) || got.Matched != len(want.Entries) {
		t.Fatalf("%d in the journal, %d read, %d of them matched", len(want.Entries), len(got.Entries), got.Matched)
	}
	last := make([]int, lives)
	for i, e := range want.Entries {
		if g := got.Entries[i]; string(g.Line()) != string(e.Line()) {
			t.Fatalf("entry %d is %.200s, want %.200s", i, g.Line(), e.Line())
		}
		var p, n int
		if _, err := fmt.Sscanf(e.InsertID, "p%d-%d", &p, &n); err == nil {
			last[p] = max(last[p], n)
		}
	}
	for p, n := range wrote {
		if last[p] < n {
			t.Errorf("life %d had written up to %d, %d is there", p, n, last[p])
		}
	}
	if stored := len(w.srv.Entries()); stored <= len(got.Entries) {
		t.Error("nothing came twice: nothing was tested")
	}
	t.Logf("%d processes killed; %d LogEntries stored, %d entries read, each once", lives, len(w.srv.Entries()), len(got.Entries))
}
