package txid_test

import (
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/txid"
)

// keeper is a Recorder that can be kept.
type keeper struct {
	page
	kept atomic.Bool
}

func (k *keeper) Keep()      { k.kept.Store(true) }
func (k *keeper) Kept() bool { return k.kept.Load() }

func TestKeep(t *testing.T) {
	p := propagator(t, nil)
	k := &keeper{}
	s := &txid.Scope{ID: foreign, Recorder: k}
	h := http.Header{}
	if p.Inject(s, 0, h); h.Get(txid.HeaderKeep) != "" || s.Kept() {
		t.Error("kept before anybody asked")
	}
	s.Keep()
	if p.Inject(s, 0, h); h.Get(txid.HeaderKeep) != txid.KeepValue || !s.Kept() {
		t.Errorf("not kept: %v", h)
	}
}

// Nobody has to look whether there is something to keep.
func TestKeepWithoutKeeper(t *testing.T) {
	for name, s := range map[string]*txid.Scope{
		"no scope": nil, "no recorder": {}, "a recorder that can not": {Recorder: page("GET /")},
	} {
		s.Keep()
		if s.Kept() {
			t.Errorf("%s: kept", name)
		}
	}
}

func TestSampled(t *testing.T) {
	m := txid.NewMinter(nil)
	for _, share := range []float64{0.01, 0.1, 0.5} {
		const n = 20_000
		in := 0
		for range n {
			id := m.New()
			if id.Sampled(share) {
				in++
				if !id.Sampled(share * 1.5) {
					t.Fatalf("%s is in a sample of %v and not in a larger one", id, share)
				}
			}
			if id.Sampled(0) || id.Sampled(-1) || id.Sampled(math.NaN()) || !id.Sampled(1) || !id.Sampled(2) {
				t.Fatalf("%s: none or all", id)
			}
		}
		// Six standard deviations.
		if d := math.Abs(float64(in) - n*share); d > 6*math.Sqrt(n*share*(1-share)) {
			t.Errorf("%d of %d in a sample of %v", in, n, share)
		}
	}
}

// IDs that differ in a counter alone are spread as well.
func TestSampledOfSimilarIDs(t *testing.T) {
	in := 0
	for i := range 10_000 {
		if txid.ID("order-" + strconv.Itoa(100_000+i)).Sampled(0.1) {
			in++
		}
	}
	if in < 820 || in > 1180 {
		t.Errorf("%d of 10000 in a sample of 0.1", in)
	}
}

// Other programs compute the same: the values, which another program has computed,
// must not change.
func TestSampledIsFixed(t *testing.T) {
	for id, at := range map[txid.ID]float64{
		"0197a3c2-7f10-7b3e-9c41-5d0c00000001": 0.924084040,
		"12345678":                             0.646455007,
	} {
		if id.Sampled(at-1e-8) || !id.Sampled(at+1e-8) {
			t.Errorf("%s does not lie at %v", id, at)
		}
	}
}

func TestSampledAllocatesNothing(t *testing.T) {
	id := txid.ID(foreign)
	if n := testing.AllocsPerRun(100, func() { id.Sampled(0.5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
