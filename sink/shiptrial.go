package sink

import "errors"

const (
	// circuitFailures in a row open the circuit.
	circuitFailures = 5
	// probeSize is how many entries a trial has then.
	probeSize = 10
	// refusedAlone entries, each refused in a Write of its own and nothing accepted in
	// between, make it likely that the sink refuses everything. Where that turns out to be
	// wrong twice as many may be, until one is accepted in its turn.
	refusedAlone = 8
)

// trial decides how many entries a Write gets, and what its error says of each. The
// rule stands at [Ship].
type trial struct {
	most     int    // a whole batch
	limit    int    // now
	failures int64  // attempts in a row of which nothing was accepted
	alone    int    // entries refused alone since something was
	patience int    // how many of them there may be
	taken    uint64 // Writes of which something was
	dividing bool   // a whole batch was refused: who is meant is being found out
}

func newTrial(most int) trial {
	return trial{most: most, limit: most, taken: 1, patience: refusedAlone}
}

// open reports whether the sink is taken for one that is down.
func (t *trial) open() bool { return t.failures >= circuitFailures }

// size is how many entries to write at most.
func (t *trial) size() int {
	if t.open() {
		return min(t.limit, probeSize)
	}
	return t.limit
}

// doubtful reports whether the sink is to be asked rather than served.
func (t *trial) doubtful() bool { return t.alone >= t.patience }

// outcome is what became of one entry.
type outcome struct {
	keep bool  // to be written again
	why  error // it was refused: for good, or alone for now; nil if it was delivered or is kept
}

// judge returns what err says of each of the n entries of a Write, the first of which is
// of. Weigh says what it means that the i-th was accepted.
func (t *trial) judge(n int, of *parcel, err error, weigh func(i int) weight) func(i int) outcome {
	t.dividing = false
	keep := func(int) outcome { return outcome{keep: true} }
	var partial *PartialError
	isPartial := errors.As(err, &partial)
	switch {
	case err == nil:
		t.accepted(n, func(int) bool { return true }, weigh)
		return func(int) outcome { return outcome{} }
	case isPartial && (n > 1 || !IsPermanent(err)):
		failed := make(map[int]error, len(partial.Failed))
		closed := false
		for _, f := range partial.Failed {
			closed = closed || isClosed(f.Err)
			if !IsPermanent(failed[f.Index]) && failed[f.Index] != nil {
				continue // named twice: who may be tried again is
			}
			failed[f.Index] = f.Err
		}
		proven := t.accepted(n, func(i int) bool { _, bad := failed[i]; return !bad }, weigh)
		some := len(failed) < n
		if !some && !closed && IsPermanent(err) {
			break // which is as good as to refuse it whole
		}
		if !some {
			t.failures++
		}
		return func(i int) outcome {
			why, bad := failed[i]
			switch {
			case !bad:
				return outcome{}
			case IsPermanent(why) && proven && !closed:
				return outcome{why: why}
			}
			return outcome{keep: true}
		}
	case !IsPermanent(err), isClosed(err): // the latter is no word on an entry
		t.failures++
		return keep
	}
	if n > 1 {
		// The whole of it was refused: which entry is meant?
		t.limit, t.dividing = n/2, true
		return keep
	}
	t.limit = 1
	if of.refused != nil && of.since < t.taken {
		return func(int) outcome { return outcome{why: err} }
	}
	t.dividing = of.refused == nil
	t.refuse(t.dividing)
	return func(int) outcome { return outcome{keep: true, why: err} }
}

// refuse enters that an entry was not accepted, or was refused alone for the first time.
func (t *trial) refuse(first bool) {
	if first {
		t.alone++
	} else {
		t.failures++
	}
	if t.doubtful() {
		t.failures = max(circuitFailures, t.failures)
	}
}

// probed enters that the sink has accepted an entry further on.
func (t *trial) probed() {
	if t.doubtful() {
		t.patience = min(2*t.patience, max(t.most, refusedAlone))
	}
	t.accept()
}

// accept enters that the sink has accepted something.
func (t *trial) accept() {
	t.failures, t.alone = 0, 0
	t.taken++
	t.limit = min(t.most, 4*t.limit)
}

// accepted enters what was accepted of a Write, and reports whether it proves that the
// sink accepts entries. A gap entry, of a few words, only proves that the sink is there.
func (t *trial) accepted(n int, took func(i int) bool, weigh func(i int) weight) (proven bool) {
	there := false
	for i := 0; i < n && !proven; i++ {
		if took(i) {
			w := weigh(i)
			there = there || w > filteredOut
			proven = w == proof
		}
	}
	switch {
	case proven:
		t.accept()
		t.patience = refusedAlone
	case there:
		t.failures = 0
		t.limit = min(t.most, 4*t.limit)
	}
	return proven
}

// weight is what it says of a sink that it has accepted an entry.
type weight uint8

const (
	filteredOut weight = iota // it was not asked
	gapEntry
	proof
)
