package sink

import (
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// maxGapIDs bounds the transactions that are named between two writings of gap
// entries. During an overload nearly every transaction loses something; naming
// them all would be the next overload.
const maxGapIDs = 64

// gapBook collects drops until the worker can write them down. The queue's lock
// guards it; every call is O(1).
type gapBook struct {
	index   map[gapKey]int
	records []gapRecord
	named   int
}

type gapKey struct {
	reason reason
	id     txid.ID // "" for all that are not named
}

type gapRecord struct {
	gapKey
	count, bytes int64
	from, to     time.Time
}

func newGapBook() *gapBook {
	return &gapBook{
		index:   make(map[gapKey]int, maxGapIDs+int(numReasons)),
		records: make([]gapRecord, 0, maxGapIDs+int(numReasons)),
	}
}

func (g *gapBook) note(r reason, id txid.ID, at time.Time, bytes int64) {
	key := gapKey{r, id}
	i, ok := g.index[key]
	if !ok && id != "" {
		if g.named < maxGapIDs {
			g.named++
			// A header's value may share its memory with all others of the
			// request; the copy keeps the ID alone.
			key.id = txid.ID(strings.Clone(string(id)))
		} else {
			key.id = ""
			i, ok = g.index[key]
		}
	}
	if !ok {
		i = len(g.records)
		g.records = append(g.records, gapRecord{gapKey: key, from: at, to: at})
		g.index[key] = i
	}
	rec := &g.records[i]
	rec.count++
	rec.bytes += bytes
	if at.Before(rec.from) {
		rec.from = at
	}
	if at.After(rec.to) {
		rec.to = at
	}
}

func (g *gapBook) reset() {
	clear(g.index)
	clear(g.records)
	g.records = g.records[:0]
	g.named = 0
}

// entry makes the entry that stands where others are missing. It carries the
// txid, so that a look-up finds the hole too.
func (r *gapRecord) entry() *entry.Entry {
	noun := " entries lost: "
	if r.count == 1 {
		noun = " entry lost: "
	}
	return &entry.Entry{
		Time:     r.from,
		TxID:     r.id,
		Severity: entry.SeverityWarning,
		Kind:     entry.KindGap,
		Message:  strconv.FormatInt(r.count, 10) + noun + r.reason.String(),
		Gap:      &entry.Gap{Count: r.count, Bytes: r.bytes, Reason: r.reason.String(), From: r.from, To: r.to},
	}
}
