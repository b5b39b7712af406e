package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/txtrail/txtrail/benchmarks/internal/workload"
)

// driver sends a case's requests to url over some connections for a while.
type driver func(ctx context.Context, url string, k *workload.Case, conns int, d time.Duration) (driven, error)

// driven is what a driver saw.
type driven struct {
	p99      time.Duration // 0 where nothing was answered
	answered int64
}

// driverNamed returns the driver, if it can drive for d.
func driverNamed(name string, d time.Duration) (driver, error) {
	switch name {
	case "own":
		return own, nil
	case "wrk":
		if d%time.Second != 0 {
			return nil, fmt.Errorf("-time is %v, and wrk takes whole seconds", d)
		}
		return wrk, nil
	}
	return nil, fmt.Errorf("-driver is %q, want wrk or own", name)
}

// own is a plain client, for warming up and where there is no wrk. It checks every
// answer.
func own(ctx context.Context, url string, k *workload.Case, conns int, d time.Duration) (driven, error) {
	tr := &http.Transport{MaxIdleConnsPerHost: conns, DisableCompression: true}
	defer tr.CloseIdleConnections()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		times []time.Duration
		errs  []error
	)
	end := time.Now().Add(d)
	for range conns {
		wg.Go(func() {
			var mine []time.Duration
			var err error
			for err == nil && time.Now().Before(end) {
				start := time.Now()
				if err = exchange(ctx, tr, url, k); err == nil {
					mine = append(mine, time.Since(start))
					time.Sleep(k.Pause)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			times, errs = append(times, mine...), append(errs, err)
		})
	}
	wg.Wait()
	return driven{percentile(times, 0.99), int64(len(times))}, errors.Join(errs...)
}

// exchange sends one request and reads its answer.
func exchange(ctx context.Context, rt http.RoundTripper, url string, k *workload.Case) error {
	var body io.Reader
	if k.Body != nil {
		body = bytes.NewReader(k.Body)
	}
	r, err := http.NewRequestWithContext(ctx, k.Method, url+workload.Path, body)
	if err != nil {
		return err
	}
	r.Header = header(k)
	resp, err := rt.RoundTrip(r)
	if k.Panics {
		if err == nil {
			_ = resp.Body.Close()
			return fmt.Errorf("a panic was answered with %s", resp.Status)
		}
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (n != k.Size || resp.StatusCode >= 300) {
		err = fmt.Errorf("%s with %d bytes, want %d", resp.Status, n, k.Size)
	}
	return err
}

// header returns the headers of a case's request.
func header(k *workload.Case) http.Header {
	h := workload.Header()
	if k.Body == nil {
		h.Del("Content-Type")
	}
	return h
}

func percentile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(math.Ceil(p*float64(len(times))))-1)]
}
