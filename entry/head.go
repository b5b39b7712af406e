package entry

import (
	"bytes"
	"unicode/utf8"
)

// Head reads of a canonical line what stands at its beginning: Time, TxID, InsertID,
// Severity and Kind. The entry is sealed, and its Line is a copy of line; its other
// fields are empty, although the line has them. It is for a sink that takes the line
// as it is, and costs a tenth of [Parse]. The rest of the line is not looked at, but
// for its being UTF-8: it has to be known to be one, by a checksum or by who wrote it.
//
// A line that does not begin as [Entry.AppendJSON] writes it is parsed whole. The
// error is Parse's.
func Head(line []byte) (*Entry, error) {
	if len(line) > MaxLine || !utf8.Valid(line) {
		return Parse(line)
	}
	e := &Entry{}
	// The members are short, so that a little of the line is enough of a string.
	const room = 320
	d := decoder{b: string(line[:min(len(line), room)])}
	d.expect('{')
	for first := true; d.err == nil; first = false {
		key := d.text()
		d.expect(':')
		switch key {
		case "time", "txid", keyInsertID, "severity", "kind":
			e.member(&d, key)
			if d.err == nil && d.next('}') {
				return Parse(line) // nothing but a head
			}
			continue
		}
		if first || d.err != nil || e.TxID != "" && !e.TxID.Valid() {
			break
		}
		if bytes.IndexByte(line, '\n') >= 0 || bytes.IndexByte(line, '\r') >= 0 {
			e.line = oneLine(line)
		} else {
			e.line = bytes.Clone(line)
		}
		return e, nil
	}
	return Parse(line)
}
