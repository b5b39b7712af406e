package cloudloggingquery

import (
	"context"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/txtrail/txtrail/query"
)

// What a keeper holds at most. An answer of more bytes is not kept.
const (
	maxKept      = 64
	maxKeptBytes = 16 << 20
)

// keeper gives an answer again for a moment: a page that shows a story, then a row of
// it, then a body, asks the same thing three times. Two who ask at once wait for one
// answer.
type keeper struct {
	ttl time.Duration

	mu      sync.Mutex
	answers map[string]*kept
	asking  map[string]chan struct{}
	from    time.Time // edges
	to      time.Time
	edgesAt time.Time
}

type kept struct {
	at     time.Time
	result *query.Result
}

func (k *keeper) answer(ctx context.Context, question string, ask func() (*query.Result, error)) (*query.Result, error) {
	if k.ttl < 0 {
		return ask()
	}
	for {
		k.mu.Lock()
		if a := k.answers[question]; a != nil && time.Since(a.at) < k.ttl {
			k.mu.Unlock()
			return shallow(a.result), nil
		}
		other := k.asking[question]
		if other == nil {
			if k.asking == nil {
				k.asking, k.answers = map[string]chan struct{}{}, map[string]*kept{}
			}
			mine := make(chan struct{})
			k.asking[question] = mine
			k.mu.Unlock()
			r, err := ask()
			k.mu.Lock()
			delete(k.asking, question)
			if err == nil {
				k.store(question, r)
			}
			k.mu.Unlock()
			close(mine)
			if err != nil {
				return nil, err
			}
			return shallow(r), nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// store keeps an answer; k.mu is held.
func (k *keeper) store(question string, r *query.Result) {
	now, oldest := time.Now(), ""
	for q, a := range k.answers {
		if now.Sub(a.at) >= k.ttl {
			delete(k.answers, q)
		} else if oldest == "" || a.at.Before(k.answers[oldest].at) {
			oldest = q
		}
	}
	if len(k.answers) >= maxKept {
		delete(k.answers, oldest)
	}
	bytes := 0
	for _, e := range r.Entries {
		bytes += len(e.Line()) + 500
	}
	if bytes <= maxKeptBytes && len(r.Warnings) == 0 {
		k.answers[question] = &kept{now, r}
	}
}

// shallow is a copy whose lists the asker may change.
func shallow(r *query.Result) *query.Result {
	c := *r
	c.Entries, c.Warnings = slices.Clone(r.Entries), slices.Clone(r.Warnings)
	return &c
}

// edges keeps the oldest and newest time that there is for a minute.
func (k *keeper) edges(ask func() (from, to time.Time, err error)) (from, to time.Time, err error) {
	k.mu.Lock()
	from, to = k.from, k.to
	fresh := k.ttl >= 0 && !k.edgesAt.IsZero() && time.Since(k.edgesAt) < time.Minute
	k.mu.Unlock()
	if fresh {
		return from, to, nil
	}
	if from, to, err = ask(); err != nil {
		return from, to, err
	}
	k.mu.Lock()
	k.from, k.to, k.edgesAt = from, to, time.Now()
	k.mu.Unlock()
	return from, to, nil
}

// first asks for one entry.
func (s *Source) first(filter, order string) *loggingpb.ListLogEntriesRequest {
	return &loggingpb.ListLogEntriesRequest{ResourceNames: s.names, Filter: filter, OrderBy: order, PageSize: 1}
}
