package stdoutsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"
	"syscall"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

var validProject = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,98}[a-z0-9]$`)

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
	// MaxLine bounds a line in bytes, its newline included. An entry that is longer
	// takes several lines: see the package. CRI-O cuts at 8 KiB. Negative means no
	// bound; at least MinMaxLine. Default DefaultMaxLine.
	MaxLine int
	// Shorten shortens an entry that is longer to one line instead: first the bodies,
	// then stacks, headers and attributes, each marked as cut with the reason
	// "line limit". For readers that do not join lines. Default false.
	Shorten bool
	// ProjectID is the Google Cloud project whose traces the entries' traces are:
	// agents want "projects/P/traces/T". Default GOOGLE_CLOUD_PROJECT; without any the
	// trace's ID stands alone, which groups entries and links to no trace.
	ProjectID string
	// LookupEnv reads the environment. Default os.LookupEnv.
	LookupEnv func(string) (string, bool)
}

// Sink writes entries as lines. It is a [sink.Sink].
type Sink struct {
	w       io.Writer
	maxLine int // 0: no bound
	shorten bool
	trace   string // "projects/P/traces/", or ""

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
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.ProjectID == "" {
		o.ProjectID, _ = o.LookupEnv("GOOGLE_CLOUD_PROJECT")
	}
	s := &Sink{w: w, maxLine: o.MaxLine, shorten: o.Shorten}
	if o.ProjectID != "" {
		if !validProject.MatchString(o.ProjectID) {
			return nil, fmt.Errorf("%w: ProjectID (or GOOGLE_CLOUD_PROJECT) is %.80q, want a project's ID", ErrOptions, o.ProjectID)
		}
		s.trace = "projects/" + o.ProjectID + "/traces/"
	}
	return s, nil
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
		if err := s.add(i, e.Line()); err != nil {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(err)})
		}
	}
	if len(s.ends) > 0 {
		s.flush(&partial)
	}
	if len(partial.Failed) > 0 {
		return &partial
	}
	return nil
}

// add puts an entry's lines into the buffer.
func (s *Sink) add(i int, line []byte) error {
	room := s.maxLine - 1 - len(s.trace)
	if s.maxLine == 0 || len(line) <= room {
		s.line(i, line)
		return nil
	}
	if !s.shorten {
		if parts, ok := splitLine(line, room); ok {
			for _, p := range parts {
				s.line(i, p)
			}
			return nil
		}
		// What can not be split, since the small fields alone are too much, is shortened.
	}
	short, err := shorten(line, room)
	if err != nil {
		return err
	}
	s.line(i, short)
	return nil
}

// traceKey begins the member that Google's agents make LogEntry.trace of.
const traceKey = `,"logging.googleapis.com/trace":"`

// traceAt returns where the trace's ID begins, 0 without one. Within a string the
// quotes of the key would be escaped; a label may have its name, but then objects end
// and begin behind it.
func traceAt(line []byte) int {
	at := bytes.LastIndex(line, []byte(traceKey))
	if at < 0 {
		return 0
	}
	at += len(traceKey)
	end := bytes.IndexByte(line[at:], '"')
	if rest := line[at+max(end, 0):]; end < 0 || bytes.IndexByte(rest, '}') != len(rest)-1 && !bytes.Contains(rest, []byte(`,"split":{`)) {
		return 0
	}
	return at
}

// line puts a line into the buffer, its trace with the project's name.
func (s *Sink) line(i int, line []byte) {
	if s.trace != "" {
		if at := traceAt(line); at > 0 {
			s.buf = append(append(s.buf, line[:at]...), s.trace...)
			line = line[at:]
		}
	}
	s.buf = append(append(s.buf, line...), '\n')
	s.ends = append(s.ends, len(s.buf))
	s.index = append(s.index, i)
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
		if f := partial.Failed; len(f) > 0 && f[len(f)-1].Index == s.index[j] {
			continue // another line of the same entry
		}
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
