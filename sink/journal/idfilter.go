package journalsink

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// The filter's section says of a file which txids it can not have, so that a look-up
// over a thousand files opens the few that matter. It is a split-block Bloom filter:
// 256-bit blocks, one cache line's half each, in which a key sets one bit of each of
// eight words (the figures are those of Apache Parquet's filter, whose specification
// gives 0.1 % false positives at 16 bits a key).
//
//	u32 keys, u32 blocks, blocks × 32 bytes
//
// The keys are beginnings of txids, of the lengths in filterLengths: a prefix is
// looked up by its longest beginning of one of these.
const (
	sectionFilter = 3
	filterBits    = 16 // per key
	filterBlock   = 32 // bytes
)

// filterLengths: 8 is what people type, and the length of the shortest txid; 16 of
// a UUIDv7 is its millisecond; 32 tells minted ones apart, and 64 what begins with
// somebody's long names.
var filterLengths = [...]int{8, 16, 32, 64}

// filterSalts are odd numbers that spread a hash over eight words.
var filterSalts = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// idHash is FNV-1a of 64 bits with murmur3's last mixing: FNV alone leaves the upper
// bits of short keys much alike.
func idHash[S string | []byte](s S) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// idFilter is the section, read in place. The zero idFilter excludes nothing.
type idFilter []byte // blocks × 32 bytes

// parseFilter reads the section; the result is a part of it.
func parseFilter(s []byte) (idFilter, error) {
	if len(s) < 8 {
		return nil, fmt.Errorf("%w: the filter's section is too short", ErrIndex)
	}
	if n := int64(binary.LittleEndian.Uint32(s[4:])); n*filterBlock != int64(len(s)-8) {
		return nil, fmt.Errorf("%w: the filter's %d blocks do not fill its section", ErrIndex, n)
	}
	return idFilter(s[8:]), nil
}

// encodeFilter returns the section for txids in ascending order.
func encodeFilter(sorted []string) []byte {
	var hashes []uint64
	for i, id := range sorted {
		common := 0
		if i > 0 {
			common = shared(sorted[i-1], id)
		}
		for _, n := range filterLengths {
			if n <= len(id) && n > common {
				hashes = append(hashes, idHash(id[:n]))
			}
		}
	}
	blocks := max(1, (len(hashes)*filterBits+filterBlock*8-1)/(filterBlock*8))
	out := make([]byte, 8+blocks*filterBlock)
	binary.LittleEndian.PutUint32(out, uint32(len(hashes)))
	binary.LittleEndian.PutUint32(out[4:], uint32(blocks))
	f := idFilter(out[8:])
	for _, h := range hashes {
		b := f.block(h)
		for i, salt := range filterSalts {
			bit := uint32(h) * salt >> 27
			b[4*i+int(bit/8)] |= 1 << (bit % 8)
		}
	}
	return out
}

func (f idFilter) block(h uint64) []byte {
	n, _ := bits.Mul64(h>>32<<32, uint64(len(f)/filterBlock))
	return f[n*filterBlock:][:filterBlock:filterBlock]
}

// mayHave reports whether a key with this hash may be there.
func (f idFilter) mayHave(h uint64) bool {
	if len(f) == 0 {
		return true
	}
	b := f.block(h)
	le := binary.LittleEndian
	for i, salt := range filterSalts {
		if le.Uint32(b[4*i:])&(1<<(uint32(h)*salt>>27)) == 0 {
			return false
		}
	}
	return true
}

// prefixSet is what is looked up: prefixes of txids, none of them a beginning of
// another, in ascending order.
type prefixSet struct {
	all    []string
	hashes []uint64 // of what a filter knows of each
	hashed []bool   // false: it is shorter than a filter's keys
}

// newPrefixSet takes sorted prefixes.
func newPrefixSet(sorted []string) *prefixSet {
	s := &prefixSet{}
	for _, p := range sorted {
		if n := len(s.all); n > 0 && strings.HasPrefix(p, s.all[n-1]) {
			continue
		}
		s.all = append(s.all, p)
		n := 0
		for _, l := range filterLengths {
			if l <= len(p) {
				n = l
			}
		}
		s.hashed = append(s.hashed, n > 0)
		s.hashes = append(s.hashes, idHash(p[:n]))
	}
	return s
}

// match reports whether a txid begins with one of the prefixes.
func (s *prefixSet) match(id []byte) bool {
	low, high := 0, len(s.all)
	for low < high {
		if mid := (low + high) / 2; s.all[mid] <= string(id) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return false
	}
	p := s.all[low-1]
	return len(id) >= len(p) && string(id[:len(p)]) == p
}

// excluded reports whether a filter rules out all of the prefixes.
func (s *prefixSet) excluded(f idFilter) bool {
	if len(f) == 0 {
		return false
	}
	for i, h := range s.hashes {
		if !s.hashed[i] || f.mayHave(h) {
			return false
		}
	}
	return true
}
