package entry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of labels with one name the first counts, however many there are.
func TestUniqueOfMany(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"", "txid", "a", "b", "Ä", "\xff", "\xfe", "\ufffd", "a\xff", "a\ufffd", "TXID"}
	for range 500 {
		var ls []Label
		for i := range r.IntN(2 * MaxLabels) {
			ls = append(ls, Label{Name: names[r.IntN(len(names))] + strings.Repeat("x", r.IntN(3)), Value: fmt.Sprint(i)})
		}
		var want []Label
		for i := range ls {
			if labelCounts(append(slices.Clone(want), ls[i]), len(want)) {
				want = append(want, ls[i])
			}
		}
		if d := cmp.Diff(want, append([]Label(nil), uniqueOfMany(slices.Clone(ls))...)); d != "" {
			t.Fatalf("%q: %s", ls, d)
		}
		if d := cmp.Diff(want, append([]Label(nil), uniqueLabels(slices.Clone(ls))...)); d != "" {
			t.Fatalf("%q: %s", ls, d)
		}
	}
}
