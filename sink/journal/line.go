package journalsink

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/txtrail/txtrail/entry"
)

// A journal line is the canonical line with one last member:
//
//	{"time":…,…}          canonical
//	{"time":…,…,"crc":"xxxxxxxx"}
//
// where xxxxxxxx is CRC-32C over the canonical line's bytes, brace to brace, in
// lower-case hex. It is a member of the object so that the line stays JSON.
const (
	crcHead = `,"crc":"`
	crcLen  = len(crcHead) + 8 + len(`"}`)
	// maxJournalLine is the longest line there can be, without its newline.
	maxJournalLine int = entry.MaxLine + crcLen - 1
)

// castagnoli is CRC-32C (RFC 3720, appendix B.4): amd64 and arm64 have it in
// hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkCanonical refuses what would break the framing by lines.
func checkCanonical(line []byte) error {
	switch {
	case line == nil:
		return fmt.Errorf("%w: it is not sealed, so nothing says that it was sanitized", ErrEntry)
	case len(line) > entry.MaxLine:
		return fmt.Errorf("%w: its line has %d bytes, at most %d", ErrEntry, len(line), entry.MaxLine)
	case len(line) < 3 || line[0] != '{' || line[len(line)-1] != '}' || bytes.IndexByte(line, '\n') >= 0:
		return fmt.Errorf("%w: its line is not one line with one JSON object", ErrEntry)
	}
	return nil
}

// appendLine appends the journal line for a canonical line, and a newline.
func appendLine(dst, canonical []byte) []byte {
	sum := crc32.Checksum(canonical, castagnoli)
	dst = append(dst, canonical[:len(canonical)-1]...)
	dst = append(dst, crcHead...)
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[sum>>shift&0xf])
	}
	return append(dst, '"', '}', '\n')
}

const hexDigits = "0123456789abcdef"

var (
	errNoSum   = errors.New("no checksum at its end: damaged, or of another version")
	errBadSum  = errors.New("checksum does not match")
	errTooLong = errors.New("longer than a line can be")
)

// stripLine checks a journal line (without newline) and returns the canonical
// line. It changes one byte of raw and returns a part of it.
func stripLine(raw []byte) ([]byte, error) {
	n := len(raw) - crcLen
	if n < 2 || raw[0] != '{' || string(raw[n:n+len(crcHead)]) != crcHead || string(raw[len(raw)-2:]) != `"}` {
		return nil, errNoSum
	}
	var want uint32
	for _, c := range raw[n+len(crcHead) : len(raw)-2] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return nil, errNoSum
		}
		want = want<<4 | uint32(c)
	}
	raw[n] = '}' // where the comma stood
	line := raw[:n+1]
	if crc32.Checksum(line, castagnoli) != want {
		raw[n] = ','
		return nil, errBadSum
	}
	return line, nil
}

// head is what stands at fixed places at the start of a canonical line, read
// without parsing the line.
type head struct {
	txid  []byte
	time  int64 // Unix nanoseconds
	timed bool  // there is a time
	known bool  // the line has the usual shape; else it must be parsed
}

const (
	headTime = `{"time":"`
	headID   = `"txid":"`
	timeLen  = len("2006-01-02T15:04:05.000000000Z")
)

// readHead looks at the canonical line's first two members, whose order and width
// are fixed.
func readHead(line []byte) (h head) {
	rest := line
	if len(line) > len(headTime)+timeLen+1 && string(line[:len(headTime)]) == headTime {
		t, ok := parseTime(line[len(headTime) : len(headTime)+timeLen])
		if !ok || line[len(headTime)+timeLen] != '"' {
			return h
		}
		h.time, h.timed = t, true
		rest = line[len(headTime)+timeLen+1:]
		if rest[0] == '}' {
			h.known = true
			return h
		}
		if rest[0] != ',' {
			return head{}
		}
	} else if len(line) == 0 || line[0] != '{' {
		return h
	}
	rest = rest[1:]
	if !bytes.HasPrefix(rest, []byte(headID)) {
		// No txid: it would stand here.
		h.known = h.timed
		return h
	}
	rest = rest[len(headID):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
		return head{}
	}
	h.txid, h.known = rest[:end], true
	return h
}
