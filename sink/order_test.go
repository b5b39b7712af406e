package sink_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// Header fields come out of net/http's map in any order, and go into the line in one.
func TestHeadersAreOrdered(t *testing.T) {
	memory := &sinktest.Memory{}
	q, err := sink.NewQueue(memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Enqueue(&entry.Entry{Kind: entry.KindServer, Request: entry.Message{Headers: []entry.Header{
		{Name: "Vary", Value: "b"},
		{Name: entry.CutHeader, Value: "7 more"},
		{Name: "Accept", Value: "x"},
		{Name: "Zone", Value: "z"},
		{Name: "Vary", Value: "a"},
		{Name: "Host", Value: "h"},
	}}})
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []entry.Header{
		{Name: "Accept", Value: "x"},
		{Name: "Host", Value: "h"},
		{Name: "Vary", Value: "b"},
		{Name: "Vary", Value: "a"},
		{Name: "Zone", Value: "z"},
		{Name: entry.CutHeader, Value: "7 more"},
	}
	if diff := cmp.Diff(want, memory.Entries()[0].Request.Headers); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
