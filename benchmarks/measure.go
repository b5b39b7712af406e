package main

import (
	"errors"
	"runtime"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/contestant"
	"github.com/txtrail/txtrail/benchmarks/internal/cputime"
)

// sample is what one round of a contestant took, per request.
type sample struct {
	path, process time.Duration
	allocs        float64
}

// measure runs a contestant around inner. start returns what serves one request.
func measure[T any](c contestant.Contestant[T], inner T, start func(T) func() error, requests, batch int) (s sample, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := c.Start(inner)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Clean()) }()
	serve := start(r.Wrapped)
	warm := min(batch, requests)
	for range warm { // pools, maps and branches warm up
		if err := serve(); err != nil {
			return s, err
		}
	}
	if err := r.Settle(); err != nil {
		return s, err
	}
	runtime.GC()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	process, err := cputime.Process()
	if err != nil {
		return s, err
	}
	var path time.Duration
	for served := 0; served < requests; {
		n := min(batch, requests-served)
		took, err := onPath(serve, n)
		if err != nil {
			return s, err
		}
		path += took
		served += n
		if err := r.Settle(); err != nil {
			return s, err
		}
	}
	if err := r.Stop(int64(requests + warm)); err != nil {
		return s, err
	}
	end, err := cputime.Process()
	if err != nil {
		return s, err
	}
	runtime.ReadMemStats(&after)
	n := time.Duration(requests)
	return sample{
		path:    path / n,
		process: (end - process) / n,
		allocs:  float64(after.Mallocs-before.Mallocs) / float64(requests),
	}, nil
}

// onPath is the thread's time for n requests.
func onPath(serve func() error, n int) (time.Duration, error) {
	start, err := cputime.Thread()
	if err != nil {
		return 0, err
	}
	for range n {
		if err := serve(); err != nil {
			return 0, err
		}
	}
	end, err := cputime.Thread()
	return end - start, err
}
