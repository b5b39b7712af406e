package journalsink

import (
	"encoding/binary"
	"fmt"
)

// The origins' section is in a merged file alone. It says which closed files it was
// made of, and where their bytes are in it: a place in one of them is that place,
// moved.
//
//	u32 files, per file: u64 offset in the decompressed bytes, u64 size, u32 good
//	lines, u8 length of the base, the base
const sectionOrigins = 5

// originLen is the length of a record without the base.
const originLen = 8 + 8 + 4 + 1

// maxOrigins bounds the files that are merged into one.
const maxOrigins = 256

// origin is a file that a merged file was made of.
type origin struct {
	base string
	at   int64 // of its first byte in the merged file, decompressed
	size int64 // decompressed
	rows int64 // good lines
}

func encodeOrigins(origins []origin) []byte {
	if len(origins) == 0 {
		return nil
	}
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(origins)))
	for _, o := range origins {
		b = le.AppendUint64(b, uint64(o.at))
		b = le.AppendUint64(b, uint64(o.size))
		b = le.AppendUint32(b, uint32(o.rows))
		b = append(b, byte(len(o.base)))
		b = append(b, o.base...)
	}
	return b
}

func parseOrigins(s []byte) ([]origin, error) {
	bad := fmt.Errorf("%w: the origins' section is malformed", ErrIndex)
	if len(s) < 4 {
		return nil, bad
	}
	le := binary.LittleEndian
	n := le.Uint32(s)
	if s = s[4:]; n > maxOrigins {
		return nil, bad
	}
	origins := make([]origin, n)
	for i := range origins {
		if len(s) < originLen || len(s) < originLen+int(s[originLen-1]) {
			return nil, bad
		}
		o := &origins[i]
		o.at, o.size = int64(le.Uint64(s)), int64(le.Uint64(s[8:]))
		o.rows = int64(le.Uint32(s[16:]))
		n := originLen + int(s[originLen-1])
		o.base = string(s[originLen:n])
		if _, _, ok := splitName(o.base + extClosed); !ok {
			return nil, bad
		}
		s = s[n:]
	}
	if len(s) > 0 {
		return nil, bad
	}
	return origins, nil
}
