package capture

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

func sorted(fs []entry.Header) []entry.Header {
	slices.SortStableFunc(fs, func(a, b entry.Header) int { return strings.Compare(a.Name, b.Name) })
	return fs
}

var sameMarks = cmpopts.EquateComparable(txid.Marks{})

func TestAppendFields(t *testing.T) {
	h := http.Header{
		"Content-Type": {"text/html", "second"}, "Content-Encoding": {"br"}, "Content-Length": {"7"}, "Content-Range": {"bytes 0-1/2"}, "User-Agent": {"ua"}, "Referer": {"r"},
		"Age": {"1"}, "Expires": {"0"}, "Trailer": {"X-Sum"}, txid.HeaderKeep: {"1"}, "X-Nothing": nil,
	}
	var seen Noted
	got := sorted(AppendFields([]entry.Header{{Name: "A", Value: "before"}}, h, &seen))
	want := []entry.Header{
		{Name: "A", Value: "before"},
		{Name: "Age", Value: "1"},
		{Name: "Content-Encoding", Value: "br"},
		{Name: "Content-Length", Value: "7"},
		{Name: "Content-Range", Value: "bytes 0-1/2"},
		{Name: "Content-Type", Value: "text/html"},
		{Name: "Content-Type", Value: "second"},
		{Name: "Expires", Value: "0"},
		{Name: "Referer", Value: "r"},
		{Name: "Trailer", Value: "X-Sum"},
		{Name: "User-Agent", Value: "ua"},
		{Name: txid.HeaderKeep, Value: "1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	all := Noted{Type: "text/html", Encoding: "br", Length: "7", Range: "bytes 0-1/2", UserAgent: "ua", Referer: "r", Cacheable: true, Cached: true, Trailer: true, Keep: true}
	if d := cmp.Diff(all, seen, sameMarks); d != "" {
		t.Error(d)
	}
	seen = Noted{}
	AppendFields(nil, http.Header{http.TrailerPrefix + "X-Sum": {"1"}, "Trailers": {"1"}, "X-Other": {"1"}}, &seen)
	if d := cmp.Diff(Noted{Trailer: true, Prefixed: true}, seen, sameMarks); d != "" {
		t.Error(d)
	}
	for _, name := range []string{"Etag", "ETag"} {
		seen = Noted{}
		AppendFields(nil, http.Header{name: {`"v1"`}}, &seen)
		if d := cmp.Diff(Noted{Cacheable: true}, seen, sameMarks); d != "" {
			t.Error(name, d)
		}
	}
	if got := AppendFields(nil, nil, nil); got != nil {
		t.Errorf("fields of nothing: %v", got)
	}
}

// A hostile peer sends many fields, or long ones: an entry keeps a bounded part,
// says so once, and holds nothing of the rest.
func TestFieldsAreBounded(t *testing.T) {
	many := http.Header{"X-Many": make([]string, 3*entry.MaxHeaders)}
	long := http.Header{}
	for i := range 40 {
		long[strings.Repeat("X", 3+i)] = []string{strings.Repeat("v", 1<<20)}
	}
	for name, h := range map[string]http.Header{"many": many, "long": long} {
		got := AppendFields(nil, h, nil)
		total, cuts := 0, 0
		for _, f := range got {
			total += len(f.Name) + len(f.Value)
			if f.Name == entry.CutHeader {
				cuts++
			}
		}
		if len(got) > entry.MaxHeaders+1 || total > entry.MaxHeaderBytes+200 || cuts != 1 || got[len(got)-1].Name != entry.CutHeader {
			t.Errorf("%s: %d fields, %d bytes, %d marks", name, len(got), total, cuts)
		}
	}
}

func TestFieldsSet(t *testing.T) {
	f := Fields{}
	f.Add("A", []string{"1", "2"})
	f.AddOne("B", "1")
	f.Set("A", "3")
	f.Set("C", "4")
	want := []entry.Header{{Name: "A", Value: "3"}, {Name: "B", Value: "1"}, {Name: "C", Value: "4"}}
	if d := cmp.Diff(want, sorted(f.List)); d != "" {
		t.Error(d)
	}
}

func TestBound(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "abcd", "abcde": "abcd"} {
		if got := Bound(in, 3); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
