package txtrail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/bridge/slogtx"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
	"github.com/txtrail/txtrail/txid"
)

// Trail records one process. It is safe for concurrent use. Make one with [Open]
// at the start of main and close it at the end.
type Trail struct {
	queue      *sink.Queue
	propagator *txid.Propagator
	wrap       func(http.Handler) http.Handler
	outbound   outbound.Options
	client     *http.Client
	logger     *slog.Logger
	config     Config
	journal    *lazyJournal // nil without one
	others     []*other
	opened     atomic.Bool // Open has succeeded
}

// Open starts the recording of a process. The zero Config is a good one.
//
// An error, which wraps [ErrConfig] or the one of the piece concerned, means that
// the configuration can not work. A journal folder that can not be written is not
// such an error: the service must serve. It is said through LogHandler, reported
// through OnError if there is one, tried again, and what can not be kept meanwhile is
// counted in [Trail.Stats]. After an error nothing is left open, and Config.Sinks are
// still the caller's to close.
func Open(c Config) (*Trail, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	t := &Trail{config: c}
	var err error
	if t.propagator, err = c.propagator(); err != nil {
		return nil, err
	}
	ro := c.resource()
	resource, err := sink.NewResource(&ro)
	if err != nil {
		return nil, err
	}

	var qo sink.QueueOptions
	if c.Queue != nil {
		qo = *c.Queue
	}
	if qo.Resource == nil {
		qo.Resource = resource
	}
	if qo.Policy == nil {
		qo.Policy = c.Sanitize
	}
	if qo.Now == nil {
		qo.Now = c.Now
	}
	if qo.OnError == nil {
		qo.OnError = c.OnError
	}
	// The pieces are compiled before the first file is made, and the user's sinks
	// are his until then, so that an error leaves nothing behind.
	sinks, err := t.output(qo)
	if err != nil {
		return nil, err
	}
	others, err := t.beside(qo)
	if err != nil {
		return nil, errors.Join(err, closeAll(sinks))
	}
	if c.AuditSinks && qo.Confirm == nil && len(t.others) > 0 {
		qo.Confirm = shipped(t.others)
	}
	t.queue, err = sink.NewQueue(sink.Fanout(append(sinks, others...)...), &qo)
	if err != nil {
		return nil, errors.Join(err, closeAll(append(sinks, others...)))
	}
	if err := t.compile(); err != nil {
		return nil, errors.Join(err, t.queue.Close(context.Background()))
	}
	t.opened.Store(true)
	t.announce()
	return t, nil
}

// announce says in the log where entries go, since that was chosen from the
// environment. The journal is opened now, so that files of dead processes are taken
// care of, and so that one that can not be is known before the first entry waits
// for it.
func (t *Trail) announce() {
	log := slog.New(t.config.LogHandler)
	if t.journal != nil {
		if _, err := t.journal.open(); err != nil {
			instead := "entries wait in memory until it can"
			if len(t.others) > 0 {
				instead = "until it can, the other sinks get entries from memory alone"
			}
			log.Warn(t.String()+", which can not be opened; "+instead, "error", err)
			t.journal.tell(fmt.Errorf("txtrail: the journal can not be opened; %s: %w", instead, err))
			return
		}
	}
	if t.journal != nil {
		if err := t.journal.unlisted(); err != nil {
			log.Info(t.String()+"; what it was serving is not known when it is killed", "reason", err)
			return
		}
	}
	if t.config.Output == OutputStdout && collected(t.config.env) {
		for _, s := range t.config.Sinks {
			if name := sink.NameOf(s); strings.HasPrefix(name, "cloudlogging:") {
				log.Warn(t.String() + "; the platform takes standard output to Cloud Logging already, so every entry is stored twice: set Output to none, or leave out " + name)
				return
			}
		}
	}
	log.Info(t.String())
}

// output makes the sink that Config.Output asks for. Nothing is written yet.
func (t *Trail) output(qo sink.QueueOptions) ([]sink.Sink, error) {
	c := &t.config
	switch c.Output {
	case OutputJournal:
		var o journalsink.Options
		if c.Journal != nil {
			o = *c.Journal
		}
		if o.Name == "" {
			o.Name = qo.Resource.Service
		}
		if o.Now == nil {
			o.Now = c.Now
		}
		if o.OnError == nil {
			o.OnError = qo.OnError
		}
		t.journal = newLazyJournal(c.Dir, o)
		return []sink.Sink{t.journal}, nil
	case OutputStdout:
		s, err := stdoutsink.New(os.Stdout, c.Stdout)
		if err != nil {
			return nil, err
		}
		return []sink.Sink{s}, nil
	}
	return nil, nil
}

// compile makes what stands on the request path.
func (t *Trail) compile() error {
	c := &t.config
	var mo middleware.Options
	if c.Middleware != nil {
		mo = *c.Middleware
	}
	if mo.Propagator == nil {
		mo.Propagator = t.propagator
	}
	if mo.MaxBody == 0 {
		mo.MaxBody = c.MaxBody
	}
	if mo.Now == nil {
		mo.Now = c.Now
	}
	if mo.OnError == nil {
		mo.OnError = c.OnError
	}
	if mo.Skip == nil {
		mo.Skip = middleware.SkipNoise
	}
	mo.Audit = mo.Audit || c.asleep
	if mo.InFlight == nil && t.journal != nil && c.InFlightSlots >= 0 {
		list := &lazyInFlight{}
		t.journal.inFlight = list
		t.journal.listing = journalsink.InFlightOptions{Resource: t.queue.Resource(), Slots: c.InFlightSlots, OnDisk: c.InFlightOnDisk}
		mo.InFlight = list
	}
	var err error
	if t.wrap, err = middleware.New(t.queue, &mo); err != nil {
		return err
	}

	if c.Outbound != nil {
		t.outbound = *c.Outbound
	}
	if t.outbound.Propagator == nil {
		t.outbound.Propagator = t.propagator
	}
	if t.outbound.MaxBody == 0 {
		t.outbound.MaxBody = c.MaxBody
	}
	if t.outbound.Now == nil {
		t.outbound.Now = c.Now
	}
	if t.outbound.OnError == nil {
		t.outbound.OnError = c.OnError
	}
	if t.client, err = outbound.NewClient(t.queue, &t.outbound); err != nil {
		return err
	}

	handler, err := slogtx.New(c.LogHandler, t.queue, nil)
	if err != nil {
		return err
	}
	t.logger = slog.New(handler)
	return nil
}

// Handler returns h with every request recorded, but for static files and health
// checks: set Config.Middleware.Skip to choose otherwise, to a function that returns
// false for all of them.
func (t *Trail) Handler(h http.Handler) http.Handler { return t.wrap(h) }

// Client returns a client whose calls are recorded and, to allowed hosts, carry
// the txid of their context. It sets limits for dialing, TLS and the wait for
// response headers; see [outbound.NewClient]. It is one client for all callers.
func (t *Trail) Client() *http.Client { return t.client }

// Wrap returns a copy of c, with its Jar, CheckRedirect and Timeout, whose calls are
// recorded; see [outbound.Wrap].
func (t *Trail) Wrap(c *http.Client) (*http.Client, error) {
	return outbound.Wrap(c, t.queue, &t.outbound)
}

// Transport returns base with every call recorded; nil means a copy of
// [http.DefaultTransport]. It sets no limits.
func (t *Trail) Transport(base http.RoundTripper) (http.RoundTripper, error) {
	return outbound.NewTransport(base, t.queue, &t.outbound)
}

// Logger returns a logger whose lines carry the txid of their context and stand in
// the scenario too. Use its Context methods: InfoContext, ErrorContext.
func (t *Trail) Logger() *slog.Logger { return t.logger }

// Start begins a scenario that no request asked for, such as a cron job's: the
// calls and log lines made with the returned context belong to it.
func (t *Trail) Start(ctx context.Context) context.Context {
	now := time.Now
	if t.config.Now != nil {
		now = t.config.Now
	}
	return txid.NewContext(ctx, t.propagator.Start(now()))
}

// Propagator extracts and injects scopes, for messages that are not HTTP.
func (t *Trail) Propagator() *txid.Propagator { return t.propagator }

// Queue is where entries wait, for bridges and adapters.
func (t *Trail) Queue() *sink.Queue { return t.queue }

// Stats says what became of the entries so far: delivered ones have been written to
// the journal, or what else Output says.
func (t *Trail) Stats() sink.Stats { return t.queue.Stats() }

// SinkStats says what became of them at each of Config.Sinks, in their order. It is
// empty where a single sink stands alone, for which Stats speaks. Where there is no
// journal, only what [sink.Stats] has is filled in, and Name. What went to a sink from
// memory, as long as the journal could not be opened, is counted with the rest.
func (t *Trail) SinkStats() []sink.ShipStats {
	var all []sink.ShipStats
	for _, o := range t.others {
		all = append(all, o.stats())
	}
	return all
}

// VisitMetrics implements [sink.Metered]: the figures of the queue and of each of
// Config.Sinks, with the label "sink".
func (t *Trail) VisitMetrics(visit func(sink.Metric)) {
	t.queue.VisitMetrics(visit)
	for _, o := range t.others {
		o.visit(visit)
	}
}

// Flush returns when everything recorded before the call has been written, to each
// of Config.Sinks too, or ctx ends. Where another process of the same name ships for
// one of them it waits for that one; the error then wraps [sink.ErrHeld].
func (t *Trail) Flush(ctx context.Context) error {
	return errors.Join(t.queue.Flush(ctx), shipped(t.others).Flush(ctx))
}

// Close writes what is waiting, within ctx, and closes the sinks. Call it after
// the servers have shut down: a request that ends later is counted as dropped. What
// the journal has and a sink did not take any more goes on at the next start: the error
// wraps [sink.ErrLeft] then. The lines that end a program at SIGTERM so are in the
// example.
//
// If ctx has no deadline, what waits in memory is given up, counted as [sink.DropClosed],
// when a sink or the journal has failed five times in a row, and for five seconds: see
// [sink.Queue.Close].
//
// It returns at most 0.3 s after ctx has ended where a single sink stands alone, 0.55 s
// where several do, and 0.6 s with a journal, even if a sink hangs (0.9 s if the folder could
// not be written meanwhile): [sink.Queue.CloseGrace] of [Trail.Queue] says it. What looks
// at its context ends sooner.
func (t *Trail) Close(ctx context.Context) error { return t.queue.Close(ctx) }

// String says in a line where the entries go. Open logs it.
func (t *Trail) String() string {
	c := &t.config
	where := string(c.Output)
	if c.Output == OutputJournal {
		where = "the journal in " + c.Dir
	}
	if n := len(c.Sinks); n > 0 {
		where += fmt.Sprintf(" and %d more", n)
	}
	if c.asleep {
		where += ", before ServeHTTP returns"
	}
	return fmt.Sprintf("txtrail: %s writes to %s", t.queue.Resource().Service, where)
}
