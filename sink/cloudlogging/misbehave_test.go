package cloudloggingsink_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func detailed(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	st, err := status.New(code, "detailed").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

func refused(byIndex map[int32]codes.Code) *loggingpb.WriteLogEntriesPartialErrors {
	p := &loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: map[int32]*spb.Status{}}
	for i, c := range byIndex {
		p.LogEntryErrors[i] = &spb.Status{Code: int32(c), Message: "entry"}
	}
	return p
}

// Answers that no service should give cost no entry: only what is plainly said of one
// that was sent is taken for its refusal.
func TestNonsense(t *testing.T) {
	for name, tt := range map[string]struct {
		err       error
		permanent []int // of three
		kept      []int
		after     time.Duration
	}{
		"an index behind the end":      {err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{0: codes.InvalidArgument, 3: codes.InvalidArgument})), kept: []int{0, 1, 2}, after: 30 * time.Second},
		"an index far away":            {err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{1: codes.InvalidArgument, 1 << 30: codes.OK})), kept: []int{0, 1, 2}, after: 30 * time.Second},
		"a negative index":             {err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{2: codes.InvalidArgument, -1: codes.InvalidArgument})), kept: []int{0, 1, 2}, after: 30 * time.Second},
		"an entry that is fine":        {err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{0: codes.OK, 1: codes.InvalidArgument})), permanent: []int{1}},
		"all are fine":                 {err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{0: codes.OK, 1: codes.OK, 2: codes.OK}))},
		"each for a reason of its own": {err: detailed(t, codes.Internal, refused(map[int32]codes.Code{0: codes.InvalidArgument, 1: codes.ResourceExhausted, 2: codes.PermissionDenied})), permanent: []int{0}, kept: []int{1, 2}, after: 30 * time.Second},
		"a code that there is not":     {err: detailed(t, codes.Code(99)), kept: []int{0, 1, 2}},
		"a refusal of nothing":         {err: detailed(t, codes.Unavailable, refused(nil)), kept: []int{0, 1, 2}},
		"a negative delay":             {err: detailed(t, codes.ResourceExhausted, &errdetails.RetryInfo{RetryDelay: durationpb.New(-time.Hour)}), kept: []int{0, 1, 2}},
		"a delay of ten hours":         {err: detailed(t, codes.ResourceExhausted, &errdetails.RetryInfo{RetryDelay: durationpb.New(10 * time.Hour)}), kept: []int{0, 1, 2}, after: 10 * time.Hour},
		"a delay that is none":         {err: detailed(t, codes.ResourceExhausted, &errdetails.RetryInfo{}), kept: []int{0, 1, 2}},
		"a delay beyond what can be":   {err: detailed(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: -1 << 62, Nanos: 5}}), kept: []int{0, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv)
			for range 5 { // details are a map, which comes in any order
				first := srv.Calls("WriteLogEntries") + 1
				srv.SetFault(func(_ string, n int) gcltest.Fault {
					if n == first {
						return gcltest.Fault{Err: tt.err}
					}
					// What was refused comes once more, without its time.
					return gcltest.Fault{Err: detailed(t, codes.InvalidArgument, refused(map[int32]codes.Code{0: codes.InvalidArgument}))}
				})
				err := s.Write(t.Context(), sinktest.Samples(0, 3))
				if got := outcomes(err, 3); got != verdict(tt.permanent, tt.kept) {
					t.Fatalf("%s, want %s: %v", got, verdict(tt.permanent, tt.kept), err)
				}
				if after, _ := sink.RetryAfter(err); after != tt.after {
					t.Errorf("RetryAfter %v, want %v", after, tt.after)
				}
			}
		})
	}
}

// outcomes writes what became of each entry: accepted, permanent or kept.
func outcomes(err error, n int) string {
	var partial *sink.PartialError
	switch {
	case err == nil:
		return strings.Repeat("a", n)
	case !errors.As(err, &partial) && sink.IsPermanent(err):
		return strings.Repeat("p", n)
	case partial == nil:
		return strings.Repeat("k", n)
	}
	var failed, permanent []int
	for _, f := range partial.Failed {
		if sink.IsPermanent(f.Err) {
			permanent = append(permanent, f.Index)
		} else {
			failed = append(failed, f.Index)
		}
	}
	return verdict(permanent, failed)
}

func verdict(permanent, kept []int) string {
	b := []byte("aaa")
	for _, i := range permanent {
		b[i] = 'p'
	}
	for _, i := range kept {
		b[i] = 'k'
	}
	return string(b)
}

// An address at which something else answers, or nothing, is told with what to look at,
// and Close ends whatever is still being tried.
func TestWrongAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		says  string
	}{
		"hangs up":      {func(c net.Conn) { _ = c.Close() }, "Unavailable"},
		"talks HTTP":    {func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "leave Insecure out"},
		"talks nothing": {func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<20)) }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					tt.serve(c)
					defer func() { _ = c.Close() }()
				}
			}()
			defer func() {
				_ = l.Close()
				<-done
			}()
			s, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{
				ProjectID: "shop-test", Endpoint: l.Addr().String(), Insecure: true, LookupEnv: func(string) (string, bool) { return "", false },
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err = s.Write(ctx, sinktest.Samples(0, 2))
			if err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Write gives %v", err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Errorf("Close gives %v", err)
			}
		})
	}
}

// A Close that has no more time ends a Write that waits, whatever the service does, and
// leaves nothing running.
func TestCloseDuring(t *testing.T) {
	for name, f := range map[string]gcltest.Fault{
		"no answer":               {Delay: time.Hour},
		"an answer after the end": {Delay: 200 * time.Millisecond},
		"a lost answer":           {Served: true, Delay: time.Hour, Cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t)
			s := open(t, srv)
			called := make(chan struct{}, 8)
			srv.SetFault(func(string, int) gcltest.Fault {
				called <- struct{}{}
				return f
			})
			wrote := make(chan error, 1)
			go func() { wrote <- s.Write(context.Background(), sinktest.Samples(0, 2)) }()
			<-called
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Close gives %v", err)
			}
			if err := <-wrote; err == nil || sink.IsPermanent(err) {
				t.Errorf("Write gives %v", err)
			}
			if err := s.Write(t.Context(), sinktest.Samples(0, 1)); !errors.Is(err, sink.ErrClosed) {
				t.Errorf("Write afterwards gives %v", err)
			}
		})
	}
}

// The service goes away with a GOAWAY, and comes back: nothing is lost.
func TestRestart(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	if err := s.Write(t.Context(), sinktest.Samples(0, 2)); err != nil {
		t.Fatal(err)
	}
	restarted := make(chan error, 1)
	go func() { restarted <- srv.Restart(50 * time.Millisecond) }()
	batch := sinktest.Samples(2, 3)
	for err := s.Write(t.Context(), batch); err != nil; err = s.Write(t.Context(), batch) {
		if sink.IsPermanent(err) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	batch = sinktest.Samples(5, 1)
	for err := s.Write(t.Context(), batch); err != nil; err = s.Write(t.Context(), batch) {
		time.Sleep(10 * time.Millisecond)
	}
	es, err := stored(srv)
	if err != nil || len(distinct(es)) != 6 {
		t.Errorf("%v, %v", distinct(es), err)
	}
}
