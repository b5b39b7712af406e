package journalsink

import (
	"math"
	"slices"

	"github.com/txtrail/txtrail/sink"
)

// feedMark is a place in what a feed reads: how far each base must be settled that had
// something to settle.
type feedMark struct {
	f     *feed
	bases []markedBase
	again int64 // of the letters to be sent again; 0: there were none
}

type markedBase struct {
	base *followed
	to   int64 // plain; wholeBase: it must be done with
}

// wholeBase is said of what is lost, and of a closed file that can not be read now.
const wholeBase = math.MaxInt64

// Mark implements sink.Feed.
func (f *feed) Mark() sink.Mark {
	m := &feedMark{f: f}
	for _, x := range f.order {
		switch {
		case x.aside:
		case x.closed && !x.final:
			m.bases = append(m.bases, markedBase{x, wholeBase})
		case !x.finished && x.settled.offset < x.counted:
			m.bases = append(m.bases, markedBase{x, x.counted})
		}
	}
	for _, x := range f.lost {
		m.bases = append(m.bases, markedBase{x, wholeBase})
	}
	if f.again.lines > 0 || f.again.read != f.again.settled {
		m.again = f.again.counted
	}
	return m
}

// Passed implements sink.Mark.
func (m *feedMark) Passed() bool {
	m.bases = slices.DeleteFunc(m.bases, func(b markedBase) bool { return m.f.passed(b) })
	// The file goes with its last letter, and what comes after is another one.
	if m.again > 0 && (m.f.again.settled >= m.again || m.f.again.counted < m.again) {
		m.again = 0
	}
	return len(m.bases) == 0 && m.again == 0
}

func (f *feed) passed(b markedBase) bool {
	x := b.base
	switch {
	case x.finished || x.aside || x.settled.offset >= b.to:
		return true
	case f.bases[x.text] == x, slices.Contains(f.lost, x):
		return false
	}
	// It is gone, and nothing of it was lost: it was merged, and what it was merged into
	// is among those that wait.
	return !slices.ContainsFunc(f.order, func(x *followed) bool { return x.merged() && !x.finished && !x.aside })
}
