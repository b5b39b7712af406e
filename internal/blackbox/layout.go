package blackbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/txtrail/txtrail/entry"
)

// The file, in bytes; numbers are little-endian.
//
//	0     8  magic, the last byte is the version
//	8     8  the table's number, drawn at random
//	16    4  slots
//	20    4  length of the resource's line
//	24    4  CRC-32C of the bytes from 8 to 24, from 28 to 32, and of that line
//	28    4  where the slots are: 0 in this file, 1 in memory
//	32    8  Unix nanoseconds when the process was last seen alive, 0: never
//	64       the resource's line: the canonical line of an entry that has nothing but it
//	         and, as its logger, the name under which the process wrote its journal
//	4096     slots of 256 each
//
// With the slots in memory the file ends here, and another one in the memory's file
// system (see memory.go) is the whole table, the header included. The lock is that of
// the first.
//
// A slot:
//
//	0     8  state: 0 never used, even: free, odd: in use; it changes with each use
//	8     4  CRC-32C of the bytes from 12 to the end of the texts
//	12    1  length of the txid
//	13    1  length of the method
//	14    1  length of the path
//	15    1  flags
//	16    8  when the request began, Unix nanoseconds
//	24    8  span
//	32    8  parent
//	40  128  texts: txid, method, path
//	168   1  length of the route, written after it
//	169  87  route
const (
	magic      = "TXTRFLY1"
	headerSize = 4096
	headerText = 64

	offNumber = 8
	offSlots  = 16
	offLine   = 20
	offCRC    = 24
	offWhere  = 28
	offSeen   = 32

	slotSize   = 256
	slotCRC    = 8
	slotLens   = 12 // also where the check begins
	slotFlags  = 15
	slotStart  = 16
	slotSpan   = 24
	slotParent = 32
	slotText   = 40
	textSize   = 128
	slotRoute  = slotText + textSize // its length
	routeText  = slotRoute + 1
	routeSize  = slotSize - routeText

	// MaxSlots bounds a table, in slots, and with it what a hostile file makes a reader
	// hold.
	MaxSlots = 1 << 16
)

// flagStream is set for a connection that was taken over.
const flagStream = 1

// inUse is the bit of the state that says so.
const inUse = 1

// What may be wrong with a file.
var (
	// ErrDamaged: it is no table, or not a whole one.
	ErrDamaged = errors.New("blackbox: damaged table")
	// ErrVersion: a table of a version that is not known here.
	ErrVersion = errors.New("blackbox: unknown version")
	// ErrAlive: the process that it belongs to is alive.
	ErrAlive = errors.New("blackbox: its process is alive")
	// ErrGone: its slots were in a memory that is gone, with its container or machine.
	ErrGone = errors.New("blackbox: what was in flight is gone with the memory")
	// ErrUnsupported: this system has no means for a table.
	ErrUnsupported = errors.New("blackbox: not available on this system")
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// header is what a table says of itself.
type header struct {
	number uint64
	slots  int
	memory bool // the slots are there
	seen   int64
	line   []byte // the resource's
}

func fileSize(slots int) int64 { return headerSize + int64(slots)*slotSize }

// encode returns the first headerSize bytes of a file. A line for which there is no
// room is left out.
func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	le := binary.LittleEndian
	copy(b, magic)
	le.PutUint64(b[offNumber:], h.number)
	le.PutUint32(b[offSlots:], uint32(h.slots))
	if h.memory {
		b[offWhere] = 1
	}
	if len(h.line) <= headerSize-headerText {
		le.PutUint32(b[offLine:], uint32(len(h.line)))
		copy(b[headerText:], h.line)
	}
	le.PutUint32(b[offCRC:], headerCRC(b))
	return b
}

func headerCRC(b []byte) uint32 {
	n := binary.LittleEndian.Uint32(b[offLine:])
	crc := crc32.Update(0, castagnoli(), b[offNumber:offCRC])
	crc = crc32.Update(crc, castagnoli(), b[offWhere:offSeen])
	return crc32.Update(crc, castagnoli(), b[headerText:headerText+n])
}

// parseHeader reads what encode wrote, of a file of the given size.
func parseHeader(b []byte, size int64) (*header, error) {
	le := binary.LittleEndian
	switch {
	case len(b) < headerSize:
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, size)
	case string(b[:len(magic)-1]) != magic[:len(magic)-1]:
		return nil, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	case string(b[:len(magic)]) != magic:
		return nil, fmt.Errorf("%w: %q", ErrVersion, b[len(magic)-1])
	case le.Uint32(b[offLine:]) > headerSize-headerText:
		return nil, fmt.Errorf("%w: the resource is too long", ErrDamaged)
	case le.Uint32(b[offCRC:]) != headerCRC(b):
		return nil, fmt.Errorf("%w: its header fails the check", ErrDamaged)
	}
	h := &header{
		number: le.Uint64(b[offNumber:]), slots: int(le.Uint32(b[offSlots:])), seen: int64(le.Uint64(b[offSeen:])),
		line: b[headerText : headerText+le.Uint32(b[offLine:])], memory: b[offWhere] == 1,
	}
	if h.slots < 1 || h.slots > MaxSlots {
		return nil, fmt.Errorf("%w: %d slots", ErrDamaged, h.slots)
	}
	return h, nil
}

// owner returns whose table it is, or nil where that is not known.
// journal is the name under which its process wrote, "" where that is not known.
func (h *header) owner() (r *entry.Resource, journal string) {
	if len(h.line) == 0 {
		return nil, ""
	}
	e, err := entry.Parse(h.line)
	if err != nil {
		return nil, ""
	}
	return e.Resource, e.Logger
}

// resourceLine is what a header says of a resource, the attributes last to go where
// there is too little room.
func resourceLine(r *entry.Resource, journal string) []byte {
	if r == nil && journal == "" {
		return nil
	}
	line := (&entry.Entry{Resource: r, Logger: journal}).AppendJSON(nil)
	if len(line) > headerSize-headerText && r != nil {
		bare := *r
		bare.Attributes = nil
		line = (&entry.Entry{Resource: &bare, Logger: journal}).AppendJSON(nil)
	}
	return line
}
