package slogtx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// DefaultKey is the attribute under which the wrapped handler gets the ID.
const DefaultKey = "txid"

// ErrOptions is returned, wrapped with what was wrong, by [New] for arguments that
// can not work.
var ErrOptions = errors.New("slogtx: invalid options")

// Options configures [New]. Nil means the defaults.
type Options struct {
	// Level is the least level that is recorded as an entry. What the wrapped
	// handler writes is its own business. Default slog.LevelInfo.
	Level slog.Leveler
	// Key names the attribute that the wrapped handler gets. Default "txid".
	Key string
	// Logger is the entries' logger name. Default "".
	Logger string
	// OnlyTransactions leaves lines without a transaction unrecorded. Default
	// false: what a process logs beside its requests is recorded too.
	OnlyTransactions bool
}

// Handler is a [slog.Handler]. It is immutable and safe for concurrent use.
type Handler struct {
	next  slog.Handler // with the attributes given before the first group
	queue *sink.Queue
	opts  Options

	keyed  bool       // an attribute named Key stands at the top level already
	groups []group    // open ones, the outermost first
	flat   attributes // all attributes given so far, by dotted names
}

// group is an open group and the attributes given in it, as next will get them.
type group struct {
	name  string
	attrs []slog.Attr
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that enqueues lines in q and passes them to next. Either
// may be nil, not both.
//
// The attribute with the ID stands at the top level of what next writes, whatever
// groups have been opened on the Handler; groups opened on next before it was
// given here are next's own, and it stands within them. A line that has an
// attribute of that name at the top level keeps its own.
//
// Values that are a slog.LogValuer are resolved once, for next too. What panics
// while it is turned into text is recorded as having panicked.
//
// nil opts are the defaults; the error wraps [ErrOptions].
func New(next slog.Handler, q *sink.Queue, opts *Options) (*Handler, error) {
	if next == nil && q == nil {
		return nil, fmt.Errorf("%w: neither a handler nor a queue is given, want one or both", ErrOptions)
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Key == "" {
		o.Key = DefaultKey
	}
	if len(o.Logger) > entry.MaxWord {
		return nil, fmt.Errorf("%w: Logger has %d bytes, want at most %d", ErrOptions, len(o.Logger), entry.MaxWord)
	}
	return &Handler{next: next, queue: q, opts: o}, nil
}

// Enabled reports whether the line would be written or recorded.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.records(ctx, level) || h.next != nil && h.next.Enabled(ctx, level)
}

// records reports whether a line becomes an entry. Our own lines do not: an error
// of the queue that is logged must not be enqueued in it, and fail, and be logged.
func (h *Handler) records(ctx context.Context, level slog.Level) bool {
	if h.queue == nil || level < h.opts.Level.Level() || sink.Unrecorded(ctx) {
		return false
	}
	if h.opts.OnlyTransactions {
		_, ok := txid.FromContext(ctx)
		return ok
	}
	return true
}

// WithAttrs returns a Handler that adds attrs to each line.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	attrs = resolveAll(attrs)
	c := *h
	c.flat = h.flat.clone()
	c.flat.add(h.prefix(), attrs)
	if len(h.groups) == 0 {
		c.keyed = h.keyed || hasKey(attrs, h.opts.Key)
		if h.next != nil {
			c.next = h.next.WithAttrs(attrs)
		}
		return &c
	}
	c.groups = append([]group(nil), h.groups...)
	last := &c.groups[len(c.groups)-1]
	last.attrs = append(last.attrs[:len(last.attrs):len(last.attrs)], attrs...)
	return &c
}

// WithGroup returns a Handler that puts what follows into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(h.groups[:len(h.groups):len(h.groups)], group{name: name})
	return &c
}

// prefix is what the open groups put before an attribute's name.
func (h *Handler) prefix() string {
	p := ""
	for i := range h.groups {
		p += h.groups[i].name + "."
	}
	return p
}

// Handle enqueues the line, if it is to be recorded, and passes it to the wrapped
// handler, whose error it returns. Enqueueing never blocks and never fails the
// line.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, resolve(a, 0))
		return true
	})
	scope, _ := txid.FromContext(ctx)
	if h.records(ctx, r.Level) {
		h.queue.Enqueue(h.entry(scope, &r, attrs))
	}
	if h.next == nil || !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	keyed := h.keyed || len(h.groups) == 0 && hasKey(attrs, h.opts.Key)
	if scope != nil && scope.ID != "" && !keyed {
		out.AddAttrs(slog.String(h.opts.Key, string(scope.ID)))
	}
	out.AddAttrs(h.nest(attrs)...)
	return h.next.Handle(ctx, out)
}

// nest puts attrs into the open groups. The groups are values of the record: had
// they been opened on the wrapped handler, the ID would stand in them too.
func (h *Handler) nest(attrs []slog.Attr) []slog.Attr {
	for i := len(h.groups) - 1; i >= 0; i-- {
		g := &h.groups[i]
		all := append(g.attrs[:len(g.attrs):len(g.attrs)], attrs...)
		attrs = []slog.Attr{{Key: g.name, Value: slog.GroupValue(all...)}}
	}
	return attrs
}

// entry makes the entry of a line. Everything in it is its own: the queue's
// worker will change it.
func (h *Handler) entry(scope *txid.Scope, r *slog.Record, attrs []slog.Attr) *entry.Entry {
	flat := h.flat.clone()
	flat.add(h.prefix(), attrs)
	e := &entry.Entry{
		Time:       r.Time,
		Severity:   severity(r.Level),
		Kind:       entry.KindLog,
		Message:    entry.Cut(r.Message, entry.MaxMessage),
		Logger:     h.opts.Logger,
		Attributes: flat.labels(),
		Source:     source(r.PC),
	}
	if scope != nil {
		e.TxID = scope.ID
		e.Parent = scope.Span
		e.Trace = scope.Trace
		e.Facts = entry.FactsOf(scope)
	}
	return e
}

// severity maps levels as Google's libraries do, with the names that slog leaves
// room for between its own.
func severity(l slog.Level) entry.Severity {
	switch {
	case l >= 20:
		return entry.SeverityEmergency
	case l >= 16:
		return entry.SeverityAlert
	case l >= 12:
		return entry.SeverityCritical
	case l >= slog.LevelError:
		return entry.SeverityError
	case l >= slog.LevelWarn:
		return entry.SeverityWarning
	case l >= 2:
		return entry.SeverityNotice
	case l >= slog.LevelInfo:
		return entry.SeverityInfo
	}
	return entry.SeverityDebug
}

func source(pc uintptr) entry.Source {
	if pc == 0 {
		return entry.Source{}
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return entry.Source{File: f.File, Line: f.Line, Function: f.Function}
}
