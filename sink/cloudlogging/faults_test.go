package cloudloggingsink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func once(f gcltest.Fault) gcltest.FaultFunc {
	return func(_ string, n int) gcltest.Fault {
		if n == 1 {
			return f
		}
		return gcltest.Fault{}
	}
}

// Whatever is wrong with the service or the project, the entries are kept for later,
// and the error says what to do.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault gcltest.Fault
		says  string
		after time.Duration
	}{
		"unavailable":        {gcltest.Fault{Code: codes.Unavailable}, "can not be reached", 0},
		"internal":           {gcltest.Fault{Code: codes.Internal}, "Internal", 0},
		"aborted":            {gcltest.Fault{Code: codes.Aborted}, "Aborted", 0},
		"deadline":           {gcltest.Fault{Code: codes.DeadlineExceeded}, "DeadlineExceeded", 0},
		"unknown":            {gcltest.Fault{Code: codes.Unknown}, "Unknown", 0},
		"quota":              {gcltest.Fault{Code: codes.ResourceExhausted}, "quota exceeded", 0},
		"quota, with a time": {gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: 17 * time.Second}, "quota exceeded", 17 * time.Second},
		"no permission":      {gcltest.Fault{Code: codes.PermissionDenied}, "roles/logging.logWriter", 30 * time.Second},
		"no credentials":     {gcltest.Fault{Code: codes.Unauthenticated}, "gcloud auth application-default login", 30 * time.Second},
		"no project":         {gcltest.Fault{Code: codes.NotFound}, "GOOGLE_CLOUD_PROJECT", 30 * time.Second},
		"not the service":    {gcltest.Fault{Code: codes.Unimplemented}, "TXTRAIL_CLOUDLOGGING_ENDPOINT", 30 * time.Second},
		"connection cut":     {gcltest.Fault{Cut: true}, "can not be reached", 0},
		"lost ack":           {gcltest.Fault{Code: codes.Unavailable, Served: true}, "can not be reached", 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv)
			srv.SetFault(once(tt.fault))
			batch := sinktest.Samples(0, 3)
			err := s.Write(t.Context(), batch)
			if err == nil || sink.IsPermanent(err) {
				t.Fatalf("Write gives %v, want an error that is not permanent", err)
			}
			var partial *sink.PartialError
			if errors.As(err, &partial) {
				t.Errorf("the whole failed, and the error is partial: %v", err)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "projects/shop-test/logs/txtrail") {
				t.Errorf("the error %q does not say %q and where", err, tt.says)
			}
			if after, ok := sink.RetryAfter(err); !ok || after != tt.after {
				t.Errorf("RetryAfter %v, %v, want %v", after, ok, tt.after)
			}
			if n := srv.Calls("WriteLogEntries"); n != 1 {
				t.Errorf("%d calls: a Write does not retry", n)
			}
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
			es, err := stored(srv)
			if err != nil {
				t.Fatal(err)
			}
			if got := distinct(es); len(got) != 3 {
				t.Errorf("%v stored", got)
			}
		})
	}
}

func distinct(es []*entry.Entry) (ids []string) {
	for _, e := range es {
		if !slices.Contains(ids, e.InsertID) {
			ids = append(ids, e.InsertID)
		}
	}
	return ids
}

// The service refuses some of a batch: these are named, each by itself, and the
// others are written.
func TestPartial(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	srv.SetFault(func(_ string, n int) gcltest.Fault {
		if n == 1 {
			return gcltest.Fault{Refuse: []int{1, 4}}
		}
		return gcltest.Fault{Refuse: []int{0, 1}} // the two once more, without their times
	})
	err := s.Write(t.Context(), sinktest.Samples(0, 6))
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 2 {
		t.Fatalf("Write gives %v", err)
	}
	for i, want := range []int{1, 4} {
		if f := partial.Failed[i]; f.Index != want || !sink.IsPermanent(f.Err) || !strings.Contains(f.Err.Error(), "is refused") {
			t.Errorf("failure %d is %+v", i, f)
		}
	}
	if n := len(srv.Entries()); n != 4 {
		t.Errorf("%d stored, want 4", n)
	}
}

// When the service writes none of a request it names none. One bad entry by itself is
// found out, and is not taken for a fault of the project.
func TestAllRefused(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	refuse := func(calls map[int][]int) {
		before := srv.Calls("WriteLogEntries")
		srv.SetFault(func(_ string, n int) gcltest.Fault { return gcltest.Fault{Refuse: calls[n-before]} })
	}
	// All three, with their times and without: no details. Then call 3 is entry 0 by itself,
	// 4 is entries 1 and 2.
	refuse(map[int][]int{1: {0, 1, 2}, 2: {0, 1, 2}, 4: {0}})
	err := s.Write(t.Context(), sinktest.Samples(0, 3))
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 1 || partial.Failed[0].Index != 1 || !sink.IsPermanent(partial.Failed[0].Err) {
		t.Fatalf("Write gives %v", err)
	}
	es, err := stored(srv)
	if err != nil || len(distinct(es)) != 2 {
		t.Errorf("%v stored, %v", distinct(es), err)
	}

	// A single one.
	refuse(map[int][]int{1: {0}, 2: {0}})
	if err := s.Write(t.Context(), sinktest.Samples(10, 1)); !sink.IsPermanent(err) {
		t.Errorf("a bad entry alone: %v", err)
	}
	// Very many: they are asked for by themselves, and the service as such once.
	before := srv.Calls("WriteLogEntries")
	srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Refuse: upTo(64)} })
	if err := s.Write(t.Context(), sinktest.Samples(10, 64)); !sink.IsPermanent(err) {
		t.Errorf("bad entries alone: %v", err)
	}
	if n := srv.Calls("WriteLogEntries") - before; n > 130 {
		t.Errorf("%d calls for 64 bad entries", n)
	}
	// Everything, a good one too: then it is not the entries.
	srv.SetFault(func(string, int) gcltest.Fault {
		return gcltest.Fault{Code: codes.InvalidArgument, Message: "the project is being deleted"}
	})
	err = s.Write(t.Context(), sinktest.Samples(10, 3))
	if err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "being deleted") {
		t.Errorf("a project that takes nothing: %v", err)
	}
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// A machine whose clock is days ahead does not know it. The service refuses its entries,
// and gets them once more without their times, which they keep.
func TestClockAhead(t *testing.T) {
	ahead := now.Add(30 * time.Hour)
	for name, good := range map[string]int{"all of a batch": 0, "some of a batch": 3} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv, func(o *cloudloggingsink.Options) { o.Now = func() time.Time { return ahead } })
			var batch []*entry.Entry
			for i := range 6 {
				e := sinktest.Unsealed(i)
				if i >= good {
					e.Time = ahead.Add(time.Duration(i))
				}
				if i == 5 {
					e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 60<<10)
				}
				batch = append(batch, sinktest.Seal(e))
			}
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if st := s.Stats(); st.Entries != 6 || st.Clamped != int64(6-good) || st.Split != 1 {
				t.Errorf("%+v", st)
			}
			es, err := stored(srv)
			if err != nil || len(es) != 6 {
				t.Fatalf("%d stored, %v", len(es), err)
			}
			for i, e := range es {
				if !bytes.Equal(e.Line(), batch[i].Line()) {
					t.Errorf("entry %d is not what it was: %s", i, e.Time)
				}
			}
			for i, le := range srv.Entries() {
				if d := now.Sub(le.Timestamp.AsTime()); d < 0 || d > 24*time.Hour {
					t.Errorf("LogEntry %d is at %s", i, le.Timestamp.AsTime())
				}
			}
			if n := srv.Calls("WriteLogEntries"); n != 2 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// The ways in which the official client was seen to lose entries.
func TestNothingLost(t *testing.T) {
	t.Run("one entry above the limit does not drop its batch", func(t *testing.T) {
		srv := serve(t)
		s := open(t, srv)
		batch := sinktest.Samples(0, 5)
		large := sinktest.Unsealed(2)
		large.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 30<<10)
		batch[2] = sinktest.Seal(large)
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(es) != 5 || !bytes.Equal(es[2].Line(), large.Line()) {
			t.Errorf("%d stored, %v", len(es), err)
		}
		if st := s.Stats(); st.Entries != 5 || st.Split != 1 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("one byte that is not UTF-8 does not drop its neighbours", func(t *testing.T) {
		srv := serve(t)
		s := open(t, srv)
		var batch []*entry.Entry
		for i := range 1000 {
			e := sinktest.Unsealed(i)
			if i == 500 {
				e.HTTP.UserAgent, e.Trace.ID = "agent\xff/1.0", "0af7651916cd43dd8448eb211c80319\xfe"
				e.Labels = []entry.Label{{Name: "l\x80", Value: "\xc3\x28"}}
				e.HTTP.URL, e.Facts.UserID = "/\xed\xa0\x80", "\xf8\xa1"
			}
			batch = append(batch, sinktest.Seal(e))
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(es) != 1000 || es[500].HTTP.UserAgent != "agent\ufffd/1.0" {
			t.Errorf("%d stored, %v", len(es), err)
		}
	})
	t.Run("an entry of the future is not thrown away", func(t *testing.T) {
		srv := serve(t)
		s := open(t, srv)
		var batch []*entry.Entry
		for i, d := range []time.Duration{25 * time.Hour, -40 * 24 * time.Hour, 0} {
			e := sinktest.Unsealed(i)
			e.Time = now.Add(d)
			batch = append(batch, sinktest.Seal(e))
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(es) != 3 || srv.Dropped() != 0 || s.Stats().Clamped != 2 {
			t.Fatalf("%d stored, %d dropped, %+v, %v", len(es), srv.Dropped(), s.Stats(), err)
		}
		for i, e := range es {
			if !e.Time.Equal(batch[i].Time) {
				t.Errorf("entry %d has the time %v, want %v", i, e.Time, batch[i].Time)
			}
		}
	})
	t.Run("quota and aborted calls are tried again, and told", func(t *testing.T) {
		srv := serve(t)
		srv.SetFault(func(_ string, n int) gcltest.Fault {
			switch n % 3 {
			case 1:
				return gcltest.Fault{Code: codes.ResourceExhausted}
			case 2:
				return gcltest.Fault{Code: codes.Aborted, Served: true}
			}
			return gcltest.Fault{}
		})
		told := make(chan error, 1000)
		q, err := sink.NewQueue(open(t, srv), &sink.QueueOptions{RetryMin: time.Millisecond, RetryMax: time.Millisecond, OnError: func(err error) { told <- err }})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			q.Enqueue(sinktest.Unsealed(i))
		}
		if err := q.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(distinct(es)) != 50 || q.Stats().Delivered != 50 || len(told) == 0 {
			t.Errorf("%d stored, %+v, told %d times, %v", len(distinct(es)), q.Stats(), len(told), err)
		}
	})
	t.Run("an entry of a thousand labels", func(t *testing.T) {
		srv := serve(t)
		var b strings.Builder
		b.WriteString(`{"time":"2026-07-04T19:00:00.000000000Z","kind":"log","logging.googleapis.com/insertId":"l","logging.googleapis.com/labels":{`)
		for i := range 1000 {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"label%d":%q`, i, strings.Repeat("v", i))
		}
		b.WriteString("}}")
		e, err := entry.Parse([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := open(t, srv).Write(t.Context(), []*entry.Entry{e}); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(es) != 1 || len(es[0].Labels) != 1000 || es[0].Labels[999] != e.Labels[999] {
			t.Errorf("%v", err)
		}
	})
}

// A body of 5 MB goes in parts and is one again, with every plane of Unicode in it.
func TestSplit(t *testing.T) {
	var b bytes.Buffer
	for r := rune(0); b.Len() < 5<<20; r = (r + 97) % 0x110000 {
		b.WriteRune(r) // a surrogate is written as U+FFFD
	}
	invalid := append(bytes.Repeat([]byte("ok \xff\xfe\x80 한"), 20<<10), 0xc3)
	for name, change := range map[string]func(e *entry.Entry){
		"response":      func(e *entry.Entry) { e.Response.Body.Content = b.Bytes() },
		"both, invalid": func(e *entry.Entry) { e.Request.Body.Content, e.Response.Body.Content = invalid, b.Bytes()[:400<<10] },
		"headers, labels, attributes": func(e *entry.Entry) {
			long := strings.Repeat("길", 1300)
			for i := range entry.MaxHeaders {
				h := entry.Header{Name: fmt.Sprintf("X-%d", i), Value: long[:600]}
				e.Request.Headers, e.Response.Headers = append(e.Request.Headers, h), append(e.Response.Headers, h)
				e.Request.Trailers, e.Response.Trailers = append(e.Request.Trailers, h), append(e.Response.Trailers, h)
			}
			for i := range entry.MaxLabels {
				l := entry.Label{Name: fmt.Sprintf("label-%d", i), Value: long}
				e.Labels, e.Attributes = append(e.Labels, l), append(e.Attributes, entry.Label{Name: l.Name, Value: strings.Repeat(long, 4)})
			}
			e.Error.Stack = strings.Repeat("at main.go\n", 3000)
			e.Resource = &entry.Resource{Service: "web", Attributes: slices.Clone(e.Labels)}
			e.Request.Body.Content = bytes.Repeat([]byte("x"), 100<<10)
		},
		"no insertId": func(e *entry.Entry) { e.InsertID, e.Response.Body.Content = "", b.Bytes()[:300<<10] },
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv)
			e := sinktest.Unsealed(3)
			change(e)
			sinktest.Seal(e)
			if err := s.Write(t.Context(), []*entry.Entry{sinktest.Sample(1), e, sinktest.Sample(5)}); err != nil {
				t.Fatal(err)
			}
			les := srv.Entries()
			if len(les) < 4 {
				t.Fatalf("%d LogEntries: it was not split", len(les))
			}
			for _, le := range les[1 : len(les)-1] {
				if le.Operation.GetId() != string(e.TxID) || le.Labels["txid"] != string(e.TxID) || le.Split.GetTotalSplits() != int32(len(les)-2) {
					t.Fatalf("a part is not found by its scenario: %v", le.Split)
				}
			}
			if first := les[1]; first.HttpRequest.GetStatus() != 200 || les[2].HttpRequest != nil {
				t.Error("the request stands in the first part, and there alone")
			}
			es, err := stored(srv)
			if err != nil || len(es) != 3 {
				t.Fatal(len(es), err)
			}
			want := string(e.Line())
			if e.InsertID == "" {
				es[1].InsertID = ""
				if string(es[1].AppendJSON(nil)) != want {
					t.Error("but for its insertId the entry is not what it was")
				}
			} else if string(es[1].Line()) != want {
				t.Errorf("the entry is not what it was: %d bytes, want %d", len(es[1].Line()), len(want))
			}
			if len(les) > 10 {
				return // what follows does not depend on how many there are
			}
			// Again, as after a lost answer: the parts are the same.
			if err := s.Write(t.Context(), []*entry.Entry{e}); err != nil {
				t.Fatal(err)
			}
			for i, le := range srv.Entries()[len(les):] {
				if first := les[1+i]; le.InsertId != first.InsertId || !le.Timestamp.AsTime().Equal(first.Timestamp.AsTime()) {
					t.Errorf("part %d comes with another identity", i)
				}
			}
		})
	}
}

// A part that did not come is said to be missing.
func TestJoinMissing(t *testing.T) {
	srv := serve(t)
	e := sinktest.Unsealed(3)
	e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 60<<10)
	sinktest.Seal(e)
	if err := open(t, srv).Write(t.Context(), []*entry.Entry{e}); err != nil {
		t.Fatal(err)
	}
	parts := slices.Clone(srv.Entries())
	got, missing, err := cloudloggingsink.Join(append(slices.Delete(parts, 1, 2), parts[0]))
	if err != nil || missing != 1 {
		t.Fatal(missing, err)
	}
	if b := got.Response.Body; !b.Truncated || b.Reason != cloudloggingsink.PartMissing || len(b.Content) == 0 || got.HTTP.Status != 200 {
		t.Errorf("%d bytes, truncated %v, %q", len(b.Content), b.Truncated, b.Reason)
	}
}

// Requests keep below the service's limit however much there is.
func TestManyRequests(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	var batch []*entry.Entry
	for i := range 130 {
		e := sinktest.Unsealed(i)
		e.Response.Body.Content = bytes.Repeat([]byte("0123456789"), 20<<10)
		batch = append(batch, sinktest.Seal(e))
	}
	srv.SetFault(func(_ string, n int) gcltest.Fault {
		if n == 3 {
			return gcltest.Fault{Code: codes.Unavailable}
		}
		return gcltest.Fault{}
	})
	err := s.Write(t.Context(), batch)
	var partial *sink.PartialError
	if !errors.As(err, &partial) || sink.IsPermanent(err) {
		t.Fatalf("Write gives %v", err)
	}
	// What was written is not in the error; what follows the fault is, in order.
	if n := len(srv.Entries()) + len(partial.Failed); n != 130 || partial.Failed[0].Index != len(srv.Entries()) {
		t.Errorf("%d stored, %d failed from %d on", len(srv.Entries()), len(partial.Failed), partial.Failed[0].Index)
	}
}

func TestSlow(t *testing.T) {
	srv := serve(t)
	srv.SetFault(once(gcltest.Fault{Delay: time.Hour}))
	s := open(t, srv)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Write(ctx, sinktest.Samples(0, 1)); !errors.Is(err, context.DeadlineExceeded) || sink.IsPermanent(err) {
		t.Errorf("Write gives %v", err)
	}
	if err := s.Write(t.Context(), sinktest.Samples(0, 1)); err != nil {
		t.Error(err)
	}
}

func TestCompress(t *testing.T) {
	var wire [2]int64
	for i, compress := range []bool{false, true} {
		srv := serve(t)
		s := open(t, srv, func(o *cloudloggingsink.Options) { o.Compress = compress })
		if err := s.Write(t.Context(), sinktest.Samples(0, 200)); err != nil {
			t.Fatal(err)
		}
		es, err := stored(srv)
		if err != nil || len(es) != 200 {
			t.Fatal(len(es), err)
		}
		wire[i], _ = srv.Received()
	}
	if wire[1]*4 > wire[0] {
		t.Errorf("%d bytes compressed, %d plain", wire[1], wire[0])
	}
}
