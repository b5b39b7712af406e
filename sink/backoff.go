package sink

import (
	"math/rand/v2"
	"time"
)

// backoff is the pause before another attempt: from shortest, doubling, to longest,
// spread at random so that many processes do not come back at once.
func backoff(attempt int, shortest, longest time.Duration) time.Duration {
	d := longest
	if attempt < 32 && shortest<<attempt < d && shortest<<attempt > 0 {
		d = shortest << attempt
	}
	return d - rand.N(d/2+1)
}

// pause is the backoff, or, if the sink has asked for one, the pause that it asked for.
func pause(attempt int, after, shortest, longest time.Duration) time.Duration {
	if after > 0 {
		after = min(after, maxRetryAfter)
		return after + rand.N(after/10+1)
	}
	return backoff(attempt, shortest, longest)
}
