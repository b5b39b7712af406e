package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
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
