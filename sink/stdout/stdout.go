package stdoutsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

const (
	// DefaultMaxLine is the longest line by default, its newline included:
	// containerd and Docker cut at 16 KiB, and put a few bytes of their own
	// before it.
	DefaultMaxLine = 15 << 10
	// MinMaxLine is the least that MaxLine may be: room for everything that an
	// entry is found by.
	MinMaxLine = 4 << 10
)

// ErrOptions is returned, wrapped with what was wrong, by [New] for arguments that
// can not work.
var ErrOptions = errors.New("stdoutsink: invalid options")

// Options configures [New]. Nil means the defaults.
type Options struct {
	// MaxLine bounds a line in bytes, its newline included. What is longer is
	// shortened: first the bodies, then stacks, headers and attributes, each
	// marked as cut with the reason "line limit". CRI-O cuts at 8 KiB. Negative
	// means no bound; at least MinMaxLine. Default DefaultMaxLine.
	MaxLine int
}

// Sink writes entries as lines. It is a [sink.Sink].
type Sink struct {
	w       io.Writer
	maxLine int // 0: no bound

	mu     sync.Mutex
	buf    []byte
	ends   []int // where each line of buf ends
	index  []int // its entry in the batch
	torn   bool  // the last Write ended within a line
	closed bool
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink that writes to w, one Write for each batch. Nothing else
// should write to w without newlines of its own. Close does not close w. nil opts are
// the defaults; the error wraps [ErrOptions].
func New(w io.Writer, opts *Options) (*Sink, error) {
	if w == nil {
		return nil, fmt.Errorf("%w: the writer is nil; use os.Stdout", ErrOptions)
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	switch {
	case o.MaxLine == 0:
		o.MaxLine = DefaultMaxLine
	case o.MaxLine < 0:
		o.MaxLine = 0
	case o.MaxLine < MinMaxLine:
		return nil, fmt.Errorf("%w: MaxLine is %d, want at least %d, 0 for %d, or -1 for no bound", ErrOptions, o.MaxLine, MinMaxLine, DefaultMaxLine)
	}
	return &Sink{w: w, maxLine: o.MaxLine}, nil
}

// Write writes the batch's lines in one Write of the writer. When that stops
// short, the entries whose lines are out are accepted and the others fail: for
// good if the stream is closed, else to be tried again; a line that was cut is
// ended by a newline first.
func (s *Sink) Write(ctx context.Context, batch []*entry.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return sink.Permanent(fmt.Errorf("stdoutsink: %w", sink.ErrClosed))
	}
	if ctx.Err() != nil {
		return sink.Retryable(fmt.Errorf("stdoutsink: %w", context.Cause(ctx)), 0)
	}
	s.reset()
	var partial sink.PartialError
	for i, e := range batch {
		if e == nil || !e.Sealed() {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("stdoutsink: the entry is not sealed"))})
			continue
		}
		line := e.Line()
		if s.maxLine > 0 && len(line) >= s.maxLine {
			var err error
			if line, err = shorten(line, s.maxLine-1); err != nil {
				partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(err)})
				continue
			}
		}
		s.buf = append(append(s.buf, line...), '\n')
		s.ends = append(s.ends, len(s.buf))
		s.index = append(s.index, i)
	}
	if len(s.ends) > 0 {
		s.flush(&partial)
	}
	if len(partial.Failed) > 0 {
		return &partial
	}
	return nil
}

// maxKept bounds the buffer that is kept between batches.
const maxKept = 4 << 20

func (s *Sink) reset() {
	if cap(s.buf) > maxKept {
		s.buf = nil
	}
	s.buf, s.ends, s.index = s.buf[:0], s.ends[:0], s.index[:0]
	if s.torn {
		s.buf = append(s.buf, '\n')
	}
}

func (s *Sink) flush(partial *sink.PartialError) {
	n, err := s.w.Write(s.buf)
	n = min(max(n, 0), len(s.buf))
	if n == len(s.buf) {
		s.torn = false
		return // an error of a writer that took everything changes nothing
	}
	if err == nil {
		err = io.ErrShortWrite
	}
	err = fmt.Errorf("stdoutsink: %w", err)
	if gone(err) {
		err = sink.Permanent(err)
	} else {
		err = sink.Retryable(err, 0)
	}
	if n > 0 {
		s.torn = s.buf[n-1] != '\n'
	}
	for j, end := range s.ends {
		if end-1 > n { // a line that lacks nothing but its newline is out
			partial.Failed = append(partial.Failed, sink.Failure{Index: s.index[j], Err: err})
		}
	}
}

// gone reports whether nobody will ever read what is written.
func gone(err error) bool {
	return errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.EPIPE)
}

// Close makes later Writes fail. It leaves the writer open: standard output
// belongs to the process.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.buf, s.ends, s.index = nil, nil, nil
	return nil
}
