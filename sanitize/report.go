package sanitize

import "iter"

// Report counts redactions by the name of the rule that made them. The zero
// value is ready; after Reset it is reused without allocating. It is not safe
// for concurrent use: give each worker its own. A nil *Report counts nothing.
type Report struct {
	counts []count // sorted by rule; a handful at most, so a slice beats a map
}

type count struct {
	rule string
	n    int
}

// Add counts n redactions by rule. Zero and negative n are ignored.
func (r *Report) Add(rule string, n int) {
	if r == nil || n <= 0 {
		return
	}
	for i := range r.counts { // nearly always it is there, and the same string
		if r.counts[i].rule == rule {
			r.counts[i].n += n
			return
		}
	}
	i := len(r.counts)
	r.counts = append(r.counts, count{})
	for ; i > 0 && r.counts[i-1].rule > rule; i-- {
		r.counts[i] = r.counts[i-1]
	}
	r.counts[i] = count{rule, n}
}

// Len returns the number of different rules counted.
func (r *Report) Len() int {
	if r == nil {
		return 0
	}
	return len(r.counts)
}

// All yields each rule and its count, sorted by name.
func (r *Report) All() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		if r == nil {
			return
		}
		for _, c := range r.counts {
			if !yield(c.rule, c.n) {
				return
			}
		}
	}
}

// Reset forgets the counts and keeps the memory.
func (r *Report) Reset() {
	if r != nil {
		r.counts = r.counts[:0]
	}
}
