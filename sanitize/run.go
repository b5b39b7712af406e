package sanitize

// maxNest bounds how often a value may hold another encoded document.
const maxNest = 6

// edit replaces src[s:e] of its doc by repl[ro:ro+rl]. A reserved slot has
// s < 0 until it is used.
type edit struct {
	s, e   int
	ro, rl int
	rule   ruleID
}

// doc is one text being sanitized: the body itself, or a value decoded out of
// another doc. Every grammar only adds edits, in source order, to one doc; the
// output is the source with the edits applied. That keeps untouched bytes
// as they are by construction, and lets a value be hidden after the fact.
type doc struct {
	src   []byte
	edits []edit
	repl  []byte
	buf   []byte // backing store of src when the doc is a decoded value
	high  int    // how much of buf was ever used in this call
}

// run is the scratch state of one call. It is pooled by its ruleset.
type run struct {
	rs      *ruleset
	counts  []int32
	counted []ruleID // whose counts may be more than 0
	before  []int32
	asked   []int32 // counts as they were before each key that is being looked into
	docs    [maxNest + 1]doc
	inner   int
	depth   int
	deepest int
	budget  int // bytes that nested documents may still cost: keeps time linear
	trunc   bool
	frames  []frame
	pend    []pending
	cache   [cacheSize]cacheEntry
	first   cacheEntry // the key before the first one
	values  [valueSlots]valueSlot
	keys    keyScratch
	memo    memo
	hid     hiddenBy // what the last small value lost
	dec     decoders
	again   []byte
	out     []byte
	work    []byte
	tok     tokenScratch
	xml     []xmlFrame

	// Where the text pass may go on when the JSON pass failed: at the key
	// whose value was not understood, or nowhere, inside a hidden value.
	resume       int
	resumeHidden bool
	keyed        bool // the failed document had a key: it was meant as JSON
}

func (r *run) begin(src []byte) *doc {
	r.depth = 0
	r.inner = 0
	r.budget = 16*len(src) + 1<<16
	r.trunc = false
	d := &r.docs[0]
	d.reset(src)
	return d
}

func (r *run) count(id ruleID) {
	if r.counts[id] == 0 {
		r.counted = append(r.counted, id)
	}
	r.counts[id]++
}

func (d *doc) reset(src []byte) {
	d.src = src
	d.edits = d.edits[:0]
	d.repl = d.repl[:0]
}

// drop removes src[s:e] without a marker.
func (d *doc) drop(s, e int) {
	if s < e {
		d.edits = append(d.edits, edit{s: s, e: e})
	}
}

// dropTail removes src[s:e], and what was decided about it. It never cuts an
// earlier replacement in two.
func (d *doc) dropTail(s, e int) {
	for n := len(d.edits) - 1; n >= 0; n-- {
		ed := &d.edits[n]
		if ed.s < 0 {
			continue // a slot that somebody still holds
		}
		if ed.s < s {
			s = max(s, ed.e)
			break
		}
		ed.s, ed.e = -1, -1
	}
	d.drop(s, e)
}

// reserve makes room for an edit that may become necessary later.
func (d *doc) reserve() int {
	d.edits = append(d.edits, edit{s: -1, e: -1})
	return len(d.edits) - 1
}

// apply appends src[lo:hi] with the edits applied and counts them.
func (r *run) apply(dst []byte, d *doc, lo, hi int) []byte {
	pos := lo
	for i := range d.edits {
		e := &d.edits[i]
		if e.s < pos || e.s >= hi && e.s != e.e { // unused, or inside one already applied
			if e.s < pos {
				continue
			}
			break
		}
		dst = append(dst, d.src[pos:e.s]...)
		dst = append(dst, d.repl[e.ro:e.ro+e.rl]...)
		pos = min(e.e, hi)
		if e.rule != ruleNone {
			r.count(e.rule)
		}
	}
	if pos < hi {
		dst = append(dst, d.src[pos:hi]...)
	}
	return dst
}

// push opens a nested doc. It returns nil when nesting is too deep or the
// budget is spent: the caller then hides the value whole.
func (r *run) push(n int) *doc {
	if r.depth >= maxNest || n > r.budget {
		return nil
	}
	r.budget -= n + 16
	r.depth++
	r.deepest = max(r.deepest, r.depth)
	d := &r.docs[r.depth]
	d.high = max(d.high, len(d.buf))
	d.buf = d.buf[:0]
	d.reset(nil)
	return d
}

func (r *run) pop() { r.depth-- }

// mark remembers how much was decided, so that a failed attempt at a grammar
// can be undone.
type mark struct{ edits, repl int }

func (d *doc) mark() mark { return mark{len(d.edits), len(d.repl)} }
func (d *doc) undo(m mark) {
	d.edits = d.edits[:m.edits]
	d.repl = d.repl[:m.repl]
}

func (d *doc) changed(m mark) bool {
	for _, e := range d.edits[m.edits:] {
		if e.s >= 0 {
			return true
		}
	}
	return false
}
