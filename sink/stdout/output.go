package stdoutsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/txtrail/txtrail/sink"
)

// output writes to a writer that may block for ever. One write at a time.
type output struct {
	w    io.Writer
	torn bool // the last write ended within a line

	state  atomic.Int32 // of the write: running, ended or left
	result chan outcome
}

// What a write may be.
const (
	running int32 = iota
	ended         // the result is there
	left          // nobody waits for it
)

type outcome struct {
	n   int
	err error
}

func newOutput(w io.Writer) *output { return &output{w: w, result: make(chan outcome, 1)} }

// write writes b. It reports false when ctx ends first; then b is not to be touched
// before later has been called.
func (o *output) write(ctx context.Context, b []byte, later func()) (n int, ok bool, err error) {
	o.state.Store(running)
	if ctx.Done() == nil {
		n, err = o.put(b)
		return n, true, err
	}
	go o.run(b, later)
	select {
	case r := <-o.result:
		return r.n, true, r.err
	case <-ctx.Done():
	}
	if o.state.CompareAndSwap(running, left) {
		return 0, false, nil
	}
	r := <-o.result // it has ended meanwhile
	return r.n, true, r.err
}

func (o *output) run(b []byte, later func()) {
	n, err := o.put(b)
	if o.state.CompareAndSwap(running, ended) {
		o.result <- outcome{n, err}
		return
	}
	later()
}

// put writes b and says how much of it is out.
func (o *output) put(b []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil { // this goroutine is nobody's who could catch it
			n, err = 0, fmt.Errorf("the writer panicked: %v", p)
		}
		n = min(max(n, 0), len(b))
		switch {
		case n == len(b):
			o.torn, err = false, nil // an error of a writer that took everything changes nothing
		case n > 0:
			o.torn = b[n-1] != '\n'
		}
		if n < len(b) && err == nil {
			err = io.ErrShortWrite
		}
	}()
	return o.w.Write(b)
}

// failure is the error of the entries that are not out.
func failure(err error) error {
	err = fmt.Errorf("stdoutsink: %w", err)
	if gone(err) {
		return sink.Permanent(err)
	}
	return sink.Retryable(err, 0)
}

// gone reports whether nobody will ever read what is written.
func gone(err error) bool {
	return errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.EPIPE)
}
