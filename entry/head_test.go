package entry_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// headLines are lines that are read from their beginning, and some that are not.
var headLines = []string{
	`{"time":"2026-11-20T11:28:38.000000001Z","txid":"head-0001","logging.googleapis.com/insertId":"i1","severity":"ERROR","kind":"server","message":"a"}`,
	`{"time":"2026-11-20T11:28:38.000000001Z","kind":"log","message":"` + strings.Repeat("x", 5000) + `"}`,
	`{"time":"2026-11-20T11:28:38.000000001Z"}`,
	`{}`,
	`{"kind":"log","time":"2026-11-20T11:28:38.000000001Z","txid":"head-0001"}`,
	`{"message":"m","txid":"head-0001","kind":"log"}`,
	`{ "time" : "2026-11-20T11:28:38Z" , "txid":"head-0001","message":"m"}`,
	"{\"time\":\"2026-11-20T11:28:38Z\",\n\"txid\":\"head-0001\",\"message\":\"m\"}\n",
	`{"txid":"` + strings.Repeat("a", 128) + `","logging.googleapis.com/insertId":"` + strings.Repeat("b", 3000) + `","message":"m"}`,
}

func TestHead(t *testing.T) {
	for _, line := range headLines {
		want, err := entry.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		given := []byte(line)
		got, err := entry.Head(given)
		if err != nil {
			t.Errorf("%.80s: %v", line, err)
			continue
		}
		clear(given) // its memory is the caller's
		if !got.Sealed() || !bytes.Equal(got.Line(), want.Line()) {
			t.Errorf("%.80s: the line is %.80s", line, got.Line())
		}
		if !got.Time.Equal(want.Time) || got.TxID != want.TxID || got.InsertID != want.InsertID || got.Severity != want.Severity {
			t.Errorf("%.80s: %v %s %s %v", line, got.Time, got.TxID, got.InsertID, got.Severity)
		}
	}
	for _, line := range []string{"", "{", "x", `{"time":"yesterday","message":"m"}`, `{"txid":"a b","message":"m"}`, "{\"message\":\"\xff\"}", `{"severity":"LOUD","message":""}`} {
		if e, err := entry.Head([]byte(line)); err == nil {
			t.Errorf("%q is taken: %+v", line, e)
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, line := range headLines {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want, perr := entry.Parse(line)
		got, err := entry.Head(line)
		if perr != nil {
			return // Head looks at the beginning alone
		}
		if err != nil {
			t.Fatalf("Parse takes %q, Head does not: %v", line, err)
		}
		if !bytes.Equal(bytes.TrimSpace(got.Line()), want.Line()) {
			t.Fatalf("%q: another line", line)
		}
	})
}
