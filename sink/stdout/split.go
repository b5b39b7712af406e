package stdoutsink

import (
	"encoding/json"
	"strconv"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/split"
)

// maxUID bounds the insertId of an entry that is split: it stands in each line twice.
const maxUID = 128

// splitLine returns the lines of the parts of an entry, each of at most limit bytes.
// A part says which it is by a last member, since agents know no special field for
// it:
//
//	"split":{"uid":"…","index":0,"total":3}
//
// It reports false for an entry that can not be split so.
func splitLine(line []byte, limit int) ([][]byte, bool) {
	e, err := entry.Parse(line)
	if err != nil || e.InsertID == "" || len(e.InsertID) > maxUID {
		return nil, false
	}
	uid, err := json.Marshal(e.InsertID)
	if err != nil {
		return nil, false
	}
	const member, digits = `,"split":{"uid":,"index":,"total":}`, 12
	parts, err := split.Cut(e, &split.Limits{
		Part: limit - len(member) - len(uid) - digits,
		// The frames of all large fields, empty.
		Base: func(p *entry.Entry) int { return len(p.AppendJSON(nil)) + 400 },
		Text: func(s string, room int) (fit, take int) {
			b := cutEscaped([]byte(s[:max(min(len(s), room), 0)]), room)
			return len(b), escapedLen(b)
		},
		Pair: len(`,{"name":"","value":""}`), Copies: 1,
	})
	if err != nil || len(parts) > 99_999 {
		return nil, false
	}
	lines := make([][]byte, len(parts))
	for i, p := range parts {
		b := p.AppendJSON(make([]byte, 0, limit))
		b = append(append(b[:len(b)-1], `,"split":{"uid":`...), uid...)
		b = strconv.AppendInt(append(b, `,"index":`...), int64(i), 10)
		b = strconv.AppendInt(append(b, `,"total":`...), int64(len(parts)), 10)
		lines[i] = append(b, '}', '}')
		if len(lines[i]) > limit {
			return nil, false
		}
	}
	return lines, true
}
