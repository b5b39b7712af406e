package highlevelsink_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// From the journal, over an outage: all entries arrive, and the one that is refused
// lies in the dead letters alone.
func TestShip(t *testing.T) {
	srv := serve(t)
	s := crowded(t, srv)
	dir := t.TempDir()
	j, err := journalsink.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	const refused = 17
	batch := sinktest.Samples(0, 60)
	batch[refused] = many(refused)
	if err := j.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	srv.SetFault(func(_ string, n int) gcltest.Fault {
		switch {
		case n <= 3:
			return gcltest.Fault{Code: codes.ResourceExhausted}
		case n == 40:
			return gcltest.Fault{Code: codes.Aborted, Served: true}
		}
		return gcltest.Fault{}
	})
	spool, err := j.Spool(nil)
	if err != nil {
		t.Fatal(err)
	}
	ship, err := sink.NewShip(spool, s, &sink.ShipOptions{RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var dropped *sink.DropError
	if err := ship.Flush(ctx); !errors.As(err, &dropped) || dropped.Count != 1 {
		t.Errorf("Flush gives %v, want a word of the one that was refused", err)
	}
	if st := ship.Stats(); st.Delivered != 59 {
		t.Errorf("%+v", st)
	}
	if err := ship.Close(ctx); err != nil {
		t.Error(err)
	}
	got := ids(t, srv)
	for i, e := range batch {
		if slices.Contains(got, e.InsertID) == (i == refused) {
			t.Errorf("%s: stored %v", e.InsertID, i == refused)
		}
	}
	var letters []byte
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "dead") {
			return err
		}
		b, err := os.ReadFile(path)
		letters = append(letters, b...)
		return err
	})
	if err != nil || bytes.Count(letters, []byte("\n")) != 1 || !bytes.Contains(letters, []byte(batch[refused].InsertID)) || !bytes.Contains(letters, []byte("labels, more than 64")) {
		t.Errorf("dead letters %q, %v", letters, err)
	}
}
