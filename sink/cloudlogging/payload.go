package cloudloggingsink

// The payload is a google.protobuf.Struct, written while the JSON is read. Lengths
// stand before what they are the lengths of: for a string they are known in time;
// for an object or a list the content is written first, behind room for the longest
// head, and moved once.

// maxLen is the longest varint of a length here: up to 256 MiB.
const maxLen = 4

// appendField appends one member of an object as a field of a Struct.
func (x *encoder) appendField(b, key []byte, depth int) []byte {
	s := &x.s
	switch s.peek() {
	case '"':
		return appendStringField(b, key, s.str())
	case '{', '[':
		const heads = 3*(1+maxLen) + 1 + maxLen
		start, room := len(b), heads+len(key)
		b = append(b, x.room(room)...)
		var tag byte
		b, tag = x.appendInside(b, depth)
		n := len(b) - start - room
		value := 1 + width(n) + n
		head := appendFieldHead(b[start:start:start+room], key, value)
		head = appendVarint(append(head, tag), uint64(n))
		return b[:start+len(head)+copy(b[start+len(head):], b[start+room:])]
	}
	var v [9]byte
	scalar := x.appendScalar(v[:0])
	return append(appendFieldHead(b, key, len(scalar)), scalar...)
}

// appendItem appends one item of a list.
func (x *encoder) appendItem(b []byte, depth int) []byte {
	s := &x.s
	switch s.peek() {
	case '"':
		v := s.str()
		b = appendVarint(append(b, tagItem), uint64(1+width(len(v))+len(v)))
		return appendStringValue(b, v)
	case '{', '[':
		const room = 2 * (1 + maxLen)
		start := len(b)
		b = append(b, x.room(room)...)
		var tag byte
		b, tag = x.appendInside(b, depth)
		n := len(b) - start - room
		head := appendVarint(append(b[start:start:start+room], tagItem), uint64(1+width(n)+n))
		head = appendVarint(append(head, tag), uint64(n))
		return b[:start+len(head)+copy(b[start+len(head):], b[start+room:])]
	}
	var v [9]byte
	scalar := x.appendScalar(v[:0])
	return append(append(append(b, tagItem), byte(len(scalar))), scalar...)
}

// appendInside appends the content of an object or a list, and returns the tag of
// the Value that holds it.
func (x *encoder) appendInside(b []byte, depth int) ([]byte, byte) {
	s := &x.s
	if depth > maxDepth {
		s.fail()
		return b, tagStruct
	}
	if s.peek() == '[' {
		s.i++
		for first := true; s.more(']', first); first = false {
			b = x.appendItem(b, depth+1)
		}
		return b, tagList
	}
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		key := s.key()
		b = x.appendField(b, key, depth+1)
	}
	return b, tagStruct
}

// appendScalar appends a Value that is no string, object or list.
func (x *encoder) appendScalar(b []byte) []byte {
	s := &x.s
	switch s.peek() {
	case 't':
		s.word("true")
		return appendBoolValue(b, true)
	case 'f':
		s.word("false")
		return appendBoolValue(b, false)
	case 'n':
		s.word("null")
		return append(b, tagNull, 0)
	}
	return appendNumberValue(b, s.number())
}

// room returns n bytes to be written over.
func (x *encoder) room(n int) []byte {
	for len(x.zeros) < n {
		x.zeros = append(x.zeros, make([]byte, 64)...)
	}
	return x.zeros[:n]
}
