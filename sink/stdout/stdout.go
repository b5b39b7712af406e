package stdoutsink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"

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
	maxLine int // 0: no bound
	shorten bool
	trace   string // "projects/P/traces/", or ""
	out     *output
	own     *os.File // what out writes to, if New has made it
	closed  chan struct{}
	once    sync.Once

	lock  chan struct{} // who has put something into it has the lines
	lines lines
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink that writes to w, one Write for each batch. Nothing else
// should write to w without newlines of its own. Close does not close w. Standard output
// and error are written by a descriptor of the sink's own on unix: else the process would
// end by SIGPIPE when nobody reads on, where the entries now fail. nil opts are the
// defaults; the error wraps [ErrOptions].
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
	s := &Sink{maxLine: o.MaxLine, shorten: o.Shorten, out: newOutput(w), closed: make(chan struct{}), lock: make(chan struct{}, 1)}
	if o.ProjectID != "" {
		if !validProject.MatchString(o.ProjectID) {
			return nil, fmt.Errorf("%w: ProjectID (or GOOGLE_CLOUD_PROJECT) is %.80q, want a project's ID", ErrOptions, o.ProjectID)
		}
		s.trace = "projects/" + o.ProjectID + "/traces/"
	}
	if f, ok := w.(*os.File); ok && f != nil {
		if s.own = ownOutput(f); s.own != nil {
			s.out.w = s.own
		}
	}
	return s, nil
}

// Write writes the batch's lines in one Write of the writer. When that stops
// short, the entries whose lines are out are accepted and the others fail: for
// good if the stream is closed, else to be tried again; a line that was cut is
// ended by a newline first.
//
// A writer that blocks, as a pipe does that nobody reads, holds up nobody for longer
// than ctx: the batch then fails, to be tried again, and the lines that the writer has
// may come out all the same, some of the entries twice therefore. Until it has written
// them nothing else is.
func (s *Sink) Write(ctx context.Context, batch []*entry.Entry) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	s.lines.reset(s.out.torn)
	var partial sink.PartialError
	for i, e := range batch {
		if e == nil || !e.Sealed() {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(errors.New("stdoutsink: the entry is not sealed"))})
			continue
		}
		if err := s.add(i, e); err != nil {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Permanent(err)})
		}
	}
	if len(s.lines.ends) > 0 {
		n, ended, err := s.out.write(ctx, s.lines.buf, s.release)
		if !ended {
			return sink.Retryable(fmt.Errorf("stdoutsink: the writer blocks: %w", context.Cause(ctx)), 0)
		}
		s.lines.failed(&partial, n, err)
	}
	s.release()
	if len(partial.Failed) > 0 {
		return &partial
	}
	return nil
}

// add puts an entry's lines into the buffer.
func (s *Sink) add(i int, e *entry.Entry) error {
	line := e.Line()
	if !e.Encoded() { // the line may say more than the fields
		read, err := entry.Parse(line)
		if err != nil {
			return fmt.Errorf("stdoutsink: %w", err)
		}
		e = read
	}
	room := s.maxLine - len("\n") - len(s.trace)
	if s.maxLine == 0 || len(line)+beside(e) <= room {
		s.lines.line(i, e, line, s.trace, piece{})
		return nil
	}
	if !s.shorten {
		if parts, ok := splitLine(line, room); ok {
			for _, p := range parts {
				s.lines.line(i, p.e, p.line, s.trace, p.piece)
			}
			return nil
		}
		// What can not be split, since the small fields alone are too much, is shortened.
	}
	own, err := entry.Parse(line) // e is the caller's
	if err != nil {
		return fmt.Errorf("stdoutsink: a line of %d bytes is longer than %d and cannot be shortened: %w", len(line), room, err)
	}
	short, err := shorten(own, room)
	if err != nil {
		return err
	}
	s.lines.line(i, own, short, s.trace, piece{})
	return nil
}

// acquire takes the lines.
func (s *Sink) acquire(ctx context.Context) error {
	ended := func() error { return sink.Retryable(fmt.Errorf("stdoutsink: %w", context.Cause(ctx)), 0) }
	closed := func() error { return sink.Permanent(fmt.Errorf("stdoutsink: %w", sink.ErrClosed)) }
	select {
	case s.lock <- struct{}{}:
	default:
		select {
		case s.lock <- struct{}{}:
		case <-s.closed:
			return closed()
		case <-ctx.Done():
			return ended()
		}
	}
	select {
	case <-s.closed:
		s.release()
		return closed()
	default:
	}
	if ctx.Err() != nil {
		s.release()
		return ended()
	}
	return nil
}

func (s *Sink) release() { <-s.lock }

// Close makes later Writes fail. It waits for the one that runs as long as ctx lasts,
// whose end is its error then, and leaves the writer open: standard output belongs to
// the process.
func (s *Sink) Close(ctx context.Context) error {
	s.once.Do(func() { close(s.closed) })
	select {
	case s.lock <- struct{}{}:
	default:
		select {
		case s.lock <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("stdoutsink: the writer blocks: %w", context.Cause(ctx))
		}
	}
	s.lines = lines{}
	if s.own != nil {
		_ = s.own.Close() // nothing is buffered in it; a second time it is closed already
	}
	s.release()
	return nil
}
