package stdoutsink

import (
	"bytes"
	"strconv"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// What a line has behind the canonical one. Agents take the labels out of a line, sort
// them, leave out names that are the platform's and add labels of the platform: the
// list in the payload says which are the user's, in their order. It has the shape that
// sink/cloudlogging gives it, and is there when it is empty, since that says something
// too. What has no txid, as losses, crashes and lines outside of requests, has no
// operation by whose producer a query finds what this module wrote.
const (
	labelsHead = `,"labels":[`
	labelFrame = `{"name":"","value":""},`
	operation  = `,"logging.googleapis.com/operation":{"producer":"` + entry.Producer + `"}`
	traceKey   = `,"logging.googleapis.com/trace":"`
)

// lines are those of a batch.
type lines struct {
	buf   []byte
	ends  []int // where each line of buf ends
	index []int // its entry in the batch
}

// maxKept bounds the buffer that is kept between batches.
const maxKept = 4 << 20

// reset begins another batch, behind a line that was cut if torn.
func (l *lines) reset(torn bool) {
	if cap(l.buf) > maxKept {
		l.buf = nil
	}
	l.buf, l.ends, l.index = l.buf[:0], l.ends[:0], l.index[:0]
	if torn {
		l.buf = append(l.buf, '\n')
	}
}

// failed adds the entries that are not out when n bytes are.
func (l *lines) failed(partial *sink.PartialError, n int, err error) {
	if err == nil {
		return
	}
	why := failure(err)
	for j, end := range l.ends {
		if f := partial.Failed; len(f) > 0 && f[len(f)-1].Index == l.index[j] {
			continue // another line of the same entry
		}
		if end-1 > n { // a line that lacks nothing but its newline is out
			partial.Failed = append(partial.Failed, sink.Failure{Index: l.index[j], Err: why})
		}
	}
}

// piece says which part of an entry a line is. The zero piece is a whole one.
type piece struct {
	uid          []byte // as JSON
	index, total int
	joint        string
}

// line adds a line: e's, which is canonical, with what agents need beside.
func (l *lines) line(i int, e *entry.Entry, line []byte, trace string, p piece) {
	b := l.buf
	if at := traceAt(e, line); at > 0 && trace != "" {
		b = append(append(b, line[:at]...), trace...)
		line = line[at:]
	}
	b = append(b, bytes.TrimSuffix(line, []byte("}"))...)
	first := len(b)
	if e.TxID == "" {
		b = append(b, operation...)
	}
	b = append(b, labelsHead...)
	for j := range e.Labels {
		if j > 0 {
			b = append(b, ',')
		}
		b = appendEscaped(append(b, `{"name":"`...), e.Labels[j].Name)
		b = appendEscaped(append(b, `","value":"`...), e.Labels[j].Value)
		b = append(b, '"', '}')
	}
	b = append(b, ']')
	if p.total > 0 {
		b = append(append(b, `,"split":{"uid":`...), p.uid...)
		b = strconv.AppendInt(append(b, `,"index":`...), int64(p.index), 10)
		b = strconv.AppendInt(append(b, `,"total":`...), int64(p.total), 10)
		if p.joint != "" {
			b = append(append(append(b, `,"joint":"`...), p.joint...), '"')
		}
		b = append(b, '}')
	}
	if b[first-1] == '{' { // an entry that says nothing
		b = append(b[:first], b[first+1:]...)
	}
	l.buf = append(b, '}', '\n')
	l.ends = append(l.ends, len(l.buf))
	l.index = append(l.index, i)
}

// beside is how many bytes line adds to a canonical line, but for the trace's project
// and the piece.
func beside(e *entry.Entry) int {
	n := len(labelsHead) + len("]")
	if e.TxID == "" {
		n += len(operation)
	}
	for i := range e.Labels {
		n += len(labelFrame) + escapedLen([]byte(e.Labels[i].Name)) + escapedLen([]byte(e.Labels[i].Value))
	}
	return n
}

// traceAt returns where the trace's ID begins in e's line, 0 without one. It stands
// behind the labels, of which one may have the key's name; within a string the quotes
// of the key are escaped.
func traceAt(e *entry.Entry, line []byte) int {
	if e.Trace.ID == "" {
		return 0
	}
	if at := bytes.LastIndex(line, []byte(traceKey)); at > 0 {
		return at + len(traceKey)
	}
	return 0
}
