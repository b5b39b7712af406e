package entry

import (
	"encoding/binary"
	"unsafe"
)

// The line is written by functions that take the memory and where to write, and return
// where they ended: a line is a hundred small pieces, and a place that is kept in memory
// would have to be read back for each. All write to out[n:] only. Where that has no room
// they return full(out), and with that every later one does the same, so that nobody in
// between need look: the line is then written again into more.
//
// Each member ends in a comma. Closing what it is in takes the last one away.

// full is where nothing can be written.
func full(out []byte) int { return len(out) + 1 }

// literal writes a key alone.
func literal(out []byte, n int, k *key) int {
	if len(out)-n < keyRoom {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	return n + k.n
}

// shut ends an object or array that has a member: its last comma becomes the bracket.
func shut(out []byte, n int, bracket byte) int {
	if n >= len(out) {
		return full(out)
	}
	out[n-1], out[n] = bracket, ','
	return n + 1
}

// closed ends what a literal at begun has opened, with the first member at at, or takes it
// out again if there is none.
func closed(out []byte, begun, at, n int, bracket byte) int {
	if n == at && n <= len(out) {
		return begun
	}
	return shut(out, n, bracket)
}

// nothing writes an object without members.
func nothing(out []byte, n int) int {
	if len(out)-n < 3 {
		return full(out)
	}
	return n + copy(out[n:], "{},")
}

// str writes a string, if there is one. It is what most of a line is made of, and of that
// most are empty.
func str(out []byte, n int, k *key, v string) int {
	if v == "" {
		return n
	}
	return quoted(out, n, k, v)
}

// within writes a string that is the only one in so many objects that k opens.
func within(out []byte, n int, k *key, v string, objects int) int {
	if v == "" {
		return n
	}
	n = quoted(out, n, k, v)
	for range objects {
		n = shut(out, n, '}')
	}
	return n
}

// quoted writes a string.
func quoted(out []byte, n int, k *key, v string) int {
	if len(out)-n < len(v)+keyRoom {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	n += k.n
	end := n + len(v)
	if !plain(unsafe.Pointer(unsafe.SliceData(out[n:end])), v) {
		return escaped(out, n, v, `",`)
	}
	out[end], out[end+1] = '"', ','
	return end + 2
}

// escaped writes what plain does not take, and what follows.
func escaped(out []byte, n int, v, after string) int {
	n = quote(out, n, unsafe.Slice(unsafe.StringData(v), len(v)), false)
	if len(out)-n < len(after) {
		return full(out)
	}
	return n + copy(out[n:], after)
}

// plain copies v to where to points, which has room for it, if it may stand in a line as it
// is: ASCII without anything that is escaped. If not, it may have copied half of it.
func plain(to unsafe.Pointer, v string) bool {
	from := unsafe.Pointer(unsafe.StringData(v))
	if last := len(v) - 8; last >= 0 {
		// The last eight bytes may be some that are copied already.
		w := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(from, last))[:])
		*(*[8]byte)(unsafe.Add(to, last)) = *(*[8]byte)(unsafe.Add(from, last))
		simple, long := marks(w, highs, 0)
		for i := 0; i < last; i += 8 {
			w := binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(from, i))[:])
			*(*[8]byte)(unsafe.Add(to, i)) = *(*[8]byte)(unsafe.Add(from, i))
			simple, long = marks(w, simple, long)
		}
		return ^simple&highs|long&highs == 0
	}
	if last := len(v) - 4; last >= 0 {
		lo, hi := (*[4]byte)(from), (*[4]byte)(unsafe.Add(from, last))
		simple, long := marks(uint64(binary.LittleEndian.Uint32(lo[:]))|uint64(binary.LittleEndian.Uint32(hi[:]))<<32, highs, 0)
		*(*[4]byte)(to), *(*[4]byte)(unsafe.Add(to, last)) = *lo, *hi
		return ^simple&highs|long&highs == 0
	}
	var all pairOf
	for i := range len(v) {
		*(*byte)(unsafe.Add(to, i)) = v[i]
		all |= pairsAny[v[i]] >> 16
	}
	return all <= 1
}

// marks takes the high bits out of simple for the controls, quotation marks and backslashes
// of w, and puts them into long for DEL and what is no ASCII. Where there is some of that,
// simple may say too much.
func marks(w, simple, long uint64) (uint64, uint64) {
	return simple & (w ^ ones*'"' + (highs - ones)) & (w ^ ones*'\\' + (highs - ones)) & (w + ones*(0x80-' ')),
		long | w | (w + ones)
}

// integer writes a number, if it is not 0.
func integer(out []byte, n int, k *key, v int64) int {
	if v == 0 {
		return n
	}
	return number(out, n, k, v)
}

// numberRoom is more than a number and what follows it take.
const numberRoom = 24

func number(out []byte, n int, k *key, v int64) int {
	if len(out)-n < keyRoom+numberRoom {
		return full(out)
	}
	*(*[keyRoom]byte)(out[n:]) = k.text
	n = decimal(out, n+k.n, v)
	out[n] = ','
	return n + 1
}

// int64String writes an int64 as protobuf's JSON does, as a string.
func int64String(out []byte, n int, k *key, v int64) int {
	if v == 0 {
		return n
	}
	if n = number(out, n, k, v); n > len(out) {
		return n
	}
	out[n-1], out[n] = '"', ',' // there is more room than a number needs
	return n + 1
}

func boolean(out []byte, n int, k *key, v bool) int {
	if !v {
		return n
	}
	if n = literal(out, n, k); len(out)-n < 5 {
		return full(out)
	}
	return n + copy(out[n:], "true,")
}

func headers(out []byte, n int, k *key, hs []Header) int {
	if len(hs) == 0 {
		return n
	}
	n = literal(out, n, k)
	for i := range hs {
		n = pair(out, n, hs[i].Name, hs[i].Value)
	}
	return shut(out, n, ']')
}

func labels(out []byte, n int, k *key, ls []Label) int {
	if len(ls) == 0 {
		return n
	}
	n = literal(out, n, k)
	for i := range ls {
		n = pair(out, n, ls[i].Name, ls[i].Value)
	}
	return shut(out, n, ']')
}

// What a pair has beside its name and its value.
const (
	beforeName  = `{"name":"`
	beforeValue = `","value":"`
	afterValue  = `"},`
)

// pair writes a name and a value, either of which may be empty.
func pair(out []byte, n int, name, value string) int {
	if len(out)-n < len(name)+len(value)+keyRoom {
		return full(out)
	}
	copy(out[n:n+len(beforeName)], beforeName)
	n += len(beforeName)
	end := n + len(name)
	if plain(unsafe.Pointer(unsafe.SliceData(out[n:end])), name) {
		copy(out[end:end+len(beforeValue)], beforeValue)
		end += len(beforeValue)
	} else if end = escaped(out, n, name, beforeValue); len(out)-end < len(value)+keyRoom {
		return full(out)
	}
	n, end = end, end+len(value)
	if !plain(unsafe.Pointer(unsafe.SliceData(out[n:end])), value) {
		return escaped(out, n, value, afterValue)
	}
	copy(out[end:end+len(afterValue)], afterValue)
	return end + len(afterValue)
}

func (b *Body) encode(out []byte, n int, valid bool) int {
	begun := n
	n = literal(out, n, &keyBody)
	at := n
	n = str(out, n, &keyType, b.Type)
	n = str(out, n, &keyContentEncoding, b.ContentEncoding)
	n = str(out, n, &keyEncoding, b.Encoding)
	if len(b.Content) > 0 {
		n = literal(out, n, &keyContent)
		n = quote(out, n, b.Content, valid && b.Encoding == "utf-8")
		if len(out)-n < 2 {
			return full(out)
		}
		out[n], out[n+1] = '"', ','
		n += 2
	}
	n = integer(out, n, &keySize, b.Size)
	n = boolean(out, n, &keyTruncated, b.Truncated)
	n = str(out, n, &keyReason, b.Reason)
	n = integer(out, n, &keyChunks, int64(b.Chunks))
	return closed(out, begun, at, n, '}')
}

// verbatim writes what is encoded already.
func verbatim(out []byte, n int, text []byte) int {
	if len(out)-n < len(text) {
		return full(out)
	}
	return n + copy(out[n:], text)
}
