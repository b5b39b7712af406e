package entry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// lender counts what comes back, and wipes it as a real one does.
type lender struct{ back []*entry.Entry }

func (l *lender) Return(e *entry.Entry) {
	l.back = append(l.back, e)
	clear(e.Request.Headers)
	clear(e.Labels)
	clear(e.Flags)
	clear(e.Facts.Carried)
	*e = entry.Entry{}
}

// A lent entry goes back once; one that is not lent goes nowhere, nor does a clone.
func TestRelease(t *testing.T) {
	full().Release()

	l := &lender{}
	e := full()
	e.Lend(l)
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	kept, want := e.Clone(), full()
	if err := want.Seal(nil); err != nil {
		t.Fatal(err)
	}
	e.Release()
	e.Release()
	kept.Release()
	if len(l.back) != 1 || l.back[0] != e {
		t.Errorf("%d came back", len(l.back))
	}
	if d := cmp.Diff(want, kept, sameEntry); d != "" {
		t.Errorf("a clone changes with the entry it was made of:\n%s", d)
	}
	if string(kept.Line()) != fullLine {
		t.Errorf("line %s", kept.Line())
	}
}
