package highlevelsink_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging"
	"github.com/google/go-cmp/cmp"
	"github.com/googleapis/gax-go/v2/callctx"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// Why LogSync, and not Log and Flush: the error of one Logger is told to whoever asks
// first. Should this fail some day, the client has become better.
func TestFlushTellsAnother(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	sent := make(chan struct{}, 1)
	ours := c.Logger("ours", logging.CommonResource(nil), logging.EntryCountThreshold(1),
		logging.ContextFunc(func() (context.Context, func()) { return context.Background(), func() { sent <- struct{}{} } }))
	theirs := c.Logger("theirs", logging.CommonResource(nil))
	s, err := highlevelsink.FromLogger(t.Context(), ours, options(func(o *highlevelsink.Options) { o.LogID = "ours" }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	srv.SetFault(always(gcltest.Fault{Code: codes.ResourceExhausted}))
	ours.Log(logging.Entry{Payload: "lost"})
	<-sent
	if err := theirs.Flush(); err == nil {
		t.Error("the other Logger's Flush knows nothing of the error")
	}
	if err := ours.Flush(); err != nil {
		t.Errorf("Flush tells the truth: %v", err)
	}
	if n := len(srv.Entries()); n != 0 {
		t.Errorf("%d stored", n)
	}
	// LogSync tells its caller, and nobody else.
	if err := s.Write(t.Context(), sinktest.Samples(0, 1)); err == nil {
		t.Error("the sink is told nothing")
	}
	if err := theirs.Flush(); err != nil {
		t.Errorf("the program is told of the sink's error: %v", err)
	}
}

// A Logger that does not write to the service is found out before anything is lost,
// and without a line of it.
func TestRedirected(t *testing.T) {
	var out bytes.Buffer
	srv := serve(t)
	c := client(t, srv)
	l := c.Logger("txtrail", logging.CommonResource(nil), logging.RedirectAsJSON(&out))
	s, err := highlevelsink.FromLogger(t.Context(), l, options(func(o *highlevelsink.Options) { o.LogID = "txtrail" }))
	if !errors.Is(err, highlevelsink.ErrOptions) || !strings.Contains(err.Error(), "stdoutsink") || s != nil {
		t.Errorf("%v", err)
	}
	if out.Len() != 0 || srv.Calls("WriteLogEntries") != 0 {
		t.Errorf("%q is written, %d calls", &out, srv.Calls("WriteLogEntries"))
	}
}

// childEnv makes the test's program send the first entry of a process.
const childEnv = "TXTRAIL_TEST_FIRST_ENTRY"

// With its first entry a process sends one of the client's own. When ours is refused,
// it is named; when that one is, ours comes once more.
func TestFirstEntry(t *testing.T) {
	switch os.Getenv(childEnv) {
	case "":
		for _, refused := range []string{"0", "1"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestFirstEntry$", "-test.v")
			cmd.Env = append(os.Environ(), childEnv+"="+refused)
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("PASS: TestFirstEntry")) {
				t.Errorf("%s refused: %v\n%s", refused, err, out)
			}
		}
	case "0":
		srv := serve(t, time.Now)
		s := open(t, srv, inOrder, func(o *highlevelsink.Options) { o.Now = time.Now })
		srv.SetFault(func(_ string, n int) gcltest.Fault {
			if n == 1 || n == 3 { // ours, and when it is tried without its time
				return gcltest.Fault{Refuse: []int{0}}
			}
			return gcltest.Fault{}
		})
		err := s.Write(t.Context(), sinktest.Samples(0, 2))
		var partial *sink.PartialError
		if !errors.As(err, &partial) || len(partial.Failed) != 1 || partial.Failed[0].Index != 0 || !sink.IsPermanent(err) {
			t.Errorf("Write gives %v", err)
		}
		if all, ours := len(srv.Entries()), len(written(srv)); all != 2 || ours != 1 {
			t.Errorf("%d stored, %d ours", all, ours)
		}
	case "1":
		srv := serve(t, time.Now)
		s := open(t, srv, func(o *highlevelsink.Options) { o.Now = time.Now })
		srv.SetFault(once(gcltest.Fault{Refuse: []int{1}}))
		if err := s.Write(t.Context(), sinktest.Samples(0, 2)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "another entry") {
			t.Errorf("Write gives %v", err)
		}
		if err := s.Write(t.Context(), sinktest.Samples(0, 2)); err != nil {
			t.Error(err)
		}
		if got := ids(t, srv); len(got) != 2 || len(srv.Entries()) != 3 {
			t.Errorf("%v, %d stored", got, len(srv.Entries()))
		}
	}
}

// A call is one of the client's as any other: by its interceptors, with its headers,
// each once.
func TestHeaders(t *testing.T) {
	srv := serve(t)
	var seen []metadata.MD
	watch := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		// Nor is it bound to a deadline that the client between has set for all of them.
		if d, ok := ctx.Deadline(); len(seen) > 0 && (!ok || time.Until(d) < 10*time.Minute) {
			t.Errorf("the call is to end at %v", d)
		}
		md, _ := metadata.FromOutgoingContext(ctx)
		seen = append(seen, md)
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	c, err := logging.NewClient(t.Context(), "shop-test", append(cloudloggingsink.Access{Endpoint: srv.Addr(), Insecure: true}.ClientOptions(),
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(watch)))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, err := highlevelsink.New(t.Context(), c, options(inOrder, func(o *highlevelsink.Options) { o.CallTimeout = time.Hour }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	ctx := metadata.AppendToOutgoingContext(callctx.SetHeaders(t.Context(), "x-goog-user-project", "payer"), "x-theirs", "1")
	if err := c.Logger("txtrail", logging.CommonResource(nil)).LogSync(ctx, logging.Entry{Timestamp: now, Payload: "theirs"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, sinktest.Samples(0, 2)); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 {
		t.Fatalf("%d calls", len(seen))
	}
	for _, got := range seen[1:] {
		if d := cmp.Diff(seen[0], got); d != "" {
			t.Errorf("the headers are others than of the program's own calls: %s", d)
		}
	}
}

// The client is the program's: Close leaves it open, and what it has in its own
// buffers alone.
func TestCloseLeavesTheClient(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	theirs := c.Logger("theirs", logging.CommonResource(nil), logging.DelayThreshold(time.Hour))
	theirs.Log(logging.Entry{Timestamp: now, Payload: "waits"})
	for range 2 {
		s, err := highlevelsink.New(t.Context(), c, options())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), sinktest.Samples(0, 3)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(written(srv)); n != 6 {
		t.Errorf("%d written, want 6: the program's own wait", n)
	}
	if err := theirs.LogSync(t.Context(), logging.Entry{Timestamp: now, Payload: "goes on"}); err != nil {
		t.Errorf("the client is closed: %v", err)
	}
	if err := theirs.Flush(); err != nil || len(written(srv)) != 8 {
		t.Errorf("%d written, %v", len(written(srv)), err)
	}
}

// A client that was closed before the sink costs no entry and no panic.
func TestClientClosedFirst(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	s, err := highlevelsink.New(t.Context(), c, options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	if err := s.Write(t.Context(), sinktest.Samples(0, 3)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	err = s.Write(t.Context(), sinktest.Samples(3, 3))
	if err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "close it after the sink") {
		t.Errorf("Write gives %v", err)
	}
	// One that was closed before the sink was made.
	late, err := highlevelsink.New(t.Context(), c, options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close(context.Background()) }()
	if err := late.Write(t.Context(), sinktest.Samples(3, 3)); err == nil || sink.IsPermanent(err) {
		t.Errorf("Write gives %v", err)
	}
}

// Close cuts off what runs when its time is over; the entries are kept for later.
func TestCloseCutsOff(t *testing.T) {
	srv := serve(t)
	s := open(t, srv, func(o *highlevelsink.Options) { o.CallTimeout = time.Hour })
	reached := make(chan struct{}, 100)
	srv.SetFault(func(string, int) gcltest.Fault {
		reached <- struct{}{}
		return gcltest.Fault{Delay: time.Hour}
	})
	result := make(chan error, 1)
	go func() { result <- s.Write(context.Background(), sinktest.Samples(0, 5)) }()
	<-reached
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close gives %v", err)
	}
	if err := <-result; err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "the sink was closed") {
		t.Errorf("Write gives %v", err)
	}
}

// Write ends with its context.
func TestWriteTimeout(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	srv.SetFault(always(gcltest.Fault{Delay: time.Hour}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Write(ctx, sinktest.Samples(0, 5)); !errors.Is(err, context.DeadlineExceeded) || sink.IsPermanent(err) {
		t.Errorf("Write gives %v", err)
	}
	srv.SetFault(nil)
	if err := s.Write(t.Context(), sinktest.Samples(0, 5)); err != nil {
		t.Error(err)
	}
}
