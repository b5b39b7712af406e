package stdoutsink

import (
	"encoding/hex"
	"encoding/json"
	"hash/fnv"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/split"
)

// part is a line of an entry that takes several.
type part struct {
	e    *entry.Entry
	line []byte
	piece
}

// shortWords are the lengths to which the small fields of an entry are cut, one after
// the other, that are together more than a line.
var shortWords = [...]int{0, 256, 64, 32}

// splitLine returns an entry's parts, whose lines have at most limit bytes each with
// what stands beside. A part says which it is by a last member, since agents know no
// special field for it:
//
//	"split":{"uid":"…","index":1,"total":3,"joint":"request.headers"}
//
// joint, if it is there, is the list whose first pair goes on with the value of the
// last one in the line before. It reports false for an entry that can not be split so.
func splitLine(line []byte, limit int) ([]part, bool) {
	e, err := entry.Parse(line)
	if err != nil {
		return nil, false
	}
	if e.InsertID == "" {
		h := fnv.New128a()
		_, _ = h.Write(line) // never fails
		e.InsertID = "txtrail" + hex.EncodeToString(h.Sum(nil))
	}
	for _, n := range shortWords {
		if n > 0 {
			cutWords(e, n)
			for _, hs := range messages(e) {
				for i := range *hs {
					cut(&(*hs)[i].Name, n)
				}
			}
		}
		if parts, ok := splitEntry(e, limit); ok {
			return parts, true
		}
	}
	return nil, false
}

func splitEntry(e *entry.Entry, limit int) ([]part, bool) {
	uid, err := json.Marshal(e.InsertID)
	if err != nil {
		return nil, false
	}
	const member, digits = `,"split":{"uid":,"index":,"total":,"joint":"response.trailers"}`, 12
	cuts, err := split.Cut(e, &split.Limits{
		Part: limit - len(member) - len(uid) - digits,
		// The frames of all large fields, empty.
		Base: func(p *entry.Entry) int { return len(p.AppendJSON(nil)) + beside(p) + 400 },
		Text: func(s string, room int) (fit, take int) {
			b := cutEscaped([]byte(s[:max(min(len(s), room), 0)]), room)
			return len(b), escapedLen(b)
		},
		Pair: len(labelFrame), Copies: 2, Pieces: true, // labels stand in the payload too
	})
	if err != nil || len(cuts) > 99_999 {
		return nil, false
	}
	parts := make([]part, len(cuts))
	for i, c := range cuts {
		parts[i] = part{c.Entry, c.AppendJSON(make([]byte, 0, limit)), piece{uid, i, len(cuts), c.Joint}}
		if len(parts[i].line)+beside(c.Entry)+len(member)+len(uid)+digits > limit {
			return nil, false
		}
	}
	return parts, true
}
