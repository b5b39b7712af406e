package journalsink

import (
	"bytes"
	"context"
	"math/bits"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// hugeStatus is a number of 41 bits where an int has room for them.
const hugeStatus = 1 << (bits.UintSize - 24)

// compareNoted checks that the rows noted of entries are those of their lines.
func compareNoted(t *testing.T, es []*entry.Entry) {
	t.Helper()
	var noted notedRows
	var want columnBuilder
	for _, e := range es {
		noted.add(e)
		want.add(e.Line())
	}
	got := noted.columns()
	rows := func(c *columnBuilder) (fs []rowFields) {
		set := c.set()
		for i := range c.rows {
			fs = append(fs, copied(&Row{c: set, i: i}))
		}
		return fs
	}
	compareFields(t, "noted", rows(&want), rows(&got))
	for i, e := range es {
		if !noted.has(i, readHead(e.Line())) {
			t.Errorf("row %d is not that of its line", i)
		}
	}
}

func TestNotedRows(t *testing.T) {
	es := append(oddEntries(t), benchEntries(t, 100)...)
	for _, e := range []*entry.Entry{
		{Severity: 150, Time: testStart, HTTP: entry.HTTP{UserAgent: "a\xffb"}},
		{Severity: -1, Time: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Severity: 900, Time: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), Facts: entry.Facts{UserID: "\xff\xfe"}},
		{Time: testStart, Latency: 1<<63 - 1, Resource: &entry.Resource{Service: "a\x00b"}, HTTP: entry.HTTP{Status: hugeStatus}},
	} {
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	for _, e := range es[:4] { // whose lines are not made from their fields
		head, err := entry.Head(e.Line())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := entry.Parse(e.Line())
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, head, parsed, e.Clone())
	}
	compareNoted(t, es)
}

// FuzzNotedRows: whatever an entry holds, its row is that of its line.
func FuzzNotedRows(f *testing.F) {
	f.Add("GET", "/a?b", "kim", int64(1), int64(2), 200, 200, true)
	f.Add("\xff", "http://x", "a\tb", int64(-1), int64(-2), -1, 150, false)
	f.Add("\u2028", "https://x?y", "\"", int64(1<<62), int64(1<<62), hugeStatus, 900, false)
	f.Fuzz(func(t *testing.T, method, url, user string, at, latency int64, status, severity int, hit bool) {
		e := &entry.Entry{
			Time: time.Unix(at, latency), Kind: entry.KindServer, Severity: entry.Severity(severity), Latency: time.Duration(latency),
			HTTP:     entry.HTTP{Method: method, URL: url, Route: user, Status: status, CacheHit: hit, UserAgent: url, ServerAddress: method},
			Facts:    entry.Facts{UserID: user, EntryPage: url},
			Error:    entry.Error{Type: method},
			Resource: &entry.Resource{Service: user, Environment: method},
		}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		compareNoted(t, []*entry.Entry{e, e})
	})
}

// A file that was written to, or damaged, behind the journal's back gets the rows of its
// lines, as one whose rows were not noted does.
func TestNotedRowsOfOtherLines(t *testing.T) {
	for name, change := range map[string]func(b []byte) []byte{
		"damaged":     func(b []byte) []byte { b[bytes.IndexByte(b, '\n')-20] ^= 1; return b },
		"a line more": func(b []byte) []byte { return appendLine(b, oddEntries(t)[1].Line()) },
		"another order": func(b []byte) []byte {
			i := bytes.IndexByte(b, '\n') + 1
			return append(bytes.Clone(b[i:]), b[:i]...)
		},
		"as it was": func(b []byte) []byte { return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := openTest(t, dir, &Options{OnError: func(error) {}})
			if err := j.Write(context.Background(), benchEntries(t, 20)); err != nil {
				t.Fatal(err)
			}
			path := j.cur.path
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			closed, err := filepath.Glob(filepath.Join(dir, "*"+extClosed))
			if err != nil || len(closed) != 1 {
				t.Fatalf("%v, %v", closed, err)
			}
			r := readerTest(t, dir)
			var want, got []rowFields
			for e, err := range r.Scan(context.Background(), ScanOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, copied(RowOf(e)))
			}
			for row, err := range r.Rows(context.Background(), ScanOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, copied(row))
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(rowFields{})); diff != "" || len(got) < 19 {
				t.Errorf("%d rows (-want +got)\n%s", len(got), diff)
			}
		})
	}
}
