package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // as a compressor that clients may ask for
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/txtrail/txtrail/entry"
)

// large is the size of a large gRPC message, in bytes.
const large = 6 << 20

// testService is gRPC's own service for such tests.
type testService struct {
	pb.UnimplementedTestServiceServer
	hang  *hanging
	ended chan error // why a canceled call ended
}

// UnaryCall answers with as much as was asked for, or a status.
func (s *testService) UnaryCall(ctx context.Context, r *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.Pairs("x-head", strings.Join(md["x-asked"], ","))); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs("x-tail-bin", "\x00\xff")); err != nil {
		return nil, err
	}
	if st := r.GetResponseStatus(); st != nil {
		return nil, status.Error(codes.Code(st.GetCode()), st.GetMessage())
	}
	if r.GetFillUsername() { // stands for: do not answer
		return nil, status.FromContextError(s.hang.wait(ctx)).Err()
	}
	return &pb.SimpleResponse{Payload: payload(int(r.GetResponseSize()))}, nil
}

// StreamingOutputCall answers with a message of each size.
func (s *testService) StreamingOutputCall(r *pb.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	for _, p := range r.GetResponseParameters() {
		if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: payload(int(p.GetSize()))}); err != nil {
			return err
		}
	}
	if st := r.GetResponseStatus(); st != nil {
		return status.Error(codes.Code(st.GetCode()), st.GetMessage())
	}
	return nil
}

// StreamingInputCall adds up.
func (s *testService) StreamingInputCall(stream grpc.ClientStreamingServer[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse]) error {
	sum := 0
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)}) //nolint:gosec // what the tests send is less
		}
		if err != nil {
			return err
		}
		sum += len(r.GetPayload().GetBody())
	}
}

// FullDuplexCall answers each message with those it asks for; one that asks for none
// hangs.
func (s *testService) FullDuplexCall(stream grpc.BidiStreamingServer[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(r.GetResponseParameters()) == 0 {
			if err := stream.SendHeader(nil); err != nil { // says that we are here
				return err
			}
			<-stream.Context().Done()
			s.ended <- stream.Context().Err()
			return stream.Context().Err()
		}
		for _, p := range r.GetResponseParameters() {
			if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: payload(int(p.GetSize()))}); err != nil {
				return err
			}
		}
	}
}

func payload(n int) *pb.Payload { return &pb.Payload{Body: bytes.Repeat([]byte("p"), n)} }

func sizes(ns ...int) []*pb.ResponseParameters {
	var ps []*pb.ResponseParameters
	for _, n := range ns {
		ps = append(ps, &pb.ResponseParameters{Size: int32(n)}) //nolint:gosec // small
	}
	return ps
}

// grpcPeers starts grpc-go's server behind wrap and its client.
func grpcPeers(t *testing.T, proto protocol, wrap func(http.Handler) http.Handler) (pb.TestServiceClient, *testService) {
	t.Helper()
	service := &testService{hang: newHanging(), ended: make(chan error, 1)}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(2*large), grpc.MaxSendMsgSize(2*large))
	pb.RegisterTestServiceServer(g, service)
	s := serve(t, proto, wrap(g))
	return dialGRPC(t, proto, s), service
}

func dialGRPC(t *testing.T, proto protocol, s *server) pb.TestServiceClient {
	t.Helper()
	creds := insecure.NewCredentials()
	if proto == h2 {
		creds = credentials.NewTLS(s.transport.TLSClientConfig.Clone())
	}
	conn, err := grpc.NewClient("passthrough:///"+s.Listener.Addr().String(), grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2*large), grpc.MaxCallSendMsgSize(2*large)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewTestServiceClient(conn)
}

// grpc-go over http.Handler works as without us, and the entries have its statuses.
func TestGRPC(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto protocol) {
		t.Run("bare", func(t *testing.T) {
			client, service := grpcPeers(t, proto, func(h http.Handler) http.Handler { return h })
			testGRPC(t, client, service, func(string, codes.Code, ...string) {})
		})
		t.Run("recorded", func(t *testing.T) {
			tr := newTrail(t)
			client, service := grpcPeers(t, proto, tr.wrap)
			testGRPC(t, client, service, func(method string, want codes.Code, flags ...string) {
				t.Helper()
				e := tr.one(t, entry.KindServer)
				told := fmt.Sprint(e.HTTP.Status, " ", e.HTTP.URL, " ", e.HTTP.Protocol)
				if told != "200 /grpc.testing.TestService/"+method+" HTTP/2.0" {
					t.Errorf("%s: told is %s", method, told)
				}
				got := field(e.Response.Trailers, "Grpc-Status")
				if got == "" { // a failure at once is told in the headers alone
					got = field(e.Response.Headers, "Grpc-Status")
				}
				if len(flags) == 0 && got != fmt.Sprint(int(want)) {
					t.Errorf("%s: status %q, want %d (%v): %v %v", method, got, want, want, e.Response.Headers, e.Response.Trailers)
				}
				for _, f := range flags {
					if !e.HasFlag(f) && got != fmt.Sprint(int(want)) {
						t.Errorf("%s: %v and status %q, want %s or %d", method, e.Flags, got, f, want)
					}
				}
			})
		})
	}, h2, h2c)
}

// testGRPC tries everything; told is called for each call with what is to be told of it.
func testGRPC(t *testing.T, c pb.TestServiceClient, service *testService, told func(method string, code codes.Code, flags ...string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	var head, tail metadata.MD
	res, err := c.UnaryCall(metadata.AppendToOutgoingContext(ctx, "x-asked", "1", "x-asked", "2"),
		&pb.SimpleRequest{ResponseSize: 1000, Payload: payload(500)}, grpc.Header(&head), grpc.Trailer(&tail))
	if err != nil || len(res.GetPayload().GetBody()) != 1000 || fmt.Sprint(head["x-head"], tail["x-tail-bin"]) != "[1,2] [\x00\xff]" {
		t.Errorf("unary: %d bytes, %v, %v, %v", len(res.GetPayload().GetBody()), err, head, tail)
	}
	told("UnaryCall", codes.OK)

	for _, o := range [][]grpc.CallOption{nil, {grpc.UseCompressor("gzip")}} {
		res, err = c.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: large, Payload: payload(large)}, o...)
		if err != nil || len(res.GetPayload().GetBody()) != large {
			t.Errorf("large: %d bytes, %v", len(res.GetPayload().GetBody()), err)
		}
		told("UnaryCall", codes.OK)
	}

	const text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
	for _, code := range []codes.Code{codes.NotFound, codes.Internal, codes.Unauthenticated, codes.DataLoss} {
		_, err = c.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: int32(code), Message: text}}) //nolint:gosec // below 17
		if st := status.Convert(err); st.Code() != code || st.Message() != text {
			t.Errorf("%v: %v", code, err)
		}
		told("UnaryCall", code)
	}
	_, err = c.UnimplementedCall(ctx, &pb.Empty{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("unimplemented: %v", err)
	}
	told("UnimplementedCall", codes.Unimplemented)

	testGRPCStreams(ctx, t, c, told)

	// The deadline travels to the server, and what it cannot answer ends there too.
	_, err = c.UnaryCall(expire(t, service.hang.begun), &pb.SimpleRequest{FillUsername: true})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
	service.hang.judge(t)
	told("UnaryCall", codes.DeadlineExceeded, entry.FlagAborted)

	canceled, stop := context.WithCancel(ctx)
	stream, err := c.FullDuplexCall(canceled)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.StreamingOutputCallRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("cancel: %v", err)
	}
	if err := recv(t, service.ended, "the handler"); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v", err)
	}
	told("FullDuplexCall", codes.Canceled, entry.FlagAborted)
}

func testGRPCStreams(ctx context.Context, t *testing.T, c pb.TestServiceClient, told func(method string, code codes.Code, flags ...string)) {
	t.Helper()
	in := []int{31415, 9, 0, 2653, 58979}
	out, err := c.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{
		ResponseParameters: sizes(in...), ResponseStatus: &pb.EchoStatus{Code: int32(codes.Aborted), Message: "midway"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range in {
		r, err := out.Recv()
		if err != nil || len(r.GetPayload().GetBody()) != want {
			t.Fatalf("message %d: %d bytes, %v", i, len(r.GetPayload().GetBody()), err)
		}
	}
	if _, err := out.Recv(); status.Code(err) != codes.Aborted {
		t.Errorf("end of stream: %v", err)
	}
	told("StreamingOutputCall", codes.Aborted)

	up, err := c.StreamingInputCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range in {
		sum += n
		if err := up.Send(&pb.StreamingInputCallRequest{Payload: payload(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := up.CloseAndRecv(); err != nil || int(r.GetAggregatedPayloadSize()) != sum {
		t.Errorf("sum: %v, %v", r, err)
	}
	told("StreamingInputCall", codes.OK)

	// Each message comes back before the next one is sent.
	both, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range in {
		if err := both.Send(&pb.StreamingOutputCallRequest{ResponseParameters: sizes(n, 7), Payload: payload(n)}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{n, 7} {
			r, err := both.Recv()
			if err != nil || len(r.GetPayload().GetBody()) != want {
				t.Fatalf("ping-pong: %d bytes, %v", len(r.GetPayload().GetBody()), err)
			}
		}
	}
	if err := both.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := both.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end of ping-pong: %v", err)
	}
	told("FullDuplexCall", codes.OK)
}

// The same through a proxy of net/http's, recorded on all sides.
func TestGRPCThroughReverseProxy(t *testing.T) {
	service := &testService{hang: newHanging(), ended: make(chan error, 1)}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(2*large), grpc.MaxSendMsgSize(2*large))
	pb.RegisterTestServiceServer(g, service)
	c := newChain(t, true, h2c, h2, g)
	testGRPC(t, dialGRPC(t, h2c, c.front), service, func(method string, want codes.Code, _ ...string) {
		t.Helper()
		in, out := c.proxy.wait(t, entry.KindServer, 1)[0], c.proxy.wait(t, entry.KindClient, 1)[0]
		backend := c.backend.one(t, entry.KindServer)
		c.proxy.memory.Reset()
		if backend.TxID != in.TxID || out.TxID != in.TxID || out.Parent != in.Span || backend.Parent != out.Span {
			t.Errorf("%s: the entries are not of one path", method)
		}
		if want == codes.OK && field(out.Response.Trailers, "Grpc-Status") != "0" {
			t.Errorf("%s: the call's trailers are %v", method, out.Response.Trailers)
		}
	})
}
