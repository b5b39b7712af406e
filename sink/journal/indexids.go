package journalsink

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The txids' section:
//
//	u32 keys, u32 groups, groups × u32 (offset of the group's first key), keys
//
// The keys are the file's distinct txids in ascending order of bytes, each cut
// behind what sets it apart from both neighbours and idSlack bytes more: a look-up
// finds the blocks that may have a txid, and the lines in them decide. A cut UUIDv7
// takes 8 bytes instead of 36. In groups of idGroup each key is
//
//	uvarint bytes shared with the key before it (0 for the group's first)
//	uvarint length of the rest, the rest
//	uvarint blocks, uvarint first block, then uvarint distances to the next
const (
	idGroup = 16
	// idSlack bytes beyond what tells the file's own txids apart make it unlikely
	// that a txid of another file leads to a block in vain: 16 bits, in hex.
	idSlack = 4
)

// encodeIDs returns the section for the blocks (ascending) of each txid.
func encodeIDs(ids map[string][]uint32) []byte { return encodeSorted(sortedIDs(ids), ids) }

func sortedIDs(ids map[string][]uint32) []string {
	keys := make([]string, 0, len(ids))
	for id := range ids {
		keys = append(keys, id)
	}
	slices.Sort(keys)
	return keys
}

func encodeSorted(keys []string, ids map[string][]uint32) []byte {
	var offsets []uint32
	var b []byte
	prev, before := "", 0
	for i, id := range keys {
		after := 0
		if i+1 < len(keys) {
			after = shared(id, keys[i+1])
		}
		key := id[:min(len(id), max(before, after)+1+idSlack)]
		before = after
		common := 0
		if i%idGroup == 0 {
			offsets = append(offsets, uint32(len(b)))
		} else {
			common = shared(prev, key)
		}
		b = binary.AppendUvarint(b, uint64(common))
		b = binary.AppendUvarint(b, uint64(len(key)-common))
		b = append(b, key[common:]...)
		blocks := ids[id]
		b = binary.AppendUvarint(b, uint64(len(blocks)))
		last := uint32(0)
		for _, n := range blocks {
			b = binary.AppendUvarint(b, uint64(n-last))
			last = n
		}
		prev = key
	}
	le := binary.LittleEndian
	out := make([]byte, 0, 8+4*len(offsets)+len(b))
	out = le.AppendUint32(out, uint32(len(keys)))
	out = le.AppendUint32(out, uint32(len(offsets)))
	for _, o := range offsets {
		out = le.AppendUint32(out, o)
	}
	return append(out, b...)
}

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// idTable is the section, read in place.
type idTable struct {
	keys   int
	groups []byte // u32 each
	data   []byte
}

func parseIDs(s []byte) (idTable, error) {
	if len(s) < 8 {
		return idTable{}, fmt.Errorf("%w: the txids' section is too short", ErrIndex)
	}
	le := binary.LittleEndian
	keys, groups := int64(le.Uint32(s)), int64(le.Uint32(s[4:]))
	s = s[8:]
	if groups != (keys+idGroup-1)/idGroup || groups*4 > int64(len(s)) {
		return idTable{}, fmt.Errorf("%w: the txids' section has %d keys in %d groups", ErrIndex, keys, groups)
	}
	return idTable{keys: int(keys), groups: s[:groups*4], data: s[groups*4:]}, nil
}

// cursor reads one key after another. It gives up, with ok false, at anything that
// does not fit: a checksum says that the bytes are the ones that were written, not
// who wrote them.
type cursor struct {
	rest   []byte
	key    []byte
	blocks []int
}

func (c *cursor) uvarint() (int, bool) {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 || v > maxIndex {
		return 0, false
	}
	c.rest = c.rest[n:]
	return int(v), true
}

// next reads a key; its blocks only if they are wanted, since that is dearer.
func (c *cursor) next(blocks int, want func(key []byte) bool) (ok bool) {
	common, ok1 := c.uvarint()
	n, ok2 := c.uvarint()
	if !ok1 || !ok2 || common > len(c.key) || n > len(c.rest) {
		return false
	}
	c.key = append(c.key[:common], c.rest[:n]...)
	c.rest = c.rest[n:]
	count, ok1 := c.uvarint()
	if !ok1 || count > blocks {
		return false
	}
	wanted := want(c.key)
	at := 0
	for range count {
		d, ok := c.uvarint()
		if !ok {
			return false
		}
		if at += d; at >= blocks {
			return false
		}
		if wanted {
			c.blocks = append(c.blocks, at)
		}
	}
	return true
}

// first returns the key of a group, as it stands there.
func (t *idTable) first(group int) ([]byte, bool) {
	c, ok := t.cursor(group)
	if !ok {
		return nil, false
	}
	_, ok1 := c.uvarint()
	n, ok2 := c.uvarint()
	if !ok1 || !ok2 || n > len(c.rest) {
		return nil, false
	}
	return c.rest[:n], true
}

func (t *idTable) cursor(group int) (c cursor, ok bool) {
	at := int64(binary.LittleEndian.Uint32(t.groups[4*group:]))
	if at > int64(len(t.data)) {
		return c, false
	}
	return cursor{rest: t.data[at:]}, true
}

// find returns the blocks of the keys that a txid with this prefix may have left.
// Those are the keys that begin with it, and the greatest key below it if that is
// the cut beginning of such a txid: of a longer run of beginnings all but the last
// are whole, as a cut key differs from its neighbour within its length.
//
// A table that does not hold together gives all blocks.
func (t *idTable) find(prefix string, blocks int) []int {
	groups := len(t.groups) / 4
	if groups == 0 {
		return nil
	}
	everything := func() []int {
		all := make([]int, blocks)
		for i := range all {
			all[i] = i
		}
		return all
	}
	// The last group whose first key is not above the prefix.
	low, high := 0, groups
	for low < high {
		mid := (low + high) / 2
		key, ok := t.first(mid)
		if !ok {
			return everything()
		}
		if string(key) <= prefix {
			low = mid + 1
		} else {
			high = mid
		}
	}
	group := max(0, low-1)
	c, ok := t.cursor(group)
	if !ok {
		return everything()
	}
	beyond := false
	for i := group * idGroup; i < t.keys && !beyond; i++ {
		if i%idGroup == 0 {
			c.key = c.key[:0]
		}
		if !c.next(blocks, func(key []byte) bool {
			k := string(key)
			beyond = k > prefix && !strings.HasPrefix(k, prefix)
			return strings.HasPrefix(k, prefix) || strings.HasPrefix(prefix, k)
		}) {
			return everything()
		}
	}
	slices.Sort(c.blocks)
	return slices.Compact(c.blocks)
}
