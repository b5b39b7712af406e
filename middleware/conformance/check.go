package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The defaults of [CheckOptions].
const (
	DefaultPatience = 10 * time.Second
	DefaultParallel = 8
)

// ErrCheck is returned, wrapped, by [Check] and [CheckTransport] for arguments that
// can not work.
var ErrCheck = errors.New("conformance: invalid arguments")

// Result is what became of one case.
type Result struct {
	// Protocol is HTTP1, H2 or H2C, as in the names of [Run]'s subtests. It is empty
	// for cases of the client side, which choose it themselves.
	Protocol string
	// Group, Name and Reason are those of the [Case] or [TransportCase].
	Group, Name, Reason string
	// Failures says what was seen instead of what the rule asks for. It is empty where
	// the case passed.
	Failures []string
}

// Passed reports whether the rule held.
func (r Result) Passed() bool { return len(r.Failures) == 0 }

// CheckOptions are for [Check] and [CheckTransport]. Nil means the defaults.
type CheckOptions struct {
	// Patience is how long a case waits for what must come. A case that waits this
	// long has failed, so give a busy machine time. Default [DefaultPatience].
	Patience time.Duration
	// Parallel is how many cases run at once: they wait more than they work.
	// Default [DefaultParallel].
	Parallel int
}

// complete returns a copy with the defaults filled in.
func (o *CheckOptions) complete() (CheckOptions, error) {
	c := CheckOptions{}
	if o != nil {
		c = *o
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Parallel == 0 {
		c.Parallel = DefaultParallel
	}
	if c.Patience < 0 || c.Parallel < 0 {
		return c, fmt.Errorf("%w: Patience %v and Parallel %d, want positive ones, or 0 for the defaults", ErrCheck, c.Patience, c.Parallel)
	}
	return c, nil
}

// Check is [Run] for those who want the outcome and not a test: it runs every case on
// wrap and returns what became of each, in the order of [Cases], protocol by
// protocol. A case that panics or does not end has failed; a goroutine that hangs in
// wrap is left behind. Canceling ctx ends it early, with ctx's error.
func Check(ctx context.Context, wrap func(http.Handler) http.Handler, o *CheckOptions) ([]Result, error) {
	if wrap == nil {
		return nil, fmt.Errorf("%w: Check needs a middleware, got nil", ErrCheck)
	}
	opts, err := o.complete()
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, p := range allProtocols {
		for _, k := range Cases() {
			if k.runsOver(p) {
				jobs = append(jobs, job{
					Result{Protocol: string(p), Group: k.Group, Name: k.Name, Reason: k.Reason},
					func(t *collector) { k.run(t, p, opts.Patience, wrap) },
				})
			}
		}
	}
	return checkAll(ctx, jobs, opts)
}

// CheckTransport is [RunTransport] for those who want the outcome and not a test. See
// [Check].
func CheckTransport(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper, o *CheckOptions) ([]Result, error) {
	if wrap == nil {
		return nil, fmt.Errorf("%w: CheckTransport needs a wrapper, got nil", ErrCheck)
	}
	opts, err := o.complete()
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, k := range TransportCases() {
		jobs = append(jobs, job{
			Result{Group: k.Group, Name: k.Name, Reason: k.Reason},
			func(t *collector) { k.run(t, opts.Patience, wrap) },
		})
	}
	return checkAll(ctx, jobs, opts)
}

// job is a case to be run.
type job struct {
	result Result
	run    func(t *collector)
}

func checkAll(ctx context.Context, jobs []job, o CheckOptions) ([]Result, error) {
	results := make([]Result, len(jobs))
	slots := make(chan struct{}, o.Parallel)
	var wg sync.WaitGroup
	for i, j := range jobs {
		results[i] = j.result
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() == nil {
				results[i].Failures = examine(ctx, o.Patience, j.result.Reason, j.run)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return results, nil
}
