package sink

import (
	"slices"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// fewHeaders is how many fields are sorted by insertion. Requests of browsers have
// fewer; a hostile one's two hundred must not take quadratic time.
const fewHeaders = 32

// sortHeaders puts header fields in the order of their names, those of one name in
// theirs.
func sortHeaders(hs []entry.Header) {
	if len(hs) > fewHeaders {
		slices.SortStableFunc(hs, byName)
		return
	}
	for i := 1; i < len(hs); i++ {
		if !before(&hs[i], &hs[i-1]) {
			continue
		}
		h, k := hs[i], i
		for ; k > 0 && before(&h, &hs[k-1]); k-- {
			hs[k] = hs[k-1]
		}
		hs[k] = h
	}
}

// before reports whether a comes before b. Nearly always their first letters say it.
func before(a, b *entry.Header) bool {
	if a.Name != "" && b.Name != "" && a.Name[0] != b.Name[0] && a.Name[0] != entry.CutHeader[0] && b.Name[0] != entry.CutHeader[0] {
		return a.Name[0] < b.Name[0]
	}
	return byName(*a, *b) < 0
}

// byName orders header fields. That which says that some are missing is the last.
func byName(a, b entry.Header) int {
	if aCut, bCut := a.Name == entry.CutHeader, b.Name == entry.CutHeader; aCut != bCut {
		if aCut {
			return 1
		}
		return -1
	}
	return strings.Compare(a.Name, b.Name)
}
