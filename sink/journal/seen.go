package journalsink

import "hash/maphash"

// seenKeep is how many insertIds are remembered at least. An entry that is in the
// folder twice was written again after a failed write, seconds later, so its twin is
// near.
const seenKeep = 1 << 18

// seen remembers insertIds by a 64-bit hash, in two generations, so that its memory
// is bounded (some 20 MB) however long a reader runs.
type seen struct {
	seed     maphash.Seed
	now, old map[uint64]struct{}
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), now: make(map[uint64]struct{})}
}

// again reports whether id was given before. The empty one never was.
func (s *seen) again(id string) bool {
	if id == "" {
		return false
	}
	h := maphash.String(s.seed, id)
	if _, ok := s.now[h]; ok {
		return true
	}
	if _, ok := s.old[h]; ok {
		return true
	}
	if len(s.now) >= seenKeep {
		s.old, s.now = s.now, make(map[uint64]struct{})
	}
	s.now[h] = struct{}{}
	return false
}
