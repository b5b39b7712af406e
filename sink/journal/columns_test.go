package journalsink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// oddEntries have what columns could get wrong.
func oddEntries(t testing.TB) []*entry.Entry {
	t.Helper()
	res := &entry.Resource{Service: "web", Version: "1.2", Instance: "i-1", Environment: "production", Host: "h", PID: 7, ServerUser: "kim"}
	es := []*entry.Entry{
		{Kind: entry.KindLog, Severity: entry.SeverityError, Message: "no time"},
		{Time: testStart, Kind: entry.KindServer, Resource: res, Severity: entry.SeverityCritical, Latency: 1500 * time.Millisecond, HTTP: entry.HTTP{
			Method: "GET", URL: "https://shop.example/items/1?q=a#b", Route: "/items/{id}", Status: 503, CacheHit: true, UserAgent: "Mozilla/5.0 (\"quoted\")", ServerAddress: "core.internal",
		}, Facts: entry.Facts{UserID: "김철수", Device: "iPhone15,2", OS: "iOS 26.3", AppVersion: "5.3.1", Country: "KR", EntryPage: "GET /items"}},
		{Time: testStart.Add(-time.Hour), Kind: entry.KindClient, Latency: 1, HTTP: entry.HTTP{URL: "http://core", Status: 404, ServerAddress: "core"}, Peer: entry.Peer{Service: "core", Requests: 10, Per: time.Second}, Error: entry.Error{Type: "timeout", Message: `"status":500`}},
		{Time: testStart.Add(time.Nanosecond), Kind: "later kind", Latency: -5, HTTP: entry.HTTP{URL: "?x", Status: 99999}, Labels: []entry.Label{{Name: "kind", Value: "x"}}},
		{Time: testStart.Add(time.Hour), Kind: entry.KindServer, HTTP: entry.HTTP{Method: "a\tb", URL: "/\\path\u2028", Status: -1}, Error: entry.Error{Stack: `}{][",\"`}, Attributes: []entry.Label{{Name: "}", Value: "{"}}},
		{Time: testStart, Kind: entry.KindGap, Gap: &entry.Gap{Count: 3, Reason: "queue full", From: testStart, To: testStart}, Flags: []string{"a", "b"}},
	}
	for i, e := range es {
		e.TxID, e.InsertID = mintID(i), fmt.Sprintf("odd%06d", i)
		e.Request.Headers = []entry.Header{{Name: "X", Value: `{"route":"/no"}`}}
		e.Response.Body = entry.Body{Content: []byte(`{"a":[1,"\\"]}`), Encoding: "utf-8", Size: 14}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
	}
	return es
}

// copied is a row that stays.
func copied(r *Row) rowFields {
	f := rowFields{time: r.nanos(), latency: int64(r.Latency()), status: r.Status(), severity: int(r.Severity()), bits: r.bits()}
	for c := range textColumns {
		f.text[c] = r.str(c)
	}
	return f
}

func compareFields(t *testing.T, what string, want, got []rowFields) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(rowFields{})); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// Whether a file is open, closed, closed without columns or without an index, a row
// says what the entry says.
func TestRows(t *testing.T) {
	batch := append(oddEntries(t), benchEntries(t, 500)...)
	var want []rowFields
	for _, e := range batch {
		parsed, err := entry.Parse(e.Line())
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, copied(RowOf(parsed)))
	}
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	if err := j.Write(context.Background(), batch[:10]); err != nil {
		t.Fatal(err)
	}
	kept := readerTest(t, dir)
	uncached, err := OpenReader(dir, &ReaderOptions{CacheBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	rows := func(r *Reader, opts ScanOptions) (fs []rowFields) {
		t.Helper()
		for row, err := range r.Rows(context.Background(), opts) {
			if err != nil {
				t.Fatal(err)
			}
			fs = append(fs, copied(row))
		}
		return fs
	}
	check := func(what string) {
		t.Helper()
		for name, r := range map[string]*Reader{"kept": kept, "new": readerTest(t, dir), "uncached": uncached} {
			compareFields(t, what+", "+name, want, rows(r, ScanOptions{}))
			since, until := testStart.Add(time.Nanosecond), testStart.Add(500*time.Millisecond)
			var bounded []rowFields
			var ids []string
			for i, e := range batch {
				if in := !e.Time.Before(since) && e.Time.Before(until); in && e.HTTP.Status == 200 {
					bounded, ids = append(bounded, want[i]), append(ids, e.InsertID)
				}
			}
			opts := ScanOptions{Since: since, Until: until, Match: func(r *Row) bool { return r.Status() == 200 }}
			compareFields(t, what+", bounded, "+name, bounded, rows(r, opts))
			var got []string
			for e, err := range r.Scan(context.Background(), opts) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.InsertID)
			}
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("%s, %s: entries (-want +got)\n%s", what, name, diff)
			}
		}
	}
	compareFields(t, "the first ten", want[:10], rows(kept, ScanOptions{}))
	if err := j.Write(context.Background(), batch[10:]); err != nil {
		t.Fatal(err)
	}
	check("open")
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	check("closed")
	path := filepath.Join(dir, names(t, dir, extClosed)[0])
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := readIndex(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of columns for %d entries, %d of the filter", x.columns.size, x.entries, len(x.filter))
	if x.columns.size == 0 {
		t.Fatal("no columns")
	}
	for what, flip := range map[string]int64{"columns damaged": x.columns.at + x.columns.size/2, "index damaged": int64(len(b)) - 40} {
		bad := bytes.Clone(b)
		bad[flip] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		kept, uncached = readerTest(t, dir), readerTest(t, dir)
		check(what)
		cov, err := kept.Coverage(context.Background())
		if err != nil || len(cov.Damaged) != 1 || !errors.Is(cov.Damaged[0].Err, ErrIndex) {
			t.Errorf("%s: %v, %v", what, cov.Damaged, err)
		}
	}
}

// What columns say must be what Failed says.
func TestRowFailed(t *testing.T) {
	es := oddEntries(t)
	for _, kind := range []entry.Kind{"", entry.KindServer, entry.KindClient, entry.KindLog, entry.KindBrowser, entry.KindStream, entry.KindGap, entry.KindCrash} {
		for _, status := range []int{0, 200, 399, 400, 499, 500, 599} {
			for _, severity := range []entry.Severity{0, entry.SeverityWarning, entry.SeverityError, entry.SeverityEmergency} {
				for _, what := range []string{"", "timeout"} {
					es = append(es, &entry.Entry{Kind: kind, Severity: severity, HTTP: entry.HTTP{Status: status}, Error: entry.Error{Type: what}})
				}
			}
		}
	}
	for _, e := range es {
		if got := RowOf(e).Failed(); got != e.Failed() {
			t.Errorf("%+v: %v, want %v", e, got, e.Failed())
		}
	}
}

// A line that a later version wrote and this one does not parse is found and said,
// whatever is asked for, and has no row.
func TestRowOfUnknownLine(t *testing.T) {
	dir := t.TempDir()
	good := makeEntry(t, "txid-000001", 1, "m")
	var content []byte
	content = appendLine(content, good.Line())
	content = appendLine(content, []byte(`{"time":{"later":true},"kind":"server"}`))
	content = appendLine(content, makeEntry(t, "txid-000001", 2, "m").Line())
	path := filepath.Join(dir, newBase("x", testStart, 1, 1)+extOpen)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		r := readerTest(t, dir)
		n := 0
		for _, err := range r.Rows(context.Background(), ScanOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		for _, err := range r.Scan(context.Background(), ScanOptions{Match: func(r *Row) bool { return r.Kind() == entry.KindServer }}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		cov, err := r.Coverage(context.Background())
		if err != nil || n != 4 || len(cov.Damaged) != 1 || !errors.Is(cov.Damaged[0].Err, ErrVersion) {
			t.Errorf("%s: %d, %v, %v", what, n, cov.Damaged, err)
		}
	}
	check("open")
	j := openTest(t, dir, nil)
	waitFor(t, func() bool { return len(names(t, dir, extClosed)) == 1 && len(names(t, dir, extOpen)) == 1 })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	check("closed")
}

// FuzzLineFields: whatever parses has the columns that parsing gives.
func FuzzLineFields(f *testing.F) {
	for _, e := range append(oddEntries(f), makeBatch(f, 0, 3, 1)...) {
		f.Add(e.Line())
	}
	f.Add([]byte(`{"time":"2026-03-01T19:04:00.001000000Z","httpRequest":{"status":1e2,"latency":"1.s"},"http":{"route":"a","route":"b"}}`))
	f.Add([]byte(`{"service":{"peer":{"name":"x"}},"kind":"a\u0062"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var got rowFields
		lineFields(line, &got, func(c int, b []byte) { got.text[c] = string(b) })
		e, err := entry.Parse(line)
		if err != nil {
			return
		}
		want := fieldsOf(e)
		want.severity = max(0, want.severity)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(rowFields{})); diff != "" && plainObject(line) {
			t.Fatalf("%s (-want +got)\n%s", line, diff)
		}
	})
}

// plainObject reports whether a line may be one of ours: no member twice, which no
// encoder writes and two readers may take either of.
func plainObject(line []byte) bool {
	const anywhere = "name id version type"
	for _, name := range []string{"time", "severity", "kind", "httpRequest", "requestMethod", "requestUrl", "status", "userAgent", "latency", "cacheHit", "http", "route", "server", "address", "error", "type", "user", "id", "device", "model", "os", "name", "app", "version", "geo", "country", "iso_code", "entry_page", "service", "instance", "peer", "deployment", "environment", "process", "owner"} {
		if bytes.Count(line, []byte(`"`+name+`"`)) > 1 && !strings.Contains(anywhere, name) {
			return false
		}
	}
	return bytes.Count(line, []byte(`"service"`))+bytes.Count(line, []byte(`"name"`)) < 4
}

// FuzzColumns: no frame, even with right checksums, makes the reader panic or take
// unbounded memory.
func FuzzColumns(f *testing.F) {
	var out bytes.Buffer
	s, err := newSealer(&out)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range append(oddEntries(f), makeBatch(f, 0, 20, 3)...) {
		s.cols.add(e.Line())
	}
	good := s.cols.encode(s.enc)
	f.Add(good, int64(s.cols.rows))
	f.Add(good[:len(good)/2], int64(s.cols.rows))
	var empty columnBuilder
	f.Add(empty.encode(s.enc), int64(0))
	dec, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frame []byte, lines int64) {
		set := &columnSet{dec: dec}
		if ok, err := set.parse(frame, lines, int64(len(frame))); err != nil || !ok {
			return
		}
		for _, i := range slices.Compact([]int{0, set.rows - 1}) {
			if i >= 0 && i < set.rows {
				_ = copied(&Row{c: set, i: i})
			}
		}
	})
}

// FuzzTexts: the same for what is in a column.
func FuzzTexts(f *testing.F) {
	var b textBuilder
	for _, s := range []string{"a", "", "bc", "a"} {
		b.add([]byte(s))
	}
	f.Add(b.encode(nil), 4)
	f.Add([]byte{1, 1, 'x', 0}, 1000)
	f.Add([]byte{0, 0}, 0)
	f.Fuzz(func(t *testing.T, data []byte, rows int) {
		if rows < 0 || rows > 1<<16 {
			return
		}
		col, ok := decodeTexts(data, rows, nil)
		if !ok {
			return
		}
		set := &columnSet{rows: rows}
		set.haveText[0], set.texts[0] = true, col
		for i := range rows {
			_ = set.text(0, i)
		}
	})
}
