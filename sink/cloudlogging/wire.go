package cloudloggingsink

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The wire format is that of protobuf.dev/programming-guides/encoding; tags are
// field<<3 | wire type. Everything here appends and allocates nothing where there is
// room.

// The tags of google.logging.v2.LogEntry and what it holds.
const (
	tagInsertID  = 4<<3 | 2
	tagPayload   = 6<<3 | 2 // json_payload
	tagHTTP      = 7<<3 | 2
	tagTimestamp = 9<<3 | 2
	tagSeverity  = 10 << 3
	tagLabels    = 11<<3 | 2
	tagOperation = 15<<3 | 2
	tagTrace     = 22<<3 | 2
	tagSource    = 23<<3 | 2
	tagSpanID    = 27<<3 | 2
	tagSampled   = 30 << 3
	tagSplit     = 35<<3 | 2

	tagEntries = 4<<3 | 2 // WriteLogEntriesRequest.entries

	// google.logging.type.HttpRequest
	tagMethod       = 1<<3 | 2
	tagURL          = 2<<3 | 2
	tagRequestSize  = 3 << 3
	tagStatus       = 4 << 3
	tagResponseSize = 5 << 3
	tagUserAgent    = 6<<3 | 2
	tagRemoteIP     = 7<<3 | 2
	tagReferer      = 8<<3 | 2
	tagCacheHit     = 9 << 3
	tagLatency      = 14<<3 | 2
	tagProtocol     = 15<<3 | 2

	// google.protobuf.Struct: fields is a map of string and Value.
	tagField = 1<<3 | 2
	tagKey   = 1<<3 | 2
	tagValue = 2<<3 | 2
	// google.protobuf.Value
	tagNull   = 1 << 3
	tagNumber = 2<<3 | 1
	tagString = 3<<3 | 2
	tagBool   = 4 << 3
	tagStruct = 5<<3 | 2
	tagList   = 6<<3 | 2
	tagItem   = 1<<3 | 2 // ListValue.values
)

// width is how many bytes v takes as a varint.
func width(v int) int { return (bits.Len64(uint64(v)|1) + 6) / 7 }

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendInt appends an int field of a proto3 message: nothing if it is 0.
func appendInt(b []byte, tag uint64, v int64) []byte {
	if v == 0 {
		return b
	}
	return appendVarint(appendVarint(b, tag), uint64(v))
}

// appendText appends a string field of a proto3 message: nothing if it is empty.
func appendText[S []byte | string](b []byte, tag uint64, v S) []byte {
	if len(v) == 0 {
		return b
	}
	return append(appendVarint(appendVarint(b, tag), uint64(len(v))), v...)
}

// appendPair appends a map<string, string> entry.
func appendPair[K, V []byte | string](b []byte, tag uint64, k K, v V) []byte {
	n := 1 + width(len(k)) + len(k) + 1 + width(len(v)) + len(v)
	b = appendVarint(appendVarint(b, tag), uint64(n))
	b = append(appendVarint(append(b, tagKey), uint64(len(k))), k...)
	return append(appendVarint(append(b, tagValue), uint64(len(v))), v...)
}

// reserved is the width of a length up to 16 KiB, which most entries have: they need
// not be moved.
const reserved = 2

// begin reserves room for the length of what follows; finish puts it in.
func begin(b []byte) ([]byte, int) { return append(b, 0, 0), len(b) }

// finish writes the length of what was appended since begin before it. It moves it
// where the length takes less or more room than was reserved.
func finish(b []byte, at int) []byte {
	n := len(b) - at - reserved
	w := width(n)
	if w > reserved {
		b = append(b, make([]byte, w-reserved)...)
	}
	copy(b[at+w:], b[at+reserved:at+reserved+n])
	putVarint(b[at:], n)
	return b[:at+w+n]
}

func putVarint(b []byte, v int) int { return binary.PutUvarint(b, uint64(v)) }

// appendFieldHead appends the beginning of a Struct's field whose Value has n bytes.
func appendFieldHead(b, key []byte, n int) []byte {
	entry := 1 + width(len(key)) + len(key) + 1 + width(n) + n
	b = appendVarint(append(b, tagField), uint64(entry))
	b = append(appendVarint(append(b, tagKey), uint64(len(key))), key...)
	return appendVarint(append(b, tagValue), uint64(n))
}

func appendStringField(b, key, v []byte) []byte {
	b = appendFieldHead(b, key, 1+width(len(v))+len(v))
	return appendStringValue(b, v)
}

func appendStringValue(b, v []byte) []byte {
	return append(appendVarint(append(b, tagString), uint64(len(v))), v...)
}

func appendNumberValue(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, tagNumber), math.Float64bits(v))
}

func appendBoolValue(b []byte, v bool) []byte {
	if v {
		return append(b, tagBool, 1)
	}
	return append(b, tagBool, 0)
}
