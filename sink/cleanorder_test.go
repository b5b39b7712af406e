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
	names := []string{"", "A", "Accept", "Accept-Encoding", "Cookie", "X", "X-A", "X-Z", "X-Forwarded-For", "X-Forwarded-Host", "Content-Type", "Content-Length", "A\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", entry.CutHeader, entry.CutHeader, "Yak", "cookie", "\xff"}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	var s sorter
	for n := range 2 * fewHeaders {
		var hs []entry.Header
		for i := range n {
			hs = append(hs, entry.Header{Name: names[rnd.IntN(len(names))], Value: strconv.Itoa(i)})
		}
		want := slices.Clone(hs)
		slices.SortStableFunc(want, byName)
		s.sort(hs)
		if d := cmp.Diff(want, hs); d != "" {
			t.Fatalf("%d fields: %s", n, d)
		}
	}
}

// BenchmarkSortHeaders sorts what a request has in orders that do not repeat.
func BenchmarkSortHeaders(b *testing.B) {
	var orders [1024][]entry.Header
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark's
	for i := range orders {
		orders[i] = slices.Clone(raw("").Request.Headers)
		rnd.Shuffle(len(orders[i]), func(j, k int) { orders[i][j], orders[i][k] = orders[i][k], orders[i][j] })
	}
	var s sorter
	var hs [fewHeaders]entry.Header
	i := 0
	for b.Loop() {
		s.sort(hs[:copy(hs[:], orders[i%len(orders)])])
		i++
	}
}
