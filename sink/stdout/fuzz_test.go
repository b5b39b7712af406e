package stdoutsink_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink/sinktest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
)

// FuzzSplit writes entries of which any field may be long: no line is too long, and
// together the lines are the entry, but for words that were cut.
func FuzzSplit(f *testing.F) {
	f.Add("value", "name", "길", 4096, 900)
	f.Add("\"", "\x01", "\u0085\u2028", 15<<10, 300)
	f.Add("", "", "", 0, 0)
	f.Add("\x1f", "name", "text", 0, 2*97+96) // a byte of an address becomes six
	f.Add("\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f", "", "\x7f", 0, 2*97+96)
	f.Fuzz(func(t *testing.T, value, name, text string, limit, times int) {
		limit = stdoutsink.MinMaxLine + int(uint(limit)%12000)
		times = int(uint(times) % 3000)
		e := sinktest.Unsealed(1)
		long := strings.Repeat(value, times%97)
		for i := range times % 40 {
			e.Request.Headers = append(e.Request.Headers, entry.Header{Name: name, Value: long[:len(long)*i/40]})
			e.Attributes = append(e.Attributes, entry.Label{Name: name, Value: long})
			e.Facts.Carried = append(e.Facts.Carried, entry.Label{Name: name, Value: value})
			e.Labels = append(e.Labels, entry.Label{Name: name + strings.Repeat("x", i), Value: long})
		}
		e.HTTP.URL, e.HTTP.Referer, e.HTTP.UserAgent, e.Message = long, long+text, long, strings.Repeat(text, times%300)
		e.Response.Body.Content = []byte(strings.Repeat(text, times))
		e.Error.Stack = long
		sinktest.Seal(e)
		var buf bytes.Buffer
		if err := open(t, &buf, &stdoutsink.Options{MaxLine: limit, ProjectID: "shop-test"}).Write(t.Context(), []*entry.Entry{e}); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(buf.Bytes()) {
			if len(line) > limit {
				t.Fatalf("a line of %d bytes, want at most %d", len(line), limit)
			}
		}
		es, err := collect(buf.Bytes())
		if err != nil || len(es) != 1 {
			t.Fatalf("%d entries, %v", len(es), err)
		}
		got, err := entry.Parse(es[0].Line())
		if err != nil {
			t.Fatal(err)
		}
		want, err := entry.Parse(e.Line())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Response.Body.Content, want.Response.Body.Content) || got.HTTP.URL != want.HTTP.URL || got.Message != want.Message ||
			len(got.Request.Headers) != len(want.Request.Headers) || len(got.Labels) != len(want.Labels) {
			t.Fatalf("in lines of %d it comes back as\n%.3000s\nwant\n%.3000s", limit, got.Line(), want.Line())
		}
		for i := range want.Attributes {
			if got.Attributes[i].Value != want.Attributes[i].Value {
				t.Fatalf("attribute %d", i)
			}
		}
	})
}
