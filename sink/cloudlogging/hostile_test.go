package cloudloggingsink

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"

	"github.com/txtrail/txtrail/entry"
)

// A line with a key twice, or one that stands for another thing in a payload, is not one
// of entry.Seal. On the wire two messages of one field become one of both, so that it
// is sent as what package entry reads of it.
func TestForeignLines(t *testing.T) {
	const base = `{"time":"2026-11-20T12:00:00.500000000Z","txid":"dup-000001","logging.googleapis.com/insertId":"i","severity":"ERROR","kind":"server",` +
		`"httpRequest":{"requestMethod":"GET","status":500,"latency":"1.5s"},"http":{"route":"/a"},"user":{"id":"u1"},` +
		`"logging.googleapis.com/labels":{"txid":"dup-000001","a":"1"},"logging.googleapis.com/operation":{"id":"dup-000001","producer":"p"},` +
		`"logging.googleapis.com/trace":"tt","service":{"name":"web"}`
	for _, more := range []string{
		`"time":"2026-11-20T12:00:01.000000000Z"`, `"time":"9999-12-31T23:59:59.999999999Z"`, `"txid":"dup-000002"`, `"logging.googleapis.com/insertId":"j"`,
		`"severity":"INFO"`, `"severity":"DEFAULT"`, `"kind":"log"`, `"httpRequest":{"status":200}`, `"httpRequest":{"latency":"2s"}`, `"http":{"route":"/b"}`,
		`"user":{"id":"u2"}`, `"user":{}`, `"logging.googleapis.com/labels":{"a":"2","b":"1"}`, `"logging.googleapis.com/operation":{"id":"dup-000002","producer":"q"}`,
		`"logging.googleapis.com/trace":"uu"`, `"service":{"version":"v"}`, `"split":{"uid":"x","index":0,"total":9}`, `"labels":[{"name":"z","value":"y"}]`, `"labels":"x"`,
		`"x":1e400`, `"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40), `"x":{"latency":"1s","latency":"2s"}`,
		`"logging.googleapis.com/trace_sampled":true,"logging.googleapis.com/trace_sampled":false`, `"k\u0069nd":"log"`, `"":1,"":2`,
	} {
		want, err := entry.Parse([]byte(base + "," + more + "}"))
		if err != nil {
			t.Fatalf("%s: %v", more, err)
		}
		w := writing{s: &Sink{}, r: &request{x: *newEncoder()}, failed: make([]error, 1)}
		w.add(0, want, testNow)
		if w.failed[0] != nil {
			t.Errorf("%s: %v", more, w.failed[0])
			continue
		}
		req := &loggingpb.WriteLogEntriesRequest{}
		if err := proto.Unmarshal(w.r.buf, req); err != nil {
			t.Fatal(err)
		}
		le := req.Entries[0]
		if _, part := PartOf(le); part {
			t.Errorf("%s makes it a part", more)
		}
		if le.GetOperation().GetId() != string(want.TxID) || le.Labels["txid"] != string(want.TxID) {
			t.Errorf("%s: operation %q, label %q, want %s", more, le.GetOperation().GetId(), le.Labels["txid"], want.TxID)
		}
		got, err := Decode(le)
		if err != nil {
			t.Errorf("%s: %v", more, err)
			continue
		}
		if want := want.AppendJSON(nil); !bytes.Equal(got.Line(), want) {
			t.Errorf("%s\n got %s\nwant %s", more, got.Line(), want)
		}
	}
}

// A line with a key twice and nothing but labels is sent in parts, and all of them come
// back.
func TestForeignLabels(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"time":"2026-11-20T12:00:00.500000000Z","txid":"many-00001","kind":"log","kind":"log","logging.googleapis.com/labels":{`)
	const n = 20_000
	for i := range n - 1 {
		fmt.Fprintf(&b, `"%d":"",`, i)
	}
	b.WriteString(`"last":""}}`)
	e, err := entry.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	w := writing{s: &Sink{}, r: &request{x: *newEncoder()}, failed: make([]error, 1)}
	w.add(0, e, testNow)
	if w.failed[0] != nil {
		t.Fatal(w.failed[0])
	}
	req := &loggingpb.WriteLogEntriesRequest{}
	if err := proto.Unmarshal(w.r.buf, req); err != nil {
		t.Fatal(err)
	}
	whole, missing, err := Join(req.Entries)
	if err != nil || missing != 0 || len(whole.Labels) != n {
		t.Errorf("%d parts missing, %v, %d labels, want %d", missing, err, len(whole.Labels), n)
	}
}

// text makes n bytes of one sort, also such as take more room in JSON, or as UTF-8,
// than they have.
func text(r *rand.Rand, n int) string {
	pieces := [...]string{"\x00", "a", "길", "\u2028", "\u0085", "\xff", `"`, `\`, "😀", "\x7f"}
	p := pieces[r.IntN(len(pieces))]
	return strings.Repeat(p, n/len(p)+1)[:n]
}

// Whatever an entry holds of what may be captured, its parts are of a size that the
// service takes, and are one again.
func TestSplitWorst(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := newEncoder()
	for i := range 4 {
		e := &entry.Entry{Time: testNow, TxID: "split-0001", InsertID: text(r, 500) + fmt.Sprint(i), Kind: entry.KindServer, Resource: &entry.Resource{}}
		e.Message, e.Error.Message, e.Error.Stack = text(r, entry.MaxMessage), text(r, entry.MaxMessage), text(r, entry.MaxStack)
		e.HTTP.URL, e.HTTP.Referer, e.HTTP.UserAgent = text(r, entry.MaxURL), text(r, entry.MaxURL), text(r, entry.MaxMessage)
		for _, s := range []*string{&e.Facts.UserID, &e.Facts.Device, &e.Facts.OS, &e.Facts.EntryPage, &e.HTTP.Route, &e.HTTP.Method, &e.Error.Type} {
			*s = text(r, entry.MaxWord)
		}
		if i%2 == 0 {
			e.Resource.Service, e.Resource.Version, e.Resource.Environment = text(r, entry.MaxWord), text(r, entry.MaxWord), text(r, entry.MaxWord)
		}
		for k := range entry.MaxLabels {
			name := fmt.Sprint(k, text(r, entry.MaxLabelName-3))
			e.Labels = append(e.Labels, entry.Label{Name: name, Value: text(r, entry.MaxLabelValue)})
			e.Attributes = append(e.Attributes, entry.Label{Name: name, Value: text(r, entry.MaxMessage)})
			e.Facts.Carried = append(e.Facts.Carried, entry.Label{Name: name, Value: text(r, entry.MaxWord)})
			e.Flags = append(e.Flags, text(r, entry.MaxWord))
			e.Redactions = append(e.Redactions, entry.Redaction{Rule: text(r, entry.MaxWord), Count: k}, entry.Redaction{Rule: "r", Count: 1})
		}
		e.Resource.Attributes = e.Labels
		for k := range entry.MaxHeaders {
			h := entry.Header{Name: fmt.Sprint(k), Value: text(r, r.IntN(entry.MaxHeaderValue))}
			e.Request.Headers, e.Response.Headers = append(e.Request.Headers, h), append(e.Response.Headers, h)
		}
		e.Request.Body.Content, e.Response.Body.Content = []byte(text(r, r.IntN(1<<20))), []byte(text(r, r.IntN(300<<10)))
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		b, _, err := x.split(nil, e.Line(), testNow)
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		req := &loggingpb.WriteLogEntriesRequest{}
		if err := proto.Unmarshal(b, req); err != nil {
			t.Fatal(err)
		}
		for k, le := range req.Entries {
			if n := proto.Size(le); n > maxEntry {
				t.Errorf("%d: part %d has %d bytes", i, k, n)
			}
		}
		r.Shuffle(len(req.Entries), func(i, j int) { req.Entries[i], req.Entries[j] = req.Entries[j], req.Entries[i] })
		whole, missing, err := Join(append(req.Entries, req.Entries[0]))
		if err != nil || missing != 0 || !bytes.Equal(whole.Line(), e.Line()) {
			t.Errorf("%d is not what it was: %d parts missing, %v", i, missing, err)
		}
	}
}

// A line that nothing of this module bounded, a header of 1 MB in it, is cut and says
// so, instead of being given up.
func TestUnbounded(t *testing.T) {
	e := &entry.Entry{Time: testNow, TxID: "big-00001", InsertID: "big", Kind: entry.KindServer}
	e.Request.Headers = []entry.Header{{Name: "X-Small", Value: "kept"}, {Name: "X-Big", Value: strings.Repeat("v", 1<<20)}}
	for i := range 2_000 {
		e.Labels = append(e.Labels, entry.Label{Name: fmt.Sprint("l", i), Value: "v"})
	}
	b, _, err := newEncoder().split(nil, e.AppendJSON(nil), testNow)
	if err != nil {
		t.Fatal(err)
	}
	req := &loggingpb.WriteLogEntriesRequest{}
	if err := proto.Unmarshal(b, req); err != nil {
		t.Fatal(err)
	}
	whole, _, err := Join(req.Entries)
	if err != nil || len(whole.Request.Headers) != 2 || whole.Request.Headers[0].Value != "kept" || !strings.HasSuffix(whole.Request.Headers[1].Value, entry.CutMark) {
		t.Errorf("%v, %+.300v", err, whole)
	}
}

// Around the size at which an entry is split nothing is above the limit, and nothing
// is split that fits.
func TestSplitEdge(t *testing.T) {
	x := newEncoder()
	encoded := func(n int) ([]byte, error) {
		e := &entry.Entry{Time: testNow, TxID: "edge-00001", InsertID: "e", Kind: entry.KindLog}
		e.Response.Body.Content, e.Response.Body.Encoding = bytes.Repeat([]byte("x"), n), "utf-8"
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		return x.append(nil, e.Line(), testNow, part{})
	}
	fits := 0
	for low, high := 0, maxEntry; low < high; {
		middle := (low + high + 1) / 2
		if _, err := encoded(middle); err == nil {
			low = middle
		} else {
			high = middle - 1
		}
		fits = low
	}
	for n := fits - 2; n <= fits; n++ {
		b, err := encoded(n)
		req := &loggingpb.WriteLogEntriesRequest{}
		if err != nil || proto.Unmarshal(b, req) != nil || proto.Size(req.Entries[0]) > maxEntry {
			t.Errorf("a body of %d bytes: %v", n, err)
		}
		if n == fits && proto.Size(req.Entries[0]) != maxEntry {
			t.Errorf("the largest entry that is not split has %d bytes, want %d", proto.Size(req.Entries[0]), maxEntry)
		}
	}
	if b, err := encoded(fits + 1); !errors.Is(err, errTooLarge) || len(b) > 0 {
		t.Errorf("one byte more: %v", err)
	}
}

// Parts that say what can not be are no parts; those of two ways of splitting are not
// mixed; an entry whose first part is missing keeps its identity.
func TestParts(t *testing.T) {
	for _, s := range []*loggingpb.LogSplit{{Uid: "u", Index: -1, TotalSplits: 2}, {Uid: "u", Index: 2, TotalSplits: 2}, {Uid: "u"}, {Uid: "u", TotalSplits: -1}, {Uid: "u", TotalSplits: 2e9}, {Index: 0, TotalSplits: 2}} {
		if p, ok := PartOf(&loggingpb.LogEntry{Split: s}); ok {
			t.Errorf("%v is part %+v", s, p)
		}
	}
	e := &entry.Entry{Time: testNow, TxID: "parts-0001", InsertID: "p", Kind: entry.KindLog, Message: "m"}
	e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 40<<10)
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	cut := func(log string) []*loggingpb.LogEntry {
		b, _, err := newEncoder().split(nil, e.Line(), testNow)
		if err != nil {
			t.Fatal(err)
		}
		req := &loggingpb.WriteLogEntriesRequest{}
		if err := proto.Unmarshal(b, req); err != nil {
			t.Fatal(err)
		}
		for _, le := range req.Entries {
			le.LogName = log
		}
		return req.Entries
	}
	mine, other := cut("projects/p/logs/txtrail"), cut("projects/p/logs/stdout")
	for _, le := range other { // another splitting: its first part has other bytes
		le.Split.TotalSplits++
	}
	whole, missing, err := Join(append(other, mine...))
	if err != nil || missing != 0 || !bytes.Equal(whole.Line(), e.Line()) {
		t.Errorf("two splittings: %d missing, %v", missing, err)
	}
	whole, missing, err = Join(mine[1:])
	if err != nil || missing != 1 || whole.InsertID != "p" {
		t.Errorf("without the first: %d missing, %v, %+.200v", missing, err, whole)
	}
}
