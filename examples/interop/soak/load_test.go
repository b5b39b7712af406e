package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// users are the clients of a service.
type users struct {
	s     *service
	http  []*http.Client // bare, one for each protocol
	ours  []*http.Client // the same, recorded
	own   []*counted     // what the latter stand on
	urls  []string       // where each of them goes
	done  atomic.Int64
	wrong sync.Map // the first error of each operation
}

func newUsers(s *service) (*users, error) {
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	secure := s.tls.Client().Transport.(*http.Transport)
	u := &users{s: s, urls: []string{s.plain.URL, s.plain.URL, s.tls.URL}}
	for _, base := range []func() *http.Transport{
		func() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 256} },
		func() *http.Transport { return &http.Transport{Protocols: &h2c} },
		secure.Clone,
	} {
		u.http = append(u.http, &http.Client{Transport: base()})
		own := &counted{Transport: base()}
		c, err := s.trail.Wrap(&http.Client{Transport: own})
		if err != nil {
			return nil, err
		}
		u.own, u.ours = append(u.own, own), append(u.ours, c)
	}
	return u, nil
}

// rest closes what idles.
func (u *users) rest() {
	for i := range u.http {
		u.http[i].CloseIdleConnections()
		u.ours[i].CloseIdleConnections()
	}
	u.s.client.CloseIdleConnections()
	// That of the server's own client, which nothing but the certificate is taken from.
	for _, s := range []*httptest.Server{u.s.plain, u.s.tls, u.s.back} {
		s.Client().CloseIdleConnections()
	}
}

// calls is how many calls were made over recorded transports.
func (u *users) calls() int64 {
	n := u.s.base.calls.Load()
	for _, c := range u.own {
		n += c.calls.Load()
	}
	return n
}

// run has n users act until ctx ends, all together at most rate times a second.
func (u *users) run(ctx context.Context, n int, rate float64, seed uint64) {
	var wait sync.WaitGroup
	pause := time.Duration(float64(n) / rate * float64(time.Second))
	for i := range n {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // a mix, and no secret
			next := time.Now().Add(time.Duration(rnd.Int64N(int64(pause))))
			for {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(next)):
				}
				next = next.Add(pause)
				if now := time.Now(); next.Before(now) {
					next = now // behind: no burst to make up for it
				}
				op := operations[rnd.IntN(len(operations))]
				// A round's end does not break an operation off: each ends by itself.
				limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
				err := op.do(limited, u, rnd)
				cancel()
				u.done.Add(1)
				if err != nil {
					u.wrong.LoadOrStore(op.name, fmt.Errorf("%s: %w", op.name, err))
				}
			}
		})
	}
	wait.Wait()
}

// burst has many users send large documents at once. The queue's worker and the journal
// keep buffers as large as the largest batch so far, which has a bound: here they reach
// it, so that it is no growth later.
func (u *users) burst(ctx context.Context) {
	var wait sync.WaitGroup
	for i := range 24 { // three megabytes of entries, or six
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(0, uint64(i))) //nolint:gosec // a mix, and no secret
			u.done.Add(1)
			if err := echo(64<<10)(ctx, u, rnd); err != nil {
				u.wrong.LoadOrStore("burst", fmt.Errorf("burst: %w", err))
			}
		})
	}
	wait.Wait()
}
