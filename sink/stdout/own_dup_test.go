//go:build linux || darwin

package stdoutsink_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
)

// A service outlives the reader of its standard output, and is told that its entries are
// not out.
func TestReaderGone(t *testing.T) {
	if os.Getenv("TXTRAIL_TEST_READER_GONE") != "" {
		s, err := stdoutsink.New(os.Stdout, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(t.Context(), []*entry.Entry{sinktest.Sample(1)})
		var partial *sink.PartialError
		if !errors.As(err, &partial) || !sink.IsPermanent(partial.Failed[0].Err) || !errors.Is(partial.Failed[0].Err, syscall.EPIPE) {
			t.Errorf("Write without a reader: %v", err)
			_, _ = fmt.Fprintln(os.Stderr, "Write without a reader:", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("closed again: %v", err)
		}
		if _, err := os.Stdout.Stat(); err != nil {
			t.Errorf("standard output was closed: %v", err)
		}
		if !t.Failed() { // what t says goes to nobody
			_, _ = os.Stderr.WriteString("alive")
		}
		return
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer func() { _ = w.Close() }()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReaderGone$")
	cmd.Env = append(os.Environ(), "TXTRAIL_TEST_READER_GONE=1")
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &told
	// The test binary's own last word to standard output ends it by SIGPIPE.
	if err := cmd.Run(); !bytes.Contains(told.Bytes(), []byte("alive")) {
		t.Errorf("%v\n%s", err, told.Bytes())
	}
}
