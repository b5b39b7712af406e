package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/middleware/conformance"
)

// outcome is what became of a contestant.
type outcome struct {
	name    string
	must    bool // pass everything
	results []conformance.Result
}

func (o *outcome) failed() int {
	n := 0
	for _, r := range o.results {
		if !r.Passed() {
			n++
		}
	}
	return n
}

// shown are the contestants, by their slugs, and their names here. The ways to the
// journal and to the discarding sink are the same on the request's path.
func shown() []outcome {
	return []outcome{
		{name: "nothing", must: true},
		{name: "txtrail", must: true},
		{name: "otelhttp"},
		{name: "httplog v3"},
		{name: "an afternoon's"},
	}
}

func slug(name string) string {
	return map[string]string{
		"nothing": contestant.Bare, "txtrail": contestant.Journal, "otelhttp": contestant.Otel,
		"httplog v3": contestant.Httplog, "an afternoon's": contestant.Naive,
	}[name]
}

// examineAll runs both sides of the suite on each contestant of all, whose results it
// fills in.
func examineAll(ctx context.Context, all []outcome, o *conformance.CheckOptions, stderr io.Writer) error {
	for i := range all {
		start := time.Now()
		served, err := examine(contestant.Servers(), slug(all[i].name), func(wrap func(http.Handler) http.Handler) ([]conformance.Result, error) {
			return conformance.Check(ctx, wrap, o)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", all[i].name, err)
		}
		called, err := examine(contestant.Transports(), slug(all[i].name), func(wrap func(http.RoundTripper) http.RoundTripper) ([]conformance.Result, error) {
			return conformance.CheckTransport(ctx, wrap, o)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", all[i].name, err)
		}
		all[i].results = append(served, called...)
		_, _ = fmt.Fprintf(stderr, "%s: %d of %d failed, %v\n", all[i].name, all[i].failed(), len(all[i].results), time.Since(start).Round(time.Second))
	}
	return nil
}

// examine runs check on the contestant of that slug, if there is one on this side.
func examine[T any](all []contestant.Contestant[T], slug string, check func(wrap func(T) T) ([]conformance.Result, error)) (results []conformance.Result, err error) {
	i := slices.IndexFunc(all, func(c contestant.Contestant[T]) bool { return c.Slug == slug })
	if i < 0 {
		return nil, nil
	}
	s := &starter[T]{start: all[i].Start}
	defer func() { err = errors.Join(err, s.stop()) }()
	return check(s.wrap)
}

// starter starts a contestant for every server that a case starts.
type starter[T any] struct {
	start func(T) (*contestant.Running[T], error)

	mu      sync.Mutex
	running []*contestant.Running[T]
	errs    []error
}

func (s *starter[T]) wrap(inner T) T {
	r, err := s.start(inner)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.errs = append(s.errs, err)
		return inner // the error is reported in the end
	}
	s.running = append(s.running, r)
	return r.Wrapped
}

func (s *starter[T]) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.running {
		s.errs = append(s.errs, r.Stop(0), r.Clean())
	}
	return errors.Join(s.errs...)
}
