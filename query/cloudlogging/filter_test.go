package cloudloggingquery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
	"github.com/txtrail/txtrail/txid"
)

// hostile are values that end a string, a line or a filter early where they are not
// quoted as they must be.
var hostile = []string{
	`"`, `\`, `\"`, `\\"`, `" OR "" = "`, `") OR (insertId:*`, "a\nb", "a\r\nAND b", "\t", "\x00", "\x1b[2J", "\u0085", "\u2028", `*`, `.*`, `-`, `NOT x`,
	`a AND b`, `(`, `)`, `log_id("x")`, `\n`, `\u0041`, "생일", "😀", `'`, "`", `//`, `-- comment`, `key:value`, `=~`, "a\x80b",
	strings.Repeat(`"`, 500),
}

// Each value finds the entry that has it and no other, whatever is in it.
func TestFilterHostile(t *testing.T) {
	w := open(t)
	hold := func(i int, v string) *entry.Entry {
		e := &entry.Entry{
			Time: now.Add(-time.Hour + time.Duration(i)), TxID: "hostile-01", InsertID: fmt.Sprintf("h%03d", i), Kind: entry.KindServer, Message: fmt.Sprint(i),
			HTTP:     entry.HTTP{Method: v, Route: "/" + v, URL: "/x", Status: 200},
			Error:    entry.Error{Type: v},
			Facts:    entry.Facts{UserID: v, Device: v},
			Resource: &entry.Resource{Service: v, ServerUser: v},
			Labels:   []entry.Label{{Name: "l", Value: v}},
		}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		return e
	}
	var all []*entry.Entry
	for i, v := range hostile {
		all = append(all, hold(i, v))
	}
	w.write(t, all...)
	memory := query.Memory(parsed(t, all))
	for _, v := range hostile {
		for name, f := range map[string]query.Filter{
			"user": {User: v}, "device": {Device: v}, "server user": {ServerUser: v}, "service": {Services: []string{v, "none"}}, "method": {Methods: []string{v}},
			"route": {Route: v}, "error": {ErrorTypes: []string{"none", v}}, "text": {Text: v}, "kind": {Kinds: []entry.Kind{entry.Kind(v), "server"}, User: v},
		} {
			got, err := w.src.Find(t.Context(), f)
			if err != nil {
				t.Errorf("%s %q: %v", name, v, err)
				continue
			}
			want, err := memory.Find(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := messages(got.Entries), messages(want.Entries); !slices.Equal(g, w) {
				t.Errorf("%s %q: %v, want %v", name, v, g, w)
			}
		}
	}
}

// parsed is what comes back of entries: with the bytes that their lines have.
func parsed(t *testing.T, es []*entry.Entry) []*entry.Entry {
	t.Helper()
	var out []*entry.Entry
	for _, e := range es {
		p, err := entry.Parse(e.Line())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func messages(es []*entry.Entry) []string {
	ms := []string{}
	for _, e := range es {
		ms = append(ms, e.Message)
	}
	return ms
}

// A txid has characters that mean something to a regular expression.
func TestLookupPattern(t *testing.T) {
	w := open(t)
	ids := []txid.ID{"a.b+c:d=/@", "aXb+c:d=/@", "a.bbc:d=/@", "a.b+c~-_x1", "A.B+C:D=/@"}
	for i, id := range ids {
		e := &entry.Entry{Time: now, TxID: id, InsertID: fmt.Sprint("p", i), Kind: entry.KindLog, Message: string(id)}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		w.write(t, e)
	}
	for prefix, want := range map[string][]string{"a.b+": {"a.b+c:d=/@", "a.b+c~-_x1"}, "a.b+c:d=/@": {"a.b+c:d=/@"}, "aX": {"aXb+c:d=/@"}, "A": {"A.B+C:D=/@"}} {
		r, err := w.src.Lookup(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		got := messages(r.Entries)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %v, want %v", prefix, got, want)
		}
	}
}

// Every question has a beginning in its filter, and a whole ID is asked for by what
// is indexed.
func TestQuestions(t *testing.T) {
	w := open(t)
	var asked []string
	w.srv.OnFilter(func(f string) { asked = append(asked, f) })
	w.write(t, querytest.Sample()...)
	for _, ask := range []func() (*query.Result, error){
		func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(querytest.SampleID)) },
		func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(querytest.SampleID)[:8]) },
		func() (*query.Result, error) {
			return w.src.Find(t.Context(), query.Filter{User: "8812", Failed: true})
		},
	} {
		asked = nil
		r, err := ask()
		if err != nil || len(r.Entries) == 0 {
			t.Fatal(r, err)
		}
		if len(asked) != 1 {
			t.Errorf("%d reads for one answer: %q", len(asked), asked)
		}
	}
	const base = `(log_id("txtrail") OR operation.producer="github.com/txtrail/txtrail") AND timestamp>="2026-10-21T20:00:00.000000000Z"`
	asked = nil
	_, _ = w.src.Lookup(t.Context(), string(querytest.SampleID))
	if want := base + ` AND operation.id=("` + string(querytest.SampleID) + `")`; asked[0] != want {
		t.Errorf("asked %s\nwant  %s", asked[0], want)
	}
}

func FuzzFilter(f *testing.F) {
	w := openFuzz(f)
	for _, v := range hostile {
		f.Add(v, "txid-0001")
	}
	f.Fuzz(func(t *testing.T, v, prefix string) {
		if len(v) > 1500 { // nine times as an escape, in as many fields: more than a filter may have
			return
		}
		fl := query.Filter{User: v, Device: v, ServerUser: v, Services: []string{v}, Kinds: []entry.Kind{entry.Kind(v)}, Methods: []string{v}, Route: v, ErrorTypes: []string{v}, Text: v, MinLatency: 1}
		if _, err := w.src.Find(t.Context(), fl); err != nil && !strings.Contains(err.Error(), "ask for less") {
			t.Fatalf("%q: %v", v, err)
		}
		if query.CheckPrefix(prefix) == nil {
			if _, err := w.src.Lookup(t.Context(), prefix); err != nil {
				t.Fatalf("%q: %v", prefix, err)
			}
		}
	})
}
