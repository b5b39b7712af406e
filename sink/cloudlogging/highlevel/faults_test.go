package highlevelsink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging"
	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// always makes every call go wrong until the service is told otherwise.
func always(f gcltest.Fault) gcltest.FaultFunc { return func(string, int) gcltest.Fault { return f } }

// ids returns the insertIds of what is stored, each once.
func ids(t *testing.T, srv *gcltest.Server) (ids []string) {
	t.Helper()
	es, err := stored(srv)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if !slices.Contains(ids, e.InsertID) {
			ids = append(ids, e.InsertID)
		}
	}
	return ids
}

// Whatever is wrong with the service, the project or the client, the entries are kept
// for later, and the error says what to do. One call finds out.
func TestFaults(t *testing.T) {
	const hidden = "does not say why"
	for name, tt := range map[string]struct {
		fault gcltest.Fault
		says  string
		after time.Duration
	}{
		"quota":              {gcltest.Fault{Code: codes.ResourceExhausted}, "quota exceeded", 0},
		"quota, with a time": {gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: 17 * time.Second}, "quota exceeded", 17 * time.Second},
		"aborted":            {gcltest.Fault{Code: codes.Aborted}, "Aborted", 0},
		"aborted, served":    {gcltest.Fault{Code: codes.Aborted, Served: true}, "Aborted", 0},
		"unknown":            {gcltest.Fault{Code: codes.Unknown}, "Unknown", 0},
		"no permission":      {gcltest.Fault{Code: codes.PermissionDenied}, "roles/logging.logWriter", 30 * time.Second},
		"no credentials":     {gcltest.Fault{Code: codes.Unauthenticated}, "gcloud auth application-default login", 30 * time.Second},
		"no project":         {gcltest.Fault{Code: codes.NotFound}, "no such project", 30 * time.Second},
		"not the service":    {gcltest.Fault{Code: codes.Unimplemented}, "the endpoint that it was made with", 0},
		"a hostile word":     {gcltest.Fault{Code: codes.DataLoss, Message: "\x1b[2J\xff"}, "DataLoss", 0},
		// What follows the client repeats by itself.
		"unavailable":    {gcltest.Fault{Code: codes.Unavailable}, hidden, 0},
		"internal":       {gcltest.Fault{Code: codes.Internal}, hidden, 0},
		"deadline":       {gcltest.Fault{Code: codes.DeadlineExceeded}, hidden, 0},
		"connection cut": {gcltest.Fault{Cut: true}, hidden, 0},
		"no answer":      {gcltest.Fault{Delay: time.Hour}, hidden, 0},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			c := client(t, srv)
			sinkOf := func(o *highlevelsink.Options) *highlevelsink.Sink {
				s, err := highlevelsink.New(t.Context(), c, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close(context.Background()) })
				return s
			}
			s := sinkOf(options(func(o *highlevelsink.Options) {
				if tt.says == hidden { // ends by this alone
					o.CallTimeout = 150 * time.Millisecond
				}
			}))
			srv.SetFault(always(tt.fault))
			batch := sinktest.Samples(0, 40)
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
			if n := s.Stats().Requests; n != 1 {
				t.Errorf("%d calls of LogSync, want 1", n)
			}
			if n := srv.Calls("WriteLogEntries"); n != 1 && tt.says != hidden {
				t.Errorf("%d calls", n)
			}
			if d := cloudloggingsink.Denied(err); d != (tt.fault.Code == codes.PermissionDenied || tt.fault.Code == codes.Unauthenticated) {
				t.Errorf("Denied says %v of %v", d, err)
			}
			srv.SetFault(nil)
			if err := sinkOf(options()).Write(t.Context(), batch); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
			if got := ids(t, srv); len(got) != 40 {
				t.Errorf("%d stored", len(got))
			}
		})
	}
}

// A fault in the midst of a batch: what was written is not said to have failed, and
// nothing is lost.
func TestFaultMidway(t *testing.T) {
	for name, change := range map[string]func(*highlevelsink.Options){
		"one at a time": inOrder, "many at a time": func(*highlevelsink.Options) {},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv, change)
			srv.SetFault(func(_ string, n int) gcltest.Fault {
				if n > 20 {
					return gcltest.Fault{Code: codes.ResourceExhausted, RetryAfter: time.Second}
				}
				return gcltest.Fault{}
			})
			batch := sinktest.Samples(0, 100)
			err := s.Write(t.Context(), batch)
			var partial *sink.PartialError
			if !errors.As(err, &partial) || sink.IsPermanent(err) {
				t.Fatalf("Write gives %v", err)
			}
			if after, _ := sink.RetryAfter(err); after != time.Second || !strings.Contains(err.Error(), "quota exceeded") {
				t.Errorf("again after %v: %v", after, err)
			}
			failed := map[string]bool{}
			for _, f := range partial.Failed {
				failed[batch[f.Index].InsertID] = true
			}
			got := ids(t, srv)
			for _, e := range batch {
				if failed[e.InsertID] == slices.Contains(got, e.InsertID) {
					t.Errorf("%s: failed %v, stored %v", e.InsertID, failed[e.InsertID], !failed[e.InsertID])
				}
			}
			if len(got) != 20 || srv.Calls("WriteLogEntries") > 21+32 {
				t.Errorf("%d stored with %d calls", len(got), srv.Calls("WriteLogEntries"))
			}
		})
	}
}

// Answers that are lost on the way, of which the client repeats some by itself: each
// entry is there once by its insertId and timestamp.
func TestLostAck(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	srv.SetFault(func(_ string, n int) gcltest.Fault {
		switch n % 5 {
		case 1:
			return gcltest.Fault{Code: codes.Unavailable, Served: true}
		case 2:
			return gcltest.Fault{Code: codes.Aborted, Served: true}
		}
		return gcltest.Fault{}
	})
	q, err := sink.NewQueue(s, &sink.QueueOptions{RetryMin: time.Millisecond, RetryMax: time.Millisecond, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		q.Enqueue(sinktest.Unsealed(i))
	}
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	at := map[string]time.Time{}
	for _, le := range written(srv) {
		if was, again := at[le.InsertId]; again && !was.Equal(le.Timestamp.AsTime()) {
			t.Errorf("%s comes with another time", le.InsertId)
		}
		at[le.InsertId] = le.Timestamp.AsTime()
	}
	if len(at) != 50 || q.Stats().Delivered != 50 || len(written(srv)) == 50 {
		t.Errorf("%d entries in %d, %+v", len(at), len(written(srv)), q.Stats())
	}
}

// crowded returns a sink by a Logger that has nearly all the labels that there may be.
func crowded(t *testing.T, srv *gcltest.Server, change ...func(*highlevelsink.Options)) *highlevelsink.Sink {
	t.Helper()
	common := map[string]string{}
	for i := range 60 {
		common[fmt.Sprint("common", i)] = "x"
	}
	l := client(t, srv).Logger("txtrail", logging.CommonLabels(common), logging.CommonResource(nil))
	s, err := highlevelsink.FromLogger(t.Context(), l, options(append(change, func(o *highlevelsink.Options) { o.LogID = "txtrail" })...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// many returns an entry that a crowded sink can not write.
func many(i int) *entry.Entry {
	e := sinktest.Unsealed(i)
	for j := range 10 {
		e.Labels = append(e.Labels, entry.Label{Name: fmt.Sprint("l", j), Value: "v"})
	}
	return sinktest.Seal(e)
}

// What the service refuses is named, each by itself, and its neighbours are written:
// with a Logger's own labels an entry has too many. The first of a batch, or all of it.
func TestRefused(t *testing.T) {
	srv := serve(t)
	s := crowded(t, srv)
	err := s.Write(t.Context(), []*entry.Entry{many(0), sinktest.Sample(1), sinktest.Sample(2), many(3)})
	var partial *sink.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 2 || partial.Failed[0].Index != 0 || partial.Failed[1].Index != 3 || !sink.IsPermanent(err) {
		t.Fatalf("Write gives %v", err)
	}
	for _, f := range partial.Failed {
		if !sink.IsPermanent(f.Err) || !strings.Contains(f.Err.Error(), "labels, more than 64") {
			t.Errorf("%+v", f)
		}
	}
	if got := ids(t, srv); len(got) != 2 {
		t.Errorf("%v stored, want 2", got)
	}
	// All of a batch: a good one shows that it is them. It is not kept.
	before := len(written(srv))
	err = s.Write(t.Context(), []*entry.Entry{many(4), many(5)})
	if !errors.As(err, &partial) || len(partial.Failed) != 2 || !sink.IsPermanent(err) || !strings.Contains(err.Error(), "labels") {
		t.Errorf("all refused: %v", err)
	}
	if err := s.Write(t.Context(), []*entry.Entry{many(6)}); !sink.IsPermanent(err) {
		t.Errorf("one alone: %v", err)
	}
	if n := len(written(srv)); n != before || srv.Dropped() < 2 {
		t.Errorf("%d stored, want %d; %d probes", n, before, srv.Dropped())
	}
	// Everything, a good one too: then it is not the entries.
	for _, code := range []codes.Code{codes.InvalidArgument, codes.ResourceExhausted} {
		n := 0
		srv.SetFault(func(string, int) gcltest.Fault {
			if n++; n <= 3 {
				return gcltest.Fault{Code: codes.InvalidArgument, Message: "the project is being deleted"}
			}
			return gcltest.Fault{Code: code, Message: "the project is being deleted"}
		})
		err = s.Write(t.Context(), sinktest.Samples(10, 3))
		if err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "being deleted") || errors.As(err, new(*sink.PartialError)) {
			t.Errorf("a project that takes nothing: %v", err)
		}
	}
	// Some refused and the others met by a fault: nothing says that it is them.
	n := 0
	srv.SetFault(func(string, int) gcltest.Fault {
		if n++; n == 1 {
			return gcltest.Fault{Refuse: []int{0}}
		}
		return gcltest.Fault{Code: codes.Aborted}
	})
	if err := s.Write(t.Context(), sinktest.Samples(20, 3)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "Aborted") {
		t.Errorf("refused, and faults: %v", err)
	}
}

// What is in the Logger's buffer, which is full, is nothing to us: its overflow is the
// program's.
func TestOverflow(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	told := make(chan error, 10)
	c.OnError = func(err error) { told <- err }
	l := c.Logger("txtrail", logging.CommonResource(nil), logging.BufferedByteLimit(1), logging.EntryByteLimit(1000), logging.DelayThreshold(time.Hour))
	s, err := highlevelsink.FromLogger(t.Context(), l, options(func(o *highlevelsink.Options) { o.LogID = "txtrail" }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	l.Log(logging.Entry{Payload: "overflows"})
	if err := <-told; !errors.Is(err, logging.ErrOverflow) {
		t.Fatalf("the buffer is not full: %v", err)
	}
	batch := append(sinktest.Samples(0, 20), sealed(func(e *entry.Entry) {
		e.InsertID, e.Response.Body.Content = "large", []byte(strings.Repeat("0123456789", 50<<10))
	})...)
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, srv); len(got) != 21 || len(told) != 0 {
		t.Errorf("%d stored, told %d", len(got), len(told))
	}
}
