package soak

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"runtime/pprof"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	soakFor    = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")
	goroutines = flag.Int("goroutines", 8, "how many users TestSoak has")
	rate       = flag.Float64("rate", 120, "what all users together do in a second, at most")
	rounds     = flag.Int("rounds", 0, "into how many rounds the time is divided (default one in 20 s, at least 8)")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What memory may climb over the whole run, in bytes. It is a bound on noise: over
// half an hour, hundreds of thousands of exchanges, a leak of ten bytes in each shows.
const (
	mayClimb         = 2 << 20
	mayClimbResident = 8 << 20
)

func TestSoak(t *testing.T) {
	s := newService(t)
	defer s.close(t)
	u, err := newUsers(s)
	if err != nil {
		t.Fatal(err)
	}
	n := *rounds
	if n <= 0 {
		n = max(8, int(*soakFor/(20*time.Second)))
	}
	// The first tenth fills pools, caches and the journal's folder, and says what is
	// there for good.
	warm := max(2, n/10)
	each := *soakFor / time.Duration(n)
	begin, used := time.Now(), cpuTime()

	u.burst(t.Context())
	var samples []sample
	for round := range n {
		ctx, cancel := context.WithTimeout(t.Context(), each)
		u.run(ctx, *goroutines, *rate, uint64(round))
		cancel()
		s.accounts(t, u)
		var now sample
		if rest := func() { s.quiet(t, u) }; round < warm {
			now = stable(rest) // it is not known yet what there is at rest
		} else {
			first := samples[warm-1]
			now = settle(rest, first.goroutines, first.descriptors)
		}
		samples = append(samples, now)
		if *soakFor >= time.Minute {
			t.Logf("%v, %d operations: %v", time.Since(begin).Round(time.Second), u.done.Load(), now)
		}
		if t.Failed() {
			break
		}
	}
	took := time.Since(begin)
	t.Logf("%d operations, %d requests, %d connections taken over, %d calls in %v, %.0f %% of one processor; %+v", u.done.Load(), s.handled.Load(),
		s.hijacked.Load(), u.calls(), took.Round(time.Millisecond), 100*float64(cpuTime()-used)/float64(took), s.trail.Stats())
	judge(t, samples[min(warm, len(samples)-1):])
}

// quiet closes what idles, and has everything written.
func (s *service) quiet(t *testing.T, u *users) {
	t.Helper()
	u.rest()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.trail.Flush(ctx); err != nil {
		t.Fatalf("flushing the trail: %v", err)
	}
}

// accounts compares what happened with what was told of it, when the last handlers have
// noticed that their clients have gone.
func (s *service) accounts(t *testing.T, u *users) {
	t.Helper()
	u.wrong.Range(func(_, err any) bool {
		t.Error(err)
		return true
	})
	var wrong []string
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		s.quiet(t, u)
		if wrong = s.differences(u); len(wrong) == 0 {
			return
		}
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// differences says what is not told of as it happened.
func (s *service) differences(u *users) (wrong []string) {
	for _, c := range []struct {
		what string
		told int64
		want int64
	}{
		{"requests", s.told[toldServer].Load(), s.handled.Load()},
		{"calls", s.told[toldClient].Load(), u.calls()},
		{"faults of the trail itself", s.faults.Load(), 0},
		{"entries of other kinds", s.told[toldOther].Load(), 0},
	} {
		if c.told != c.want {
			wrong = append(wrong, fmt.Sprintf("%s: %d were told of, want %d", c.what, c.told, c.want))
		}
	}
	// Each connection that was taken over has one entry, and two where both sides of it
	// are recorded.
	if told, taken := s.told[toldStream].Load(), s.hijacked.Load(); told < taken || told > 2*taken {
		wrong = append(wrong, fmt.Sprintf("%d lives of connections were told of, want %d to %d", told, taken, 2*taken))
	}
	st := s.trail.Stats()
	if st.Captured != st.Delivered || st.DroppedTotal() != 0 || st.Unclean != 0 {
		wrong = append(wrong, fmt.Sprintf("at rest, not all is delivered: %+v", st))
	}
	return wrong
}

// judge wants nothing to have grown from the first sample to the last.
func judge(t *testing.T, samples []sample) {
	t.Helper()
	first, last := samples[0], samples[len(samples)-1]
	t.Logf("first: %v", first)
	t.Logf("last:  %v", last)
	if last.goroutines > first.goroutines {
		var b bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
		t.Errorf("%d goroutines at the end, %d at the start:\n%s", last.goroutines, first.goroutines, &b)
	}
	if last.descriptors > first.descriptors {
		t.Errorf("%d descriptors at the end, %d at the start", last.descriptors, first.descriptors)
	}
	for _, m := range []struct {
		what string
		of   func(sample) int64
		may  int64
	}{
		{"heap in use", func(s sample) int64 { return s.heap }, mayClimb},
		{"pages of the heap in use", func(s sample) int64 { return s.spans }, 2 * mayClimb},
		{"resident", func(s sample) int64 { return s.resident }, mayClimbResident},
	} {
		var values []int64
		for _, s := range samples {
			values = append(values, m.of(s))
		}
		up := climb(values)
		if raceEnabled && m.what == "resident" {
			t.Logf("resident climbs by %d KB, the race detector's memory included, which is not judged", up>>10)
			continue
		}
		t.Logf("%s climbs by %d KB over %d samples", m.what, up>>10, len(values))
		if up > m.may {
			t.Errorf("%s climbs by %d KB, want at most %d: %v", m.what, up>>10, m.may>>10, values)
		}
	}
}
