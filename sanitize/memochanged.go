package sanitize

import (
	"hash/maphash"
	"math"
	"slices"
	"strings"
)

const (
	changedSlots = 32
	changedCame  = 128
	changedBytes = 512 // the longest result that is kept
	changedRules = 3   // the most rules that hid something in one value
)

// changed remembers what was made of short values in which something was hidden: a
// client sends the same cookies and the same credential with each of its requests. What
// such a value was is not kept, only two hashes of it under seeds of this state alone:
// 128 bits. Even if they were those of another value, what came out would be something
// that is fit to be shown. A result is kept when its value comes again, so that values
// that never do cost no memory.
type changed struct {
	seeds [2]maphash.Seed
	tags  [changedSlots]uint16 // of the memo's hashes; 0 where nothing is
	slots [changedSlots]changedSlot
	came  [changedCame]uint16 // tags of values that came once
}

type changedSlot struct {
	sums  [2]uint64
	as    byte
	name  string
	out   string
	rules hiddenBy
}

// hiddenBy counts what was hidden in one value, by rule.
type hiddenBy [changedRules]struct {
	rule ruleID
	n    uint16
}

// find returns what value, of the hash h, became the last time, nil when it is not
// known. It may be in two places.
func (c *changed) find(h uint64, as byte, name, value string) *changedSlot {
	tag, at := memoTag(h), h%changedSlots
	if c.tags[at] != tag {
		if at = h / changedSlots % changedSlots; c.tags[at] != tag {
			return nil
		}
	}
	s := &c.slots[at]
	if s.as != as || s.name != name || s.sums != c.sums(value) {
		return nil
	}
	return s
}

func (c *changed) sums(value string) [2]uint64 {
	return [2]uint64{maphash.String(c.seeds[0], value), maphash.String(c.seeds[1], value)}
}

// put keeps that value, of the hash h, becomes out, when it has come before and is not
// too long.
func (c *changed) put(h uint64, as byte, name, value, out string, by *hiddenBy) {
	if len(value) < memoLeast || len(out)+len(name) > changedBytes || by[0].n == 0 {
		return
	}
	tag := memoTag(h)
	came := &c.came[h/changedSlots%changedCame]
	if *came != tag {
		*came = tag
		return
	}
	*came = 0
	if c.seeds[0] == (maphash.Seed{}) {
		c.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	at := h % changedSlots
	if other := h / changedSlots % changedSlots; c.tags[at] != 0 && c.tags[at] != tag && (c.tags[other] == 0 || h>>63 != 0) {
		at = other
	}
	c.tags[at] = tag
	c.slots[at] = changedSlot{sums: c.sums(value), as: as, name: strings.Clone(name), out: strings.Clone(out), rules: *by}
}

// report adds what was hidden.
func (s *changedSlot) report(rs *ruleset, rep *Report) {
	for i := range s.rules {
		if by := &s.rules[i]; by.n > 0 {
			rep.Add(rs.rules[by.rule].name, int(by.n))
		}
	}
}

// hiddenBy returns what is counted in this call; nothing when it does not fit.
func (r *run) hiddenBy() (by hiddenBy) {
	k := 0
	for i, id := range r.counted {
		n := r.counts[id]
		if n == 0 || slices.Contains(r.counted[:i], id) {
			continue
		}
		if k == len(by) || n > math.MaxUint16 {
			return hiddenBy{}
		}
		by[k].rule, by[k].n = id, uint16(n)
		k++
	}
	return by
}
