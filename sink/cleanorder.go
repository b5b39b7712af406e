package sink

import (
	"math"
	"slices"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// fewHeaders is how many fields are sorted by counting. Requests of browsers have fewer;
// a hostile one's two hundred must not take quadratic time.
const fewHeaders = 32

// A sorter puts header fields in the order of their names, those of one name in theirs.
//
// They come out of a map, in another order each time, and a processor guesses half of the
// comparisons of such a list wrong, which costs more than all else. So each is compared
// with each, by numbers and without a branch; how many come before it is its place.
type sorter struct {
	leads [fewHeaders]uint64
	ranks [fewHeaders]uint8
	moved [fewHeaders]entry.Header
}

func (s *sorter) sort(hs []entry.Header) {
	n := len(hs)
	if n < 2 {
		return
	}
	if n > fewHeaders {
		slices.SortStableFunc(hs, byName)
		return
	}
	for i := range hs {
		s.leads[i] = lead(hs[i].Name)
	}
	ties := s.rank(n)
	for i, h := range s.moved[:copy(s.moved[:], hs)] {
		hs[s.ranks[i]&(fewHeaders-1)] = h
	}
	if ties {
		// Those that begin alike stand together, as they came.
		for i := 1; i < n; i++ {
			for k := i; k > 0 && lead(hs[k].Name) == lead(hs[k-1].Name) && byName(hs[k], hs[k-1]) < 0; k-- {
				hs[k], hs[k-1] = hs[k-1], hs[k]
			}
		}
	}
}

// rank counts for each of n leads how many come before it, and reports whether two are the
// same.
func (s *sorter) rank(n int) (ties bool) {
	leads, ranks := s.leads[:n], s.ranks[:n]
	same := uint8(0)
	for i, own := range leads {
		before := uint8(0)
		ranks := ranks[:i]
		for k, other := range leads[:i] {
			after, equal := uint8(0), uint8(0)
			if other > own {
				after = 1
			}
			if other == own {
				equal = 1
			}
			ranks[k] += after
			before += 1 - after
			same |= equal
		}
		s.ranks[i] = before
	}
	return same != 0
}

// forget lets go of the fields sorted last.
func (s *sorter) forget() { clear(s.moved[:]) }

// lead returns a number that orders names by what they begin with, as far as that goes.
func lead(name string) uint64 {
	n := len(name)
	switch {
	case n >= 8:
		v := high32(name)<<32 | high32(name[4:])
		if v == cutLead && name == entry.CutHeader {
			return math.MaxUint64
		}
		return v
	case n >= 4: // two halves that may overlap
		return high32(name)<<32 | high32(name[n-4:])<<(64-8*n)
	}
	var v uint64
	for i := range n {
		v |= uint64(name[i]) << (56 - 8*i)
	}
	return v
}

func high32(s string) uint64 {
	return uint64(s[0])<<24 | uint64(s[1])<<16 | uint64(s[2])<<8 | uint64(s[3])
}

// cutLead is what entry.CutHeader begins with.
var cutLead = high32(entry.CutHeader)<<32 | high32(entry.CutHeader[4:])

// byName orders header fields. That which says that some are missing is the last.
func byName(a, b entry.Header) int {
	if aCut, bCut := a.Name == entry.CutHeader, b.Name == entry.CutHeader; aCut != bCut {
		if aCut {
			return 1
		}
		return -1
	}
	return strings.Compare(a.Name, b.Name)
}
