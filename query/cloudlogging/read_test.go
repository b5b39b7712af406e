package cloudloggingquery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	"github.com/txtrail/txtrail/query/querytest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
	"github.com/txtrail/txtrail/txid"
)

// line makes a sealed log entry.
func line(t testing.TB, i int, change ...func(*entry.Entry)) *entry.Entry {
	t.Helper()
	e := &entry.Entry{
		Time: now.Add(-time.Hour + time.Duration(i)*time.Millisecond), TxID: "read-test-1", InsertID: fmt.Sprintf("l%06d", i), Kind: entry.KindLog,
		Message: fmt.Sprint(i), Resource: &entry.Resource{Service: "web"},
	}
	for _, f := range change {
		f(e)
	}
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// The story is the journal's to the byte: the sample comes back as it was.
func TestSample(t *testing.T) {
	w := open(t)
	w.write(t, querytest.Sample()...)
	r, err := w.src.Lookup(t.Context(), string(querytest.SampleID))
	if err != nil {
		t.Fatal(err)
	}
	want := querytest.Sample()
	slices.SortFunc(want, query.Compare)
	if len(r.Entries) != len(want) {
		t.Fatalf("%d entries, want %d", len(r.Entries), len(want))
	}
	for i := range want {
		if got, want := string(r.Entries[i].Line()), string(want[i].Line()); got != want {
			t.Errorf("entry %d\n%s\nwant\n%s", i, got, want)
		}
	}
}

// Split entries are whole again, also where the filter lets one part through alone.
func TestSplitEntries(t *testing.T) {
	w := open(t)
	large := line(t, 1, func(e *entry.Entry) {
		e.Kind, e.HTTP.Status, e.HTTP.Method = entry.KindServer, 503, "POST"
		e.Response.Body = entry.Body{Content: append(bytes.Repeat([]byte("0123456789"), 50<<10), "needle"...), Encoding: "utf-8"}
	})
	w.write(t, line(t, 0), large, line(t, 2))
	for name, ask := range map[string]func() (*query.Result, error){
		"lookup":            func() (*query.Result, error) { return w.src.Lookup(t.Context(), "read-test") },
		"by the first part": func() (*query.Result, error) { return w.src.Find(t.Context(), query.Filter{Methods: []string{"post"}}) },
		"by the last part":  func() (*query.Result, error) { return w.src.Find(t.Context(), query.Filter{Text: "needle"}) },
		"by the limit":      func() (*query.Result, error) { return w.src.Find(t.Context(), query.Filter{Failed: true, Limit: 1}) },
		"by all of its kind": func() (*query.Result, error) {
			return w.src.Find(t.Context(), query.Filter{Kinds: []entry.Kind{"server"}})
		},
	} {
		r, err := ask()
		if err != nil || r.Partial() {
			t.Errorf("%s: %v, %v", name, err, r)
			continue
		}
		i := slices.IndexFunc(r.Entries, func(e *entry.Entry) bool { return e.Message == "1" })
		if i < 0 || !bytes.Equal(r.Entries[i].Line(), large.Line()) {
			t.Errorf("%s: the entry is not there whole", name)
		}
	}
	// A part that is not there any more is told.
	parts := w.srv.Entries()
	lost := open(t)
	for i, p := range parts {
		if i != 2 {
			lost.srv.Put(p)
		}
	}
	r, err := lost.src.Lookup(t.Context(), "read-test")
	if err != nil || len(r.Entries) != 3 || !r.Partial() || !strings.Contains(r.Warnings[0].String(), "1 parts of the entry") {
		t.Fatalf("%v, %v", r, err)
	}
	if e := r.Entries[1]; e.HTTP.Status != 503 || e.Response.Body.Reason == "" || !e.Response.Body.Truncated {
		t.Errorf("what is left says nothing of what is not: %+v", e.Response.Body.Reason)
	}
}

// The sample by way of standard output and an agent is the same story too, also in
// lines that are split.
func TestAgent(t *testing.T) {
	w := open(t)
	var out bytes.Buffer
	s, err := stdoutsink.New(&out, &stdoutsink.Options{ProjectID: "shop-test"})
	if err != nil {
		t.Fatal(err)
	}
	large := line(t, 1, func(e *entry.Entry) {
		e.TxID, e.Response.Body = querytest.SampleID, entry.Body{Content: bytes.Repeat([]byte("크다"), 10<<10), Encoding: "utf-8"}
	})
	want := append(querytest.Sample(), large)
	if err := s.Write(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for l := range bytes.Lines(out.Bytes()) {
		le, err := gcltest.Agent(l, "projects/shop-test/logs/run.googleapis.com%2Fstdout")
		if err != nil {
			t.Fatal(err)
		}
		le.Labels["instanceId"], le.Labels["k8s-pod/app"] = "00bf", "web" // what agents add
		w.srv.Put(le)
	}
	r, err := w.src.Lookup(t.Context(), string(querytest.SampleID))
	if err != nil || r.Partial() || len(r.Entries) != len(want) {
		t.Fatal(r, err)
	}
	slices.SortFunc(want, query.Compare)
	for i := range want {
		if got, want := string(r.Entries[i].Line()), string(want[i].Line()); got != want {
			t.Errorf("entry %d\n%.600s\nwant\n%.600s", i, got, want)
		}
	}
}

// A limit stops reading when there are enough, and says that there is more.
func TestPages(t *testing.T) {
	w := open(t)
	var all []*entry.Entry
	for i := range 3500 {
		all = append(all, line(t, i))
	}
	w.write(t, all...)
	for _, tt := range []struct {
		limit, reads, matched int
		more                  bool
	}{{10, 1, 1000, true}, {1500, 2, 2000, true}, {3500, 4, 3500, false}, {0, 4, 3500, false}} {
		before := w.srv.Calls("ListLogEntries")
		r, err := w.src.Find(t.Context(), query.Filter{Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		reads := w.srv.Calls("ListLogEntries") - before
		if reads != tt.reads || r.Matched != tt.matched || r.More != tt.more || r.Partial() {
			t.Errorf("limit %d: %d reads, matched %d, more %v, %v; want %+v", tt.limit, reads, r.Matched, r.More, r.Warnings, tt)
		}
		if last := r.Entries[len(r.Entries)-1]; last.Message != "3499" {
			t.Errorf("limit %d: the newest is %s", tt.limit, last.Message)
		}
	}
	few := open(t, func(o *cloudloggingquery.Options) { o.MaxReads = 2 })
	few.write(t, all...)
	r, err := few.src.Find(t.Context(), query.Filter{})
	if err != nil || !r.More || r.Matched != 2000 || !r.Partial() || !strings.Contains(r.Warnings[0].String(), "stopped after 2 reads") {
		t.Errorf("%d of %v, %v", r.Matched, r.Warnings, err)
	}
}

// Thirty stories cost one read.
func TestGatherOnce(t *testing.T) {
	w := open(t)
	var ids []txid.ID
	for i := range 30 {
		id := txid.ID(fmt.Sprintf("gather-%04d", i))
		ids = append(ids, id)
		w.write(t, line(t, i, func(e *entry.Entry) { e.TxID = id }))
	}
	rs, err := query.Gather(t.Context(), w.src, ids)
	if err != nil || len(rs) != 30 || len(rs[29].Entries) != 1 {
		t.Fatal(len(rs), err)
	}
	if n := w.srv.Calls("ListLogEntries"); n != 1 {
		t.Errorf("%d reads", n)
	}
}

// An answer is given again for a moment, and two who ask at once ask once.
func TestKeep(t *testing.T) {
	w := open(t, func(o *cloudloggingquery.Options) { o.Keep = time.Hour })
	w.write(t, line(t, 1))
	results := make(chan *query.Result, 8)
	for range 8 {
		go func() {
			r, _ := w.src.Lookup(context.Background(), "read-test")
			results <- r
		}()
	}
	for range 8 {
		if r := <-results; r == nil || len(r.Entries) != 1 {
			t.Errorf("%+v", r)
		} else {
			r.Entries[0] = nil // the asker's own list
		}
	}
	if n := w.srv.Calls("ListLogEntries"); n != 1 {
		t.Errorf("%d reads", n)
	}
	if r, err := w.src.Lookup(t.Context(), "read-test"); err != nil || r.Entries[0] == nil {
		t.Errorf("an answer was changed by who got it before: %v, %v", r, err)
	}
	w.srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: codes.PermissionDenied} })
	for range 2 { // an error is not kept
		if _, err := w.src.Lookup(t.Context(), "other"); err == nil {
			t.Error("no error")
		}
	}
	if n := w.srv.Calls("ListLogEntries"); n != 3 {
		t.Errorf("%d reads", n)
	}
}

// Where others have used up the quota a read waits for its time, tells, and answers.
func TestQuota(t *testing.T) {
	var waited atomic.Int64
	w := open(t, func(o *cloudloggingquery.Options) { o.OnWait = func(d time.Duration) { waited.Store(int64(d)) } })
	w.write(t, line(t, 1))
	w.srv.SetFault(func(method string, n int) gcltest.Fault {
		if method == "ListLogEntries" && n == 1 {
			return gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: 30 * time.Millisecond}
		}
		return gcltest.Fault{}
	})
	r, err := w.src.Lookup(t.Context(), "read-test")
	if err != nil || len(r.Entries) != 1 || waited.Load() == 0 {
		t.Errorf("%v, %v, waited %v", r, err, waited.Load())
	}
	// Who goes away meanwhile is let go.
	w.srv.SetFault(func(string, int) gcltest.Fault {
		return gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: time.Hour}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.src.Lookup(ctx, "read-test"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestErrors(t *testing.T) {
	for code, says := range map[codes.Code]string{
		codes.PermissionDenied: "roles/logging.viewer", codes.Unauthenticated: "gcloud auth application-default login",
		codes.NotFound: "no such project", codes.Unimplemented: "look at the endpoint",
	} {
		w := open(t)
		w.srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: code} })
		_, err := w.src.Find(t.Context(), query.Filter{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "gcl:shop-test") {
			t.Errorf("%v: %v", code, err)
		}
		denied := code == codes.PermissionDenied || code == codes.Unauthenticated
		if errors.Is(err, fs.ErrPermission) != denied {
			t.Errorf("%v: permission %v", code, !denied)
		}
		for _, err := range w.src.Tail(t.Context(), query.Filter{}) {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("tail, %v: %v", code, err)
			}
			break
		}
	}
}

// A page that fails after others makes the answer partial: what was read is shown.
func TestPartialAnswer(t *testing.T) {
	w := open(t)
	var all []*entry.Entry
	for i := range 1500 {
		all = append(all, line(t, i))
	}
	w.write(t, all...)
	w.srv.SetFault(func(method string, n int) gcltest.Fault {
		if method == "ListLogEntries" && n == 2 {
			return gcltest.Fault{Code: codes.PermissionDenied}
		}
		return gcltest.Fault{}
	})
	r, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || len(r.Entries) != 1000 || !r.Partial() {
		t.Errorf("%v, %v", r, err)
	}
}

// Following goes on over a connection that was cut, and misses nothing.
func TestTailReconnects(t *testing.T) {
	w := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	write := func(es ...*entry.Entry) { // the sink's connection is cut as well
		for err := w.sink.Write(ctx, es); err != nil; err = w.sink.Write(ctx, es) {
			if ctx.Err() != nil {
				t.Error(err)
				return
			}
		}
	}
	write(line(t, 0))
	got := map[string]int{}
	errs := 0
	for e, err := range w.src.Tail(ctx, query.Filter{Since: now.Add(-2 * time.Hour)}) {
		if err != nil {
			if errs++; errs == 1 { // cut: what is written meanwhile is read afterwards
				write(line(t, 2, func(e *entry.Entry) { e.Time = now.Add(-time.Second) }))
			}
			continue
		}
		got[e.Message]++
		switch e.Message {
		case "0":
			write(line(t, 1))
		case "1":
			w.srv.Cut()
		case "2":
			write(line(t, 3))
		case "3":
			cancel()
		}
	}
	for _, m := range []string{"0", "1", "2", "3"} {
		if got[m] != 1 {
			t.Errorf("%s came %d times", m, got[m])
		}
	}
	if errs == 0 {
		t.Error("the cut was not told")
	}
}
