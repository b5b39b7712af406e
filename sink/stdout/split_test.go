package stdoutsink_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/sink/sinktest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
	"github.com/txtrail/txtrail/txid"
)

// collect reads a stream as Google's agents do, and joins what was split.
func collect(b []byte) ([]*entry.Entry, error) {
	var es []*entry.Entry
	parts := map[string][]*gcltest.LogEntry{}
	for line := range bytes.Lines(b) {
		le, err := gcltest.Agent(line, "projects/shop-test/logs/stdout")
		if err != nil {
			return nil, err
		}
		p, split := cloudloggingsink.PartOf(le)
		if !split {
			e, err := cloudloggingsink.Decode(le)
			if err != nil {
				return nil, err
			}
			es = append(es, e)
			continue
		}
		parts[p.UID] = append(parts[p.UID], le)
		if len(parts[p.UID]) == p.Total {
			e, missing, err := cloudloggingsink.Join(parts[p.UID])
			if err != nil || missing > 0 {
				return nil, errors.Join(err, fmt.Errorf("%d parts missing", missing))
			}
			es = append(es, e)
		}
	}
	return es, nil
}

// long is a text of n bytes, of which some take more in JSON.
func long(n int) string {
	s := strings.Repeat("길\x01\u0085v\"", n/8+1)[:n]
	return strings.ToValidUTF8(s, "")
}

// An entry of any size is one again behind an agent.
func TestSplit(t *testing.T) {
	var every strings.Builder
	for r := rune(0); every.Len() < 200<<10; r = (r + 97) % 0x110000 {
		every.WriteRune(r)
	}
	for name, change := range map[string]func(e *entry.Entry){
		"body":   func(e *entry.Entry) { e.Response.Body.Content = []byte(every.String()) },
		"quotes": func(e *entry.Entry) { e.Request.Body.Content = bytes.Repeat([]byte(`"\`+"\n\x00"), 10<<10) },
		"base64": func(e *entry.Entry) {
			e.Response.Body.Encoding, e.Response.Body.Content = "base64", bytes.Repeat([]byte("QUJD"), 20<<10)
		},
		"headers": func(e *entry.Entry) {
			for i := range 150 {
				e.Response.Headers = append(e.Response.Headers, entry.Header{Name: fmt.Sprintf("X-%d", i), Value: strings.Repeat("길", 100)})
			}
		},
		"labels, attributes, stack": func(e *entry.Entry) {
			for i := range 30 {
				l := entry.Label{Name: fmt.Sprintf("z%d", 90-i), Value: strings.Repeat("v", 700)}
				e.Labels, e.Attributes = append(e.Labels, l), append(e.Attributes, l)
			}
			e.Error.Stack = strings.Repeat("goroutine 1\n", 1300)
			e.Trace = txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 5}
		},
		// What one client can send at most: none of it hides the bodies.
		"an attribute longer than a line": func(e *entry.Entry) {
			e.Attributes = []entry.Label{{Name: "a", Value: long(entry.MaxMessage)}, {Name: "a", Value: "again"}}
			e.Response.Body.Content = bytes.Repeat([]byte("b"), 40<<10)
		},
		"headers longer than a line": func(e *entry.Entry) {
			quotes := strings.Repeat(`"`, entry.MaxHeaderValue)
			e.Request.Headers = []entry.Header{{Name: "Cookie", Value: quotes}, {Name: "Cookie", Value: quotes}, {Name: "Cookie", Value: "길"}}
			e.Response.Trailers = []entry.Header{{Name: "Cookie", Value: long(entry.MaxHeaderValue)}}
			e.Response.Body.Content = bytes.Repeat([]byte("b"), 40<<10)
		},
		"labels longer than a line": func(e *entry.Entry) {
			e.Labels = []entry.Label{{Name: "z", Value: strings.Repeat("\x01", entry.MaxLabelValue)}, {Name: "a", Value: long(4000)}}
			e.Resource = &entry.Resource{Service: "web", Attributes: e.Labels}
		},
		"address, referer, agent, message": func(e *entry.Entry) {
			e.HTTP.URL, e.HTTP.Referer = "/"+long(entry.MaxURL-1), long(entry.MaxURL)
			e.HTTP.UserAgent, e.Message, e.Error.Message = long(entry.MaxMessage), long(entry.MaxMessage), long(entry.MaxMessage)
			e.Response.Body.Content = bytes.Repeat([]byte("b"), 40<<10)
		},
	} {
		for _, limit := range []int{stdoutsink.MinMaxLine, 8 << 10, 0} {
			e := sinktest.Unsealed(1)
			change(e)
			sinktest.Seal(e)
			var buf bytes.Buffer
			s := open(t, &buf, &stdoutsink.Options{MaxLine: limit, ProjectID: "shop-test"})
			if err := s.Write(t.Context(), []*entry.Entry{sinktest.Sample(0), e, sinktest.Sample(2)}); err != nil {
				t.Errorf("%s, %d: %v", name, limit, err)
				continue
			}
			n := 0
			for line := range bytes.Lines(buf.Bytes()) {
				n++
				most := limit
				if most == 0 {
					most = stdoutsink.DefaultMaxLine
				}
				if len(line) > most || !json.Valid(line) {
					t.Errorf("%s, %d: a line of %d bytes", name, limit, len(line))
				}
			}
			if n < 4 {
				t.Errorf("%s, %d: %d lines", name, limit, n)
			}
			es, err := collect(buf.Bytes())
			if err != nil || len(es) != 3 {
				t.Errorf("%s, %d: %d entries, %v", name, limit, len(es), err)
				continue
			}
			if string(es[1].Line()) != string(e.Line()) {
				t.Errorf("%s, %d: the entry is not what it was", name, limit)
			}
		}
	}
}

// The trace gets its project; what looks like a trace does not.
func TestTrace(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	with := func(change func(e *entry.Entry)) *entry.Entry {
		e := sinktest.Unsealed(1)
		change(e)
		return sinktest.Seal(e)
	}
	decoy := entry.Label{Name: "logging.googleapis.com/trace", Value: "mine"}
	for name, tt := range map[string]struct {
		e    *entry.Entry
		want string
	}{
		"alone":     {with(func(e *entry.Entry) { e.Trace = txid.Trace{ID: id} }), "projects/shop-test/traces/" + id},
		"with more": {with(func(e *entry.Entry) { e.Trace = txid.Trace{ID: id, Span: 7, Sampled: true} }), "projects/shop-test/traces/" + id},
		"none":      {with(func(*entry.Entry) {}), ""},
		"a label":   {with(func(e *entry.Entry) { e.Labels = append(e.Labels, decoy) }), ""},
		"both":      {with(func(e *entry.Entry) { e.Labels = append(e.Labels, decoy); e.Trace = txid.Trace{ID: id} }), "projects/shop-test/traces/" + id},
		"in a body": {with(func(e *entry.Entry) { e.Response.Body.Content = []byte(`{"a":1,"logging.googleapis.com/trace":"x"}`) }), ""},
		"a label, split": {with(func(e *entry.Entry) {
			e.TxID, e.Labels = "", []entry.Label{{Name: "a", Value: "x"}, decoy}
			e.Response.Body.Content = bytes.Repeat([]byte("b"), 40<<10)
		}), ""},
		"last label": {with(func(e *entry.Entry) { e.TxID, e.Labels = "", []entry.Label{decoy} }), ""},
	} {
		for _, set := range []stdoutsink.Options{
			{ProjectID: "shop-test"},
			{LookupEnv: func(k string) (string, bool) { return "shop-test", k == "GOOGLE_CLOUD_PROJECT" }},
		} {
			var buf bytes.Buffer
			if err := open(t, &buf, &set).Write(t.Context(), []*entry.Entry{tt.e}); err != nil {
				t.Fatal(err)
			}
			first, rest, _ := bytes.Cut(buf.Bytes(), []byte("\n"))
			if bytes.Contains(rest, []byte("/traces/")) {
				t.Errorf("%s: a trace in a further line", name)
			}
			le, err := gcltest.Agent(first, "l")
			if err != nil || le.Trace != tt.want {
				t.Errorf("%s: trace %q, want %q; %v", name, le.GetTrace(), tt.want, err)
			}
			if back, err := cloudloggingsink.Decode(le); err != nil || back.Trace.ID != tt.e.Trace.ID {
				t.Errorf("%s comes back as %s, %v", name, back.AppendJSON(nil), err)
			}
		}
	}
	if _, err := stdoutsink.New(&bytes.Buffer{}, &stdoutsink.Options{ProjectID: "Not A Project"}); !errors.Is(err, stdoutsink.ErrOptions) {
		t.Errorf("a project that can not be: %v", err)
	}
}

// Words of a client that are together more than a line are cut; the rest is split, and
// nothing else is lost.
func TestSplitWords(t *testing.T) {
	for _, limit := range []int{stdoutsink.MinMaxLine, 8 << 10, 0} {
		e := sinktest.Unsealed(1)
		for _, s := range []*string{
			&e.HTTP.Method, &e.HTTP.ServerAddress, &e.HTTP.Protocol, &e.HTTP.RemoteIP, &e.Refused, &e.Facts.UserID, &e.Facts.Device, &e.Facts.OS,
			&e.Facts.AppVersion, &e.Facts.Country, &e.Facts.EntryPage, &e.Request.Body.Type, &e.Request.Body.ContentEncoding,
		} {
			*s = strings.Repeat("\u0085", entry.MaxWord/2)
		}
		for i := range entry.MaxLabels {
			e.Facts.Carried = append(e.Facts.Carried, entry.Label{Name: fmt.Sprint("X-", i), Value: strings.Repeat("\u0085", 250)})
		}
		e.Request.Headers = []entry.Header{{Name: strings.Repeat("N", entry.MaxWord), Value: long(8000)}}
		e.Request.Body.Content = bytes.Repeat([]byte("길"), 30<<10)
		sinktest.Seal(e)
		var buf bytes.Buffer
		if err := open(t, &buf, &stdoutsink.Options{MaxLine: limit}).Write(t.Context(), []*entry.Entry{e}); err != nil {
			t.Fatal(err)
		}
		es, err := collect(buf.Bytes())
		if err != nil || len(es) != 1 {
			t.Fatalf("%d: %d entries, %v", limit, len(es), err)
		}
		got := es[0]
		if got.TxID != e.TxID || got.HTTP.Status != e.HTTP.Status || !bytes.Equal(got.Request.Body.Content, e.Request.Body.Content) || got.Request.Body.Truncated ||
			len(got.Facts.Carried) != entry.MaxLabels || got.Request.Headers[0].Value != e.Request.Headers[0].Value {
			t.Errorf("%d: %.3000s", limit, got.Line())
		}
		if !strings.HasSuffix(got.HTTP.Method, entry.CutMark) {
			t.Errorf("%d: the method is %q", limit, got.HTTP.Method)
		}
	}
}

// The user's labels are read in their order, whatever their names, and none of the
// platform's is taken for one.
func TestLabels(t *testing.T) {
	e := sinktest.Unsealed(1)
	e.Labels = []entry.Label{
		{Name: "z", Value: "1"},
		{Name: "a", Value: "\"\n\r\t\\\x01\u0085\u2028 길 \xff"},
		{Name: "instanceId", Value: "2"},
		{Name: "k8s-pod/app", Value: "3"},
		{Name: "compute.googleapis.com/resource_name", Value: "4"},
		{Name: "user", Value: "5"},
		{Name: "logging.googleapis.com/trace", Value: "6"},
	}
	e.Trace = txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c"}
	sinktest.Seal(e)
	bare := sinktest.Unsealed(2)
	bare.Labels = nil
	sinktest.Seal(bare)
	var buf bytes.Buffer
	if err := open(t, &buf, &stdoutsink.Options{ProjectID: "shop-test"}).Write(t.Context(), []*entry.Entry{e, bare}); err != nil {
		t.Fatal(err)
	}
	want := []*entry.Entry{e, bare}
	for line := range bytes.Lines(buf.Bytes()) {
		le, err := gcltest.Agent(line, "l")
		if err != nil {
			t.Fatal(err)
		}
		le.Labels["commit-sha"], le.Labels["instanceId"] = "6d62737", "0087244a80"
		got, err := cloudloggingsink.Decode(le)
		if err != nil || string(got.Line()) != string(want[0].Line()) {
			t.Errorf("%s, want\n%s, %v", got.Line(), want[0].Line(), err)
		}
		want = want[1:]
	}
}

// What has no txid says who wrote it all the same, whole and in parts.
func TestProducer(t *testing.T) {
	gap := sinktest.Seal(&entry.Entry{Time: sinktest.Sample(0).Time, InsertID: "gap", Kind: entry.KindGap, Gap: &entry.Gap{Count: 5, Reason: "full"}})
	log := sinktest.Seal(&entry.Entry{Time: sinktest.Sample(0).Time, InsertID: "log", Kind: entry.KindLog, Error: entry.Error{Stack: strings.Repeat("s", 16<<10)}})
	read, err := entry.Parse(gap.Line()) // as from a journal
	if err != nil {
		t.Fatal(err)
	}
	nothing := &entry.Entry{}
	if err := nothing.Seal(nil); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{stdoutsink.MinMaxLine, 0, -1} {
		var buf bytes.Buffer
		if err := open(t, &buf, &stdoutsink.Options{MaxLine: limit}).Write(t.Context(), []*entry.Entry{gap, log, read, nothing, sinktest.Sample(1)}); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(buf.Bytes()) {
			if limit > 0 && len(line) > limit {
				t.Errorf("%d bytes, want at most %d", len(line), limit)
			}
			var m struct {
				Operation struct {
					Producer string `json:"producer"`
				} `json:"logging.googleapis.com/operation"`
			}
			if err := json.Unmarshal(line, &m); err != nil || m.Operation.Producer != entry.Producer || bytes.Count(line, []byte(`/operation"`)) != 1 {
				t.Errorf("%d: %.300s, %v", limit, line, err)
			}
		}
	}
}

// Where the stream breaks off within an entry's lines, the entry failed, once.
func TestSplitTorn(t *testing.T) {
	e := sinktest.Unsealed(1)
	e.Response.Body.Content = bytes.Repeat([]byte("x"), 100<<10)
	sinktest.Seal(e)
	w := &short{room: 30 << 10}
	err := open(t, w, nil).Write(t.Context(), []*entry.Entry{sinktest.Sample(0), e, sinktest.Sample(2)})
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 2 || partial.Failed[0].Index != 1 || partial.Failed[1].Index != 2 {
		t.Errorf("Write gives %v", err)
	}
}

// short takes so many bytes and no more.
type short struct{ room int }

func (w *short) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	w.room -= n
	if n < len(b) {
		return n, errors.New("full")
	}
	return n, nil
}
