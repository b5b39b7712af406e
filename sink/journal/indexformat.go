package journalsink

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// The index is the payload of a skippable zstd frame (RFC 8878, section 3.1.2) at
// the end of a closed file. docs/journal.md has every byte; all numbers are
// little-endian.
//
//	header    "TXTRIDX1", u32 sections, u32 0
//	sections  u32 type, u32 length, bytes   (unknown types are skipped)
//	trailer   u32 payload length, u32 CRC-32C of all before it, "TXTRIDXE"
//
// Between the blocks and the index stands the frame of the columns.
const (
	indexMagic    = 0x184D2A54 // the fifth of the sixteen magics of skippable frames
	indexHead     = "TXTRIDX"
	indexVersion  = '1'
	indexTail     = "TXTRIDXE"
	indexHeadLen  = 16
	indexTailLen  = 16
	frameHeadLen  = 8 // magic and length of a skippable frame
	sectionBlocks = 1
	sectionIDs    = 2
	summaryLen    = 40
	blockLen      = 40
	// maxIndex bounds what is written and read, in bytes: some 5 million txids.
	maxIndex = 64 << 20
)

// block is a zstd frame of whole lines.
type block struct {
	at       int64 // offset in the file
	size     int64 // compressed
	plainAt  int64 // offset of its first line in the decompressed file
	plain    int64 // decompressed
	lines    int   // good ones
	damaged  int   // blanked ones
	min, max int64 // of the entries' times, Unix nanoseconds; min > max: none
}

// index is the parsed index of a closed file. It is immutable.
type index struct {
	blocks   []block
	entries  int64
	damaged  int
	plain    int64
	min, max int64
	ids      idTable
	hasIDs   bool
	filter   idFilter
	columns  columnsPlace
	origins  []origin
	size     int // bytes it holds
}

// section is one part of the index.
type section struct {
	kind uint32
	data []byte
}

// noTime is the range of something that has no time.
const (
	noMin = math.MaxInt64
	noMax = math.MinInt64
)

// appendIndex appends the index' frame. Sections without content are left out.
func appendIndex(dst []byte, blocks []block, others ...section) []byte {
	var sum index
	sum.min, sum.max = noMin, noMax
	for i := range blocks {
		b := &blocks[i]
		sum.entries += int64(b.lines)
		sum.damaged += b.damaged
		sum.plain += b.plain
		sum.min, sum.max = min(sum.min, b.min), max(sum.max, b.max)
	}
	le := binary.LittleEndian
	start := len(dst)
	dst = le.AppendUint32(dst, indexMagic)
	dst = le.AppendUint32(dst, 0) // the length, below
	payload := len(dst)
	dst = append(dst, indexHead...)
	dst = append(dst, indexVersion)
	sections := uint32(1)
	for i := range others {
		if len(others[i].data) > 0 {
			sections++
		}
	}
	dst = le.AppendUint32(dst, sections)
	dst = le.AppendUint32(dst, 0)

	dst = le.AppendUint32(dst, sectionBlocks)
	dst = le.AppendUint32(dst, uint32(summaryLen+blockLen*len(blocks)))
	dst = le.AppendUint64(dst, uint64(sum.entries))
	dst = le.AppendUint64(dst, uint64(sum.plain))
	dst = le.AppendUint64(dst, uint64(sum.min))
	dst = le.AppendUint64(dst, uint64(sum.max))
	dst = le.AppendUint32(dst, uint32(sum.damaged))
	dst = le.AppendUint32(dst, uint32(len(blocks)))
	for i := range blocks {
		b := &blocks[i]
		dst = le.AppendUint64(dst, uint64(b.at))
		dst = le.AppendUint32(dst, uint32(b.size))
		dst = le.AppendUint32(dst, uint32(b.plain))
		dst = le.AppendUint32(dst, uint32(b.lines))
		dst = le.AppendUint32(dst, uint32(b.damaged))
		dst = le.AppendUint64(dst, uint64(b.min))
		dst = le.AppendUint64(dst, uint64(b.max))
	}
	for i := range others {
		if o := &others[i]; len(o.data) > 0 {
			dst = le.AppendUint32(dst, o.kind)
			dst = le.AppendUint32(dst, uint32(len(o.data)))
			dst = append(dst, o.data...)
		}
	}
	dst = le.AppendUint32(dst, uint32(len(dst)-payload+indexTailLen))
	dst = le.AppendUint32(dst, crc32.Checksum(dst[payload:], castagnoli))
	dst = append(dst, indexTail...)
	le.PutUint32(dst[start+4:], uint32(len(dst)-payload))
	return dst
}

// trailerLen reads the trailer, the last bytes of a closed file, and returns the
// payload's length.
func trailerLen(tail []byte, file int64) (int64, error) {
	if len(tail) < indexTailLen || string(tail[len(tail)-8:]) != indexTail {
		return 0, fmt.Errorf("%w: no trailer at the file's end", ErrIndex)
	}
	n := int64(binary.LittleEndian.Uint32(tail[len(tail)-16:]))
	if n < indexHeadLen+indexTailLen || n+frameHeadLen > file || n > maxIndex {
		return 0, fmt.Errorf("%w: it gives its length as %d", ErrIndex, n)
	}
	return n, nil
}

// parseIndex reads a payload. at is the offset of its frame in the file: the blocks
// must end there or before. It keeps a part of payload.
func parseIndex(payload []byte, at int64) (*index, error) {
	n := len(payload)
	if n < indexHeadLen+indexTailLen {
		return nil, fmt.Errorf("%w: too short", ErrIndex)
	}
	le := binary.LittleEndian
	if crc32.Checksum(payload[:n-12], castagnoli) != le.Uint32(payload[n-12:]) {
		return nil, fmt.Errorf("%w: checksum does not match", ErrIndex)
	}
	if string(payload[:len(indexHead)]) != indexHead {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrIndex)
	}
	if v := payload[len(indexHead)]; v != indexVersion {
		return nil, fmt.Errorf("%w: %w: index of version %q, this library knows %q", ErrIndex, ErrVersion, v, indexVersion)
	}
	x := &index{min: noMin, max: noMax, size: n}
	var place []byte
	rest := payload[indexHeadLen : n-indexTailLen]
	found := false
	for range le.Uint32(payload[8:]) {
		if len(rest) < 8 {
			return nil, fmt.Errorf("%w: a section is missing", ErrIndex)
		}
		kind, size := le.Uint32(rest), int64(le.Uint32(rest[4:]))
		rest = rest[8:]
		if size > int64(len(rest)) {
			return nil, fmt.Errorf("%w: section %d is cut off", ErrIndex, kind)
		}
		section := rest[:size:size]
		rest = rest[size:]
		var err error
		switch kind {
		case sectionBlocks:
			found = true
			err = x.parseBlocks(section, at)
		case sectionIDs:
			x.hasIDs = true
			x.ids, err = parseIDs(section)
		case sectionFilter:
			x.filter, err = parseFilter(section)
		case sectionColumns:
			place = section
		case sectionOrigins:
			x.origins, err = parseOrigins(section)
		}
		if err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, fmt.Errorf("%w: it names no blocks", ErrIndex)
	}
	if place != nil {
		var ok bool
		if x.columns, ok = parsePlace(place); !ok || x.columns.at < x.blocksEnd() || x.columns.at > at-x.columns.size {
			return nil, fmt.Errorf("%w: the columns do not fit into the file", ErrIndex)
		}
	}
	rows := int64(0)
	for _, o := range x.origins {
		rows += o.rows
		if o.at < 0 || o.size < 0 || o.at > x.plain-o.size || rows > x.entries {
			return nil, fmt.Errorf("%w: a part of it does not fit into the file", ErrIndex)
		}
	}
	return x, nil
}

// minLine is the fewest bytes that a line takes which is not empty, with its newline.
const minLine = 2

// parseBlocks reads the blocks and takes the summary from them: the section's own says
// the same, or the index is none. A checksum says that the bytes are those that were
// written, not who wrote them, so that nothing is believed that the file can not hold.
func (x *index) parseBlocks(s []byte, end int64) error {
	if len(s) < summaryLen {
		return fmt.Errorf("%w: the blocks' section is too short", ErrIndex)
	}
	le := binary.LittleEndian
	head, s := s[:summaryLen], s[summaryLen:]
	count := int64(le.Uint32(head[36:]))
	if count*blockLen != int64(len(s)) {
		return fmt.Errorf("%w: %d blocks do not fill its section", ErrIndex, count)
	}
	x.blocks = make([]block, count)
	x.size += int(count) * 64
	var at, damaged int64
	x.entries, x.plain, x.min, x.max = 0, 0, noMin, noMax
	for i := range x.blocks {
		lines := int64(le.Uint32(s[16:]))
		x.blocks[i] = block{
			at:      int64(le.Uint64(s)),
			size:    int64(le.Uint32(s[8:])),
			plainAt: x.plain,
			plain:   int64(le.Uint32(s[12:])),
			lines:   int(lines),
			damaged: int(le.Uint32(s[20:])),
			min:     int64(le.Uint64(s[24:])),
			max:     int64(le.Uint64(s[32:])),
		}
		b := &x.blocks[i]
		if b.at != at || b.size == 0 {
			return fmt.Errorf("%w: block %d does not follow the one before it", ErrIndex, i)
		}
		if b.size > maxFrame || b.plain > maxFrame || lines > b.plain/minLine {
			return fmt.Errorf("%w: block %d can not have %d bytes, decompressed %d, and %d lines", ErrIndex, i, b.size, b.plain, lines)
		}
		at += b.size
		x.plain += b.plain
		x.entries += lines
		damaged += int64(le.Uint32(s[20:]))
		x.min, x.max = min(x.min, b.min), max(x.max, b.max)
		s = s[blockLen:]
	}
	// Between the blocks and the index other frames may stand, of a later version. The
	// damaged lines of a merged file's part are counted in its last block, wherever they
	// are, so that only all together must fit.
	if at > end || x.plain > maxPlain || x.entries+damaged > x.plain/minLine {
		return fmt.Errorf("%w: the blocks do not fit into the file", ErrIndex)
	}
	x.damaged = int(damaged)
	if le.Uint64(head) != uint64(x.entries) || le.Uint64(head[8:]) != uint64(x.plain) ||
		le.Uint64(head[16:]) != uint64(x.min) || le.Uint64(head[24:]) != uint64(x.max) ||
		int64(le.Uint32(head[32:])) != damaged {
		return fmt.Errorf("%w: its summary is not that of its blocks", ErrIndex)
	}
	return nil
}

// blocksEnd returns the offset behind the last block.
func (x *index) blocksEnd() int64 {
	if n := len(x.blocks); n > 0 {
		return x.blocks[n-1].at + x.blocks[n-1].size
	}
	return 0
}

// findAny returns the numbers of the blocks that may have a txid with one of the
// prefixes, in ascending order.
func (x *index) findAny(s *prefixSet) []int {
	var all []int
	for i, p := range s.all {
		if !s.hashed[i] || x.filter.mayHave(s.hashes[i]) {
			all = append(all, x.find(p)...)
		}
	}
	if len(s.all) > 1 {
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

// find returns the numbers of the blocks that may have a txid with this prefix, in
// ascending order.
func (x *index) find(prefix string) []int {
	if x.hasIDs {
		return x.ids.find(prefix, len(x.blocks))
	}
	all := make([]int, len(x.blocks))
	for i := range all {
		all[i] = i
	}
	return all
}
