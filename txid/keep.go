package txid

import "math"

// HeaderKeep asks, with the value "1", that what belongs to this scenario be kept
// in full, whatever a strategy would leave out. On a response it tells the caller
// that something has failed, here or further down; on a request it tells the server
// that something has failed before. It is best effort: what was left out by then is
// gone. Who may ask is the receiver's setting, since keeping costs.
const HeaderKeep = "X-Transaction-Keep"

// KeepValue is the value of [HeaderKeep].
const KeepValue = "1"

// Keeper is what a [Recorder] may be besides: one that a strategy may leave out, and
// that can be asked not to. Both methods are safe for concurrent use.
type Keeper interface {
	// Keep asks that the exchange be kept in full, and all calls made for it that
	// have not ended yet.
	Keep()
	// Kept reports whether that has been asked for, or the exchange has failed.
	Kept() bool
}

// Keep asks that the exchange being recorded under s, and the calls made for it, be
// kept in full: a client does so that gets [HeaderKeep] from a host that may ask.
// Without an exchange that can be kept it does nothing. Safe for concurrent use; a
// nil s is allowed.
func (s *Scope) Keep() {
	if s == nil {
		return
	}
	if k, ok := s.Recorder.(Keeper); ok {
		k.Keep()
	}
}

// Kept reports whether what belongs to s is to be kept in full. It may become true
// while the exchange goes on, and never false again.
func (s *Scope) Kept() bool {
	if s == nil {
		return false
	}
	k, ok := s.Recorder.(Keeper)
	return ok && k.Kept()
}

// Sampled reports whether the scenario is in a sample of the given share: 0 is none
// and 1 is all of them. It depends on nothing but the ID, so that all hops of a
// scenario decide alike, and a scenario in a smaller sample is in every larger one.
//
// The rule, for programs in other languages: FNV-1a of the ID's bytes, 64 bits,
// mixed by MurmurHash3's 64-bit finalizer; the scenario is sampled when the upper
// 53 bits of that, as a fraction of 2^53, are below share.
func (id ID) Sampled(share float64) bool {
	h := uint64(0xcbf29ce484222325)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	// A share that is no number samples nothing: no comparison with it is true.
	return math.Ldexp(float64(h>>11), -53) < share
}
