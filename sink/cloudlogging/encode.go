package cloudloggingsink

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"math"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// The limits of the service that are looked after here
// (cloud.google.com/logging/quotas).
const (
	maxEntry      = 240 << 10           // of 256 KiB: the log's name and the resource count too
	maxRequest    = 5 << 20             // of 10 MB: what is resent after a fault is smaller
	maxLabels     = 64                  // labels of one entry
	maxLabelKey   = 512                 // bytes
	maxLabelValue = 64 << 10            // bytes
	maxIndexed    = 32 << 10            // bytes of labels that are indexed; all of them are in the payload
	maxFuture     = 24 * time.Hour      // what is later is refused, or thrown away
	defaultPast   = 29 * 24 * time.Hour // what is older than the retention, 30 days by default, is thrown away
)

// errTooLarge says that an entry has to be split.
var errTooLarge = errors.New("cloudloggingsink: entry larger than the service takes")

// The labels of the sink's own, beside the txid: what people filter by, since
// labels are indexed and the payload is not.
const (
	labelTxID        = "txid"
	labelService     = "service"
	labelVersion     = "version"
	labelEnvironment = "environment"
	labelUser        = "user"
)

func ownLabel(name []byte) bool {
	switch string(name) {
	case labelTxID, labelService, labelVersion, labelEnvironment, labelUser:
		return true
	}
	return false
}

// part says which piece of an entry is encoded. The zero part is the whole.
type part struct {
	uid          string
	index, total int
}

// encoder turns canonical lines into LogEntry messages in wire format. It keeps its
// buffers from one entry to the next and is for one goroutine.
type encoder struct {
	trace string        // "projects/P/traces/"
	past  time.Duration // the service keeps nothing older
	s     scanner
	rest  []byte // the fields beside the payload
	zeros []byte
	size  int // of the last message

	// of the entry being encoded
	seen            [][]byte // the line's keys
	mask            uint64
	kind, origin    string
	parented        bool
	id              []byte // operation.id
	producer        []byte
	clamped         bool // the time is not the entry's
	timed, insertID bool
	service, deploy span
	user            span
}

// span is a piece of the line.
type span struct{ from, to int }

// append appends one LogEntry as the field entries of a WriteLogEntriesRequest. The
// error is errLine, or errTooLarge; then dst comes back as it was.
func (x *encoder) append(dst, line []byte, now time.Time, p part) ([]byte, error) {
	b, err := x.appendAny(dst, line, now, p)
	if err == nil && x.size > maxEntry {
		return dst, errTooLarge
	}
	return b, err
}

// appendAny is append for a LogEntry of any size.
func (x *encoder) appendAny(dst, line []byte, now time.Time, p part) ([]byte, error) {
	if !utf8.Valid(line) { // one such byte costs the whole request
		line = bytes.ToValidUTF8(line, []byte("\ufffd"))
	}
	*x = encoder{
		trace: x.trace, past: x.past, s: scanner{b: line, tmp: x.s.tmp}, zeros: x.zeros,
		rest: x.rest[:0], id: x.id[:0], producer: x.producer[:0], seen: x.seen[:0],
	}
	b, whole := begin(append(dst, tagEntries))
	b, payload := begin(append(b, tagPayload))
	s := &x.s
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		key := s.key()
		if x.again(key) {
			return dst, errLine
		}
		b = x.member(b, key, now)
	}
	if s.peek() != 0 || s.bad {
		return dst, errLine
	}
	if !x.timed {
		b = x.clamp(b, []byte("0001-01-01T00:00:00.000000000Z"), now) // the zero time, as package entry reads it
	}
	b = finish(b, payload)
	x.finishLabels()
	x.finishOperation()
	if !x.insertID { // redelivery is idempotent by it, so it must not change
		x.rest = appendText(x.rest, tagInsertID, madeID(line))
	}
	if p.total > 0 {
		var at int
		x.rest, at = begin(appendVarint(x.rest, tagSplit))
		x.rest = appendText(x.rest, 1<<3|2, p.uid)
		x.rest = appendInt(x.rest, 2<<3, int64(p.index))
		x.rest = appendInt(x.rest, 3<<3, int64(p.total))
		x.rest = finish(x.rest, at)
	}
	b = append(b, x.rest...)
	x.size = len(b) - whole - reserved
	return finish(b, whole), nil
}

// maxKeys is more than a line has.
const maxKeys = 48

// again reports whether a line's key came before: messages that come twice are merged by
// who reads the wire, which is not what package entry reads. Keys that this sink puts into
// the payload by itself must not come at all. A bit for each key says, as a rule, that
// nothing has to be compared.
func (x *encoder) again(key []byte) bool {
	switch string(key) {
	case "labels", "split":
		return true
	}
	h := uint(len(key))
	if h > 0 {
		h += uint(key[0])*14 + uint(key[h-1])*16 // of the canonical keys two share a bit with another
	}
	bit := uint64(1) << (h % 64)
	if x.mask&bit != 0 {
		for _, k := range x.seen {
			if string(k) == string(key) {
				return true
			}
		}
	}
	x.mask |= bit
	x.seen = append(x.seen, key)
	return len(x.seen) > maxKeys
}

// member takes one member of the line to where it belongs.
func (x *encoder) member(b, key []byte, now time.Time) []byte {
	s := &x.s
	switch string(key) {
	case "time":
		return x.time(b, now)
	case keyInsertID:
		if v := s.str(); len(v) > 0 {
			x.insertID = true
			x.rest = appendText(x.rest, tagInsertID, v)
		}
		return b
	case "severity":
		x.rest = appendInt(x.rest, tagSeverity, int64(severity(s.str())))
		return b
	case "httpRequest":
		return x.httpRequest(b)
	case keyLabels:
		return x.labels(b)
	case keyOperation:
		x.operation()
		return b
	case keySource:
		x.source()
		return b
	case keyTrace:
		if v := s.str(); len(v) > 0 {
			x.rest = appendVarint(appendVarint(x.rest, tagTrace), uint64(len(x.trace)+len(v)))
			x.rest = append(append(x.rest, x.trace...), v...)
		}
		return b
	case keySpanID:
		x.rest = appendText(x.rest, tagSpanID, s.str())
		return b
	case keySampled:
		if s.peek() == 't' {
			x.rest = appendInt(x.rest, tagSampled, 1)
		}
		s.skip(0)
		return b
	case "kind":
		v := s.str()
		x.kind = word(v)
		return appendStringField(b, key, v)
	case "origin":
		v := s.str()
		x.origin = word(v)
		return appendStringField(b, key, v)
	case "parent":
		x.parented = true
	}
	s.peek()
	from := s.i
	b = x.appendField(b, key, 0)
	at := span{from, s.i}
	switch string(key) {
	case "service":
		x.service = at
	case "deployment":
		x.deploy = at
	case "user":
		x.user = at
	}
	return b
}

// word returns v without an allocation where it is one that is asked for.
func word(v []byte) string {
	switch string(v) {
	case string(entry.KindServer):
		return string(entry.KindServer)
	case string(txid.OriginMinted):
		return string(txid.OriginMinted)
	}
	return ""
}

// time sets the timestamp. What is more than a day ahead the service refuses, or takes
// and never shows, as it does with what is older than what is kept.
func (x *encoder) time(b []byte, now time.Time) []byte {
	v := x.s.str()
	at, ok := parseTime(v)
	if !ok {
		x.s.fail()
		return b
	}
	x.timed = true
	if now.IsZero() {
		return x.clamp(b, v, now)
	}
	if ahead := at.Sub(now); ahead > maxFuture || ahead < -x.past {
		return x.clamp(b, v, now)
	}
	x.timestamp(at)
	return b
}

// clamp gives the entry the present, or leaves the time to the service; its own is kept in
// the payload.
func (x *encoder) clamp(b, own []byte, now time.Time) []byte {
	x.clamped = true
	if !now.IsZero() {
		x.timestamp(now)
	}
	return appendStringField(b, []byte("time"), own)
}

func (x *encoder) timestamp(at time.Time) {
	r, n := begin(appendVarint(x.rest, tagTimestamp))
	r = appendInt(r, 1<<3, at.Unix())
	r = appendInt(r, 2<<3, int64(at.Nanosecond()))
	x.rest = finish(r, n)
}

func (x *encoder) httpRequest(b []byte) []byte {
	s := &x.s
	s.peek()
	from, unknown := s.i, false
	var latency time.Duration
	r, at := begin(appendVarint(x.rest, tagHTTP))
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "requestMethod":
			r = appendText(r, tagMethod, s.str())
		case "requestUrl":
			r = appendText(r, tagURL, s.str())
		case "requestSize":
			r = appendInt(r, tagRequestSize, s.integer())
		case "status":
			r = appendInt(r, tagStatus, min(max(s.integer(), math.MinInt32), math.MaxInt32))
		case "responseSize":
			r = appendInt(r, tagResponseSize, s.integer())
		case "userAgent":
			r = appendText(r, tagUserAgent, s.str())
		case "remoteIp":
			r = appendText(r, tagRemoteIP, s.str())
		case "referer":
			r = appendText(r, tagReferer, s.str())
		case "latency":
			latency, _ = parseSeconds(s.str())
		case "cacheHit":
			if s.peek() == 't' {
				r = appendInt(r, tagCacheHit, 1)
			}
			s.skip(0)
		case "protocol":
			r = appendText(r, tagProtocol, s.str())
		default:
			unknown = true
			s.skip(0)
		}
	}
	x.rest = finish(appendLatency(r, latency), at)
	if unknown && !s.bad { // a newer version's: nothing of it is lost
		s.i = from
		b = x.appendField(b, []byte("httpRequest"), 0)
	}
	return b
}

// appendLatency appends a google.protobuf.Duration.
func appendLatency(b []byte, d time.Duration) []byte {
	if d == 0 {
		return b
	}
	b, at := begin(appendVarint(b, tagLatency))
	b = appendInt(b, 1<<3, int64(d/time.Second))
	b = appendInt(b, 2<<3, int64(d%time.Second))
	return finish(b, at)
}

// labels copies the user's labels into the payload, whole, in order and with their
// names in reach of a text search; and those that fit into the indexed labels.
func (x *encoder) labels(b []byte) []byte {
	s := &x.s
	s.peek()
	const room = 3*(1+maxLen) + 1 + maxLen + len("labels")
	start, user, indexed, size := len(b), 0, 0, 0
	b = append(b, x.room(room)...)
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		name := s.key()
		v := s.str()
		if string(name) == labelTxID {
			x.rest = appendPair(x.rest, tagLabels, name, v)
			continue
		}
		user++
		b = appendPairItem(b, name, v)
		const own = 5
		if n := len(name) + len(v); indexed < maxLabels-own && size+n <= maxIndexed && len(name) > 0 && len(name) <= maxLabelKey && !ownLabel(name) {
			indexed++
			size += n
			x.rest = appendPair(x.rest, tagLabels, name, v)
		}
	}
	if user == 0 {
		return b[:start]
	}
	n := len(b) - start - room
	head := appendFieldHead(b[start:start:start+room], []byte("labels"), 1+width(n)+n)
	head = appendVarint(append(head, tagList), uint64(n))
	return b[:start+len(head)+copy(b[start+len(head):], b[start+room:])]
}

// appendPairItem appends {"name": …, "value": …} as an item of a list.
func appendPairItem(b, name, value []byte) []byte {
	size := func(key string, v []byte) int {
		inner := 1 + width(len(v)) + len(v)
		return 1 + 1 + len(key) + 1 + width(inner) + inner
	}
	n, v := size("name", name), size("value", value)
	n, v = 1+width(n)+n, 1+width(v)+v
	fields := n + v
	b = appendVarint(append(b, tagItem), uint64(1+width(fields)+fields))
	b = appendVarint(append(b, tagStruct), uint64(fields))
	return appendStringField(appendStringField(b, []byte("name"), name), []byte("value"), value)
}

func (x *encoder) operation() {
	s := &x.s
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "id":
			x.id = append(x.id[:0], s.str()...)
		case "producer":
			x.producer = append(x.producer[:0], s.str()...)
		default:
			s.skip(0)
		}
	}
}

// finishOperation says to which scenario the entry belongs. It is its first where a
// server minted the ID; which one is the last nobody can know.
func (x *encoder) finishOperation() {
	if len(x.id) == 0 {
		return
	}
	r, at := begin(appendVarint(x.rest, tagOperation))
	r = appendText(r, 1<<3|2, x.id)
	r = appendText(r, 2<<3|2, x.producer)
	if x.kind == string(entry.KindServer) && x.origin == string(txid.OriginMinted) && !x.parented {
		r = appendInt(r, 3<<3, 1)
	}
	x.rest = finish(r, at)
}

func (x *encoder) source() {
	s := &x.s
	r, at := begin(appendVarint(x.rest, tagSource))
	s.expect('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "file":
			r = appendText(r, 1<<3|2, s.str())
		case "line":
			r = appendInt(r, 2<<3, s.integer())
		case "function":
			r = appendText(r, 3<<3|2, s.str())
		default:
			s.skip(0)
		}
	}
	x.rest = finish(r, at)
}

// finishLabels adds the sink's own labels.
func (x *encoder) finishLabels() {
	x.within(x.service, func(key []byte) {
		switch string(key) {
		case "name":
			x.rest = appendOwn(x.rest, labelService, x.s.str())
		case "version":
			x.rest = appendOwn(x.rest, labelVersion, x.s.str())
		default:
			x.s.skip(0)
		}
	})
	x.within(x.user, func(key []byte) {
		if string(key) == "id" {
			x.rest = appendOwn(x.rest, labelUser, x.s.str())
			return
		}
		x.s.skip(0)
	})
	x.within(x.deploy, func(key []byte) {
		if string(key) != "environment" {
			x.s.skip(0)
			return
		}
		x.s.expect('{')
		for first := true; x.s.more('}', first); first = false {
			if string(x.s.key()) == "name" {
				x.rest = appendOwn(x.rest, labelEnvironment, x.s.str())
			} else {
				x.s.skip(0)
			}
		}
	})
}

func appendOwn(b []byte, name string, v []byte) []byte {
	if len(v) == 0 || len(v) > maxLabelValue {
		return b
	}
	return appendPair(b, tagLabels, name, v)
}

// within reads an object that has been read before once more.
func (x *encoder) within(at span, member func(key []byte)) {
	s := &x.s
	if at.to == 0 || s.b[at.from] != '{' {
		return
	}
	end := s.i
	s.i = at.from + 1
	for first := true; s.more('}', first); first = false {
		member(s.key())
	}
	s.i = end
}

// madeID is an insertId for a line that has none: the same each time it is sent.
func madeID(line []byte) string {
	h := fnv.New128a()
	_, _ = h.Write(line) // never fails
	return "txtrail" + hex.EncodeToString(h.Sum(nil))
}
