package sink

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// notes are the gap entries that tell a sink's readers what it has refused: one for each
// of up to maxGapIDs transactions, and one for all others. Each stands where the first
// entry stood that it tells of, and that one is not committed before it was delivered: so
// none is missing after a crash, and should one come twice it has the same InsertID.
type notes struct {
	index map[txid.ID]int
	list  []note
}

type note struct {
	at           int     // in pending
	id           txid.ID // "" for those that are not named
	insertID     string  // of the first entry that it tells of
	count, bytes int64
	from, to     time.Time
}

func newNotes() *notes { return &notes{} }

// add notes an entry that will not be delivered. It reports whether that takes a gap
// entry of its own, which then stands at that place of pending.
func (n *notes) add(e *entry.Entry, at int) (first bool) {
	if n.index == nil {
		n.index = make(map[txid.ID]int)
	}
	id := e.TxID
	i, ok := n.index[id]
	if !ok && id != "" && len(n.index) >= maxGapIDs {
		id = ""
		i, ok = n.index[id]
	}
	if !ok {
		i = len(n.list)
		n.index[id] = i
		n.list = append(n.list, note{at: at, id: id, insertID: e.InsertID, from: e.Time, to: e.Time})
	}
	rec := &n.list[i]
	rec.count++
	rec.bytes += int64(len(e.Line()))
	if e.Time.Before(rec.from) {
		rec.from = e.Time
	}
	if e.Time.After(rec.to) {
		rec.to = e.Time
	}
	return !ok
}

// entry makes the gap entry.
func (n *note) entry(reason string, r *entry.Resource) *entry.Entry {
	return sealGap(&entry.Entry{
		Time: n.from, TxID: n.id, InsertID: gapID(DropRefused, n.insertID), Resource: r,
		Gap: &entry.Gap{Count: n.count, Bytes: n.bytes, Reason: reason, From: n.from, To: n.to},
	})
}

// hole makes the gap entry for what could not be read in a batch.
func (w *shipper) hole(b *SpoolBatch) parcel {
	e := &entry.Entry{
		Time: w.h.opts.Now(), Resource: w.h.opts.Resource,
		Gap: &entry.Gap{Count: b.Damaged, Reason: DropDamaged},
	}
	var next *entry.Entry
	if len(b.Entries) > b.Gaps {
		next = b.Entries[b.Gaps]
		e.Time = next.Time
	}
	switch {
	case b.DamagedAt != "":
		e.InsertID = gapID(DropDamaged, b.DamagedAt)
	case next != nil:
		e.InsertID = gapID(DropDamaged, next.InsertID)
	default:
		w.noted++
		e.InsertID = string(w.ids.append(nil, w.noted))
	}
	return parcel{entry: sealGap(e), gap: true}
}

// sealGap completes and seals e.
func sealGap(e *entry.Entry) *entry.Entry {
	noun := " entries lost: "
	if e.Gap.Count == 1 {
		noun = " entry lost: "
	}
	e.Kind, e.Severity = entry.KindGap, entry.SeverityWarning
	e.Message = strconv.FormatInt(e.Gap.Count, 10) + noun + e.Gap.Reason
	_ = e.Seal(nil) // it has no raw body, which is all that could be wrong
	return e
}

// gapID is the InsertID of the gap entry that stands for, or before, an entry.
func gapID(reason, insertID string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(reason + " " + insertID))
	return "gap-" + hex.EncodeToString(sum.Sum(nil))
}
