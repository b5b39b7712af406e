package entry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of labels with one name the first counts, however many there are and however long.
func TestUniqueLabels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"", "txid", "a", "b", "Ä", "\xff", "\xfe", "\ufffd", "a\xff", "a\ufffd", "TXID"}
	few, many := 0, 0
	for range 500 {
		long := strings.Repeat("é", r.IntN(2)*r.IntN(MaxLabelName))
		var ls []Label
		for i := range r.IntN(2 * MaxLabels) {
			name := words[r.IntN(len(words))] + strings.Repeat("x", r.IntN(3))
			if r.IntN(3) == 0 {
				name += long
			}
			ls = append(ls, Label{Name: name, Value: fmt.Sprint(i)})
		}
		if namesOf(ls) == nil {
			few++
		} else {
			many++
		}
		var want []Label
		for _, l := range ls {
			name := string([]rune(l.Name)) // as it stands in the line
			if name != "" && name != "txid" && !slices.ContainsFunc(want, func(w Label) bool { return string([]rune(w.Name)) == name }) {
				want = append(want, l)
			}
		}
		for how, seen := range map[string]names{"compared": nil, "in a set": {}} {
			var got []Label
			for i := range ls {
				if seen.first(ls, i) {
					got = append(got, ls[i])
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%s: %q: %s", how, ls, d)
			}
		}
		before := (&Entry{Labels: slices.Clone(ls)}).AppendJSON(nil)
		got := append([]Label(nil), namesOf(ls).unique(ls)...)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q: %s", ls, d)
		}
		if d := cmp.Diff(string(before), string((&Entry{Labels: got}).AppendJSON(nil))); d != "" {
			t.Fatalf("%q: %s", ls, d)
		}
	}
	if few < 50 || many < 50 {
		t.Errorf("%d of few and short names, %d others: want more of each", few, many)
	}
}
