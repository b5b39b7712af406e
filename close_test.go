package txtrail_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/sink"
)

// A program whose folder can never be used ends, also if it gives Close no deadline.
func TestCloseWithoutFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	trail, err := txtrail.Open(txtrail.Config{
		Dir: filepath.Join(file, "journal"), LookupEnv: env(), LogHandler: slog.DiscardHandler, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	get(t, trail.Handler(http.HandlerFunc(ok)), "/a")
	ended := make(chan error, 1)
	go func() { ended <- trail.Close(context.Background()) }()
	select {
	case err = <-ended:
	case <-time.After(50 * time.Second):
		t.Fatal("it has not ended")
	}
	var drop *sink.DropError
	if !errors.As(err, &drop) || drop.Reason != sink.DropClosed || drop.Count != 1 {
		t.Errorf("closed with %v", err)
	}
}
