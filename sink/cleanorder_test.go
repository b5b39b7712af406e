package sink

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// Few fields are sorted otherwise than many: in the same order, those of one name as
// they came.
func TestSortHeaders(t *testing.T) {
	names := []string{"", "A", "Accept", "Accept-Encoding", "Cookie", "X", "X-A", "X-Z", entry.CutHeader, entry.CutHeader, "Yak", "cookie", "\xff"}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	for n := range 2 * fewHeaders {
		var hs []entry.Header
		for i := range n {
			hs = append(hs, entry.Header{Name: names[rnd.IntN(len(names))], Value: strconv.Itoa(i)})
		}
		want := slices.Clone(hs)
		slices.SortStableFunc(want, byName)
		sortHeaders(hs)
		if d := cmp.Diff(want, hs); d != "" {
			t.Fatalf("%d fields: %s", n, d)
		}
	}
}
