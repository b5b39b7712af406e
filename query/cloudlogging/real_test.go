package cloudloggingquery_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/txid"
)

// What the test service promises is true of the service itself, where a project is
// named to try it on: an entry of each sort, one of several parts, and filters come
// back as from here.
func TestRealProject(t *testing.T) {
	project := os.Getenv("TXTRAIL_TEST_GCL_PROJECT")
	if project == "" {
		t.Skip("TXTRAIL_TEST_GCL_PROJECT names no project: the service itself is not tried, the one in this process is")
	}
	s, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{ProjectID: project})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	src, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: project, Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	for _, step := range src.Check(t.Context(), time.Minute) {
		if step.Err != nil {
			t.Fatalf("%s: %v", step.What, step.Err)
		}
	}
	start := time.Now().UTC().Add(-time.Minute)
	id := txid.ID(fmt.Sprintf("real-test-%d", start.UnixNano()))
	var want []*entry.Entry
	for i, v := range hostile {
		e := line(t, i, func(e *entry.Entry) {
			e.Time, e.TxID, e.InsertID = start.Add(time.Duration(i)), id, fmt.Sprintf("%s-%d", id, i)
			e.Facts.UserID, e.Message = string(id)+v, fmt.Sprint(i)
			e.Labels = []entry.Label{{Name: "z", Value: v}, {Name: "a", Value: v}}
			if i == 3 {
				e.Response.Body = entry.Body{Content: bytes.Repeat([]byte("크다"), 200<<10), Encoding: "utf-8"}
			}
		})
		want = append(want, e)
	}
	if err := s.Write(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	var r *query.Result
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Second) {
		if r, err = src.Lookup(t.Context(), string(id)); err != nil {
			t.Fatal(err)
		}
		if len(r.Entries) == len(want) && !r.Partial() {
			break
		}
	}
	if len(r.Entries) != len(want) {
		t.Fatalf("%d of %d came back", len(r.Entries), len(want))
	}
	for i := range want {
		if !bytes.Equal(r.Entries[i].Line(), want[i].Line()) {
			t.Errorf("entry %d\n%.300s\nwant\n%.300s", i, r.Entries[i].Line(), want[i].Line())
		}
	}
	for i, v := range hostile {
		r, err := src.Find(t.Context(), query.Filter{User: parsed(t, want)[i].Facts.UserID, Since: start})
		if err != nil || len(r.Entries) == 0 {
			t.Errorf("user …%q: %v, %v", v, r, err)
		}
	}
}
