package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// A service that goes on writing does not keep the command from its end: what comes
// after everything was delivered that was there is of the next run.
func TestShipEndsBesideALiveWriter(t *testing.T) {
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func() error {
		e := &entry.Entry{Time: time.Now(), TxID: "live-0001", Kind: entry.KindLog, Message: "more"}
		if err := e.Seal(nil); err != nil {
			return err
		}
		return j.Write(context.Background(), []*entry.Entry{e})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := write(); err != nil {
				stopped <- err
				return
			}
		}
	}()
	var out, errs bytes.Buffer
	code := make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		code <- run(ctx, []string{"ship", dir, "--to", "journal:" + filepath.Join(t.TempDir(), "far")}, &system{
			stdout: &out, stderr: &errs, zone: time.UTC, env: func(string) string { return "" }, now: time.Now,
		})
	}()
	select {
	case got := <-code:
		if got != exitFound || !strings.Contains(out.String(), " delivered") || strings.Contains(out.String(), "left") || errs.Len() > 0 {
			t.Errorf("status %d: %s%s", got, out.String(), errs.String())
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not end")
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	cancel()
	if t.Failed() {
		return
	}
	if err := j.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// What a service that does not come back was serving when it was killed is shipped too.
func TestShipTakesWhatCrashed(t *testing.T) {
	dir, home, far := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "far")
	j, err := journalsink.Open(home, &journalsink.Options{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := j.InFlight(&journalsink.InFlightOptions{Resource: &entry.Resource{Service: "web"}, Slots: 4, OnDisk: true})
	if errors.Is(err, journalsink.ErrInFlight) {
		t.Skip("SKIPPED: no list of requests in flight on this system")
	}
	if err != nil {
		t.Fatal(err)
	}
	list.Begin(sink.InFlightRequest{ID: "crash-0000-0001", Span: 1, Method: "GET", Path: "/api/orders", Start: time.Now()})
	// A copy of the list is what a killed process leaves: nobody holds its lock.
	lists, err := filepath.Glob(filepath.Join(home, ".inflight-*"))
	if err != nil || len(lists) != 1 {
		t.Fatalf("%v, %v", lists, err)
	}
	b, err := os.ReadFile(lists[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(lists[0])), b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"ship", dir, "--to", "journal:" + far}, &system{
		stdout: &out, stderr: &errs, zone: time.UTC, env: func(string) string { return "" }, now: time.Now,
	})
	if code != exitFound || !strings.Contains(out.String(), "web → ") || !strings.Contains(out.String(), "1 delivered") {
		t.Errorf("status %d: %s%s", code, out.String(), errs.String())
	}
	r, err := journalsink.OpenReader(far, nil)
	if err != nil {
		t.Fatal(err)
	}
	crashed := 0
	for e, err := range r.Scan(t.Context(), journalsink.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == entry.KindCrash && e.TxID == "crash-0000-0001" {
			crashed++
		}
	}
	if crashed != 1 {
		t.Errorf("%d crash entries arrived", crashed)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
