package fibertx

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// LabelClientError is the label that holds an error which was answered by a 4xx: it
// says what was wrong with the request, and is no failure of the server's.
const LabelClientError = "client_error"

// New returns a middleware that records into q. Nil opts mean the defaults; they are
// copied. The error wraps [middleware.ErrOptions] and names the field.
func New(q *sink.Queue, opts *Options) (fiber.Handler, error) {
	o, err := opts.compile(q)
	if err != nil {
		return nil, err
	}
	return (&config{Options: o, queue: q}).handle, nil
}

// config is immutable.
type config struct {
	Options
	queue *sink.Queue
}

// exchangeKey is where a request's exchange lies among fasthttp's user values.
type exchangeKey struct{}

func (cfg *config) handle(c fiber.Ctx) error {
	if c.RequestCtx().UserValue(exchangeKey{}) != nil {
		return c.Next() // applied twice
	}
	r := newRequest(c)
	x := &exchange{config: cfg, start: cfg.Now(), method: r.Method, path: pathOf(r), referer: refererPath(r.Header.Get("Referer"))}
	x.scope = cfg.extract(r, x.start)
	if !cfg.skip(r) {
		x.begin(c, r)
		x.scope.Recorder = x
		if x.mayAsk(r) {
			x.Keep()
		}
	} else if x.scope.EntryPage == "" && x.scope.Origin == txid.OriginMinted {
		x.scope.EntryPage = x.method + " " + boundPath(x.path, entry.MaxWord)
	}
	x.ctx = txid.NewContext(c.Context(), x.scope)
	c.SetContext(x.ctx)
	c.RequestCtx().SetUserValue(exchangeKey{}, x)
	return x.serve(c)
}

// serve runs the handlers and lets a panic go on with the identical value.
func (x *exchange) serve(c fiber.Ctx) error {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			x.finish(c, outcome{value: v, stack: stack()})
			panic(v)
		}
		x.finish(c, outcome{goexit: true})
	}()
	err := c.Next()
	timedOut := c.RequestCtx().LastTimeoutErrorResponse() != nil
	left := err
	if err != nil && !timedOut {
		// As fiber does at the end.
		if c.App().ErrorHandler(c, err) != nil {
			_ = c.SendStatus(fiber.StatusInternalServerError)
		}
		left = nil
	}
	returned = true
	x.finish(c, outcome{err: err, timedOut: timedOut})
	return left
}

// NotePanic records a panic that fiber's recover middleware has recovered behind the
// adapter; it is for the StackTraceHandler of its configuration. Without the adapter
// it does nothing.
func NotePanic(c fiber.Ctx, v any) {
	if x, ok := c.RequestCtx().UserValue(exchangeKey{}).(*exchange); ok && v != nil {
		x.setPanic(v, stack())
	}
}

// extract reads the scope. A panic of the user's Trust counts as mistrust.
func (cfg *config) extract(r *http.Request, now time.Time) (s *txid.Scope) {
	defer func() {
		if v := recover(); v != nil {
			cfg.report("Trust", v)
			s = cfg.Propagator.Extract(r.Header, now)
			s.ID, s.Origin, s.Parent = cfg.Propagator.Minter().At(now), txid.OriginMinted, 0
			s.Refused = "caller not trusted: Trust panicked"
		}
	}()
	return cfg.Propagator.ExtractRequest(r, now)
}

func (cfg *config) skip(r *http.Request) (skipped bool) {
	if cfg.Skip == nil {
		return false
	}
	defer func() {
		if v := recover(); v != nil {
			cfg.report("Skip", v)
			skipped = false
		}
	}()
	return cfg.Skip(r)
}

func (cfg *config) link(id txid.ID) (url string) {
	defer func() {
		if v := recover(); v != nil {
			cfg.report("ErrorLink", v)
			url = ""
		}
	}()
	return cfg.ErrorLink(id)
}

// report tells OnError that one of the user's functions panicked.
func (cfg *config) report(which string, v any) {
	defer func() { _ = recover() }() // OnError was the last one to tell
	text := words(v)
	if text == "" {
		text = fmt.Sprintf("a value of type %T", v)
	}
	cfg.OnError(fmt.Errorf("fibertx: %s panicked: %s", which, bound(text, entry.MaxMessage)))
}
