package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	pb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/txtrail/txtrail/entry"
)

const procedures = "/grpc.testing.TestService/"

// connectHandler serves the same service by connect-go, which speaks three protocols.
func connectHandler(hang *hanging) http.Handler {
	mux := http.NewServeMux()
	handle := func(name string, h http.Handler) { mux.Handle(procedures+name, h) }
	handle("UnaryCall", connect.NewUnaryHandler(procedures+"UnaryCall",
		func(ctx context.Context, r *connect.Request[pb.SimpleRequest]) (*connect.Response[pb.SimpleResponse], error) {
			if st := r.Msg.GetResponseStatus(); st != nil {
				err := connect.NewError(connect.Code(st.GetCode()), errors.New(st.GetMessage())) //nolint:gosec // below 17
				err.Meta().Set("X-Meta", "m")
				return nil, err
			}
			if r.Msg.GetFillUsername() { // stands for: do not answer
				return nil, hang.wait(ctx)
			}
			res := connect.NewResponse(&pb.SimpleResponse{Payload: payload(int(r.Msg.GetResponseSize()))})
			res.Header().Set("X-Head", r.Header().Get("X-Asked"))
			res.Trailer().Set("X-Tail", "t")
			return res, nil
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	handle("StreamingOutputCall", connect.NewServerStreamHandler(procedures+"StreamingOutputCall",
		func(_ context.Context, r *connect.Request[pb.StreamingOutputCallRequest], s *connect.ServerStream[pb.StreamingOutputCallResponse]) error {
			for _, p := range r.Msg.GetResponseParameters() {
				if err := s.Send(&pb.StreamingOutputCallResponse{Payload: payload(int(p.GetSize()))}); err != nil {
					return err
				}
			}
			return connect.NewError(connect.CodeAborted, errors.New("midway"))
		}))
	handle("StreamingInputCall", connect.NewClientStreamHandler(procedures+"StreamingInputCall",
		func(_ context.Context, s *connect.ClientStream[pb.StreamingInputCallRequest]) (*connect.Response[pb.StreamingInputCallResponse], error) {
			sum := 0
			for s.Receive() {
				sum += len(s.Msg().GetPayload().GetBody())
			}
			return connect.NewResponse(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)}), s.Err() //nolint:gosec // what the tests send is less
		}))
	handle("FullDuplexCall", connect.NewBidiStreamHandler(procedures+"FullDuplexCall",
		func(_ context.Context, s *connect.BidiStream[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
			for {
				r, err := s.Receive()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				for _, p := range r.GetResponseParameters() {
					if err := s.Send(&pb.StreamingOutputCallResponse{Payload: payload(int(p.GetSize()))}); err != nil {
						return err
					}
				}
			}
		}))
	return mux
}

// connectPeer is a client of one of connect-go's protocols.
type connectPeer struct {
	unary  *connect.Client[pb.SimpleRequest, pb.SimpleResponse]
	output *connect.Client[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]
	input  *connect.Client[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse]
	duplex *connect.Client[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]
}

func newConnectPeer(c *http.Client, url string, o ...connect.ClientOption) *connectPeer {
	url += procedures
	return &connectPeer{
		connect.NewClient[pb.SimpleRequest, pb.SimpleResponse](c, url+"UnaryCall", o...),
		connect.NewClient[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse](c, url+"StreamingOutputCall", o...),
		connect.NewClient[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse](c, url+"StreamingInputCall", o...),
		connect.NewClient[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse](c, url+"FullDuplexCall", o...),
	}
}

// connect-go over our transport and our middleware, by each of its protocols.
func TestConnect(t *testing.T) {
	dialects := map[string][]connect.ClientOption{
		"connect":  nil,
		"get":      {connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)},
		"json":     {connect.WithProtoJSON(), connect.WithSendGzip()},
		"grpc":     {connect.WithGRPC(), connect.WithSendGzip()},
		"grpc-web": {connect.WithGRPCWeb()},
	}
	eachProtocol(t, func(t *testing.T, proto protocol) {
		for name, o := range dialects {
			if name == "grpc" && proto == http1 {
				continue // it needs trailers both ways
			}
			t.Run(name, func(t *testing.T) {
				server, client := newTrail(t), newTrail(t)
				hang := newHanging()
				s := serve(t, proto, server.wrap(connectHandler(hang)))
				p := newConnectPeer(client.over(t, s.transport), s.URL, o...)
				// Both sides have told of the call, and are of one mind.
				told := func(method string) {
					t.Helper()
					c, s := client.one(t, entry.KindClient), server.one(t, entry.KindServer)
					if s.Parent != c.Span || s.TxID != c.TxID || s.HTTP.Status != c.HTTP.Status || s.HTTP.Route != procedures+method {
						t.Errorf("%s: the server has %s (%s), the client %s", method, s.Message, s.HTTP.Route, c.Message)
					}
					if got, want := field(c.Response.Trailers, "Grpc-Status"), field(s.Response.Trailers, "Grpc-Status"); got != want || name == "grpc" && got == "" {
						t.Errorf("%s: gRPC's status is %q at the client, %q at the server", method, got, want)
					}
				}
				testConnect(t, p, hang, proto != http1, told)
				// connect-go does not wait for the transport when a deadline is over.
				client.wait(t, entry.KindClient, 1)
				server.wait(t, entry.KindServer, 1)
			})
		}
	})
}

func testConnect(t *testing.T, p *connectPeer, hang *hanging, duplex bool, told func(string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, size := range []int{1000, 2 << 20} {
		req := connect.NewRequest(&pb.SimpleRequest{ResponseSize: int32(size), Payload: payload(500)}) //nolint:gosec // small
		req.Header().Set("X-Asked", "1")
		res, err := p.unary.CallUnary(ctx, req)
		if err != nil || len(res.Msg.GetPayload().GetBody()) != size || res.Header().Get("X-Head") != "1" || res.Trailer().Get("X-Tail") != "t" {
			t.Fatalf("unary of %d: %v", size, err)
		}
		told("UnaryCall")
	}
	for _, code := range []connect.Code{connect.CodeNotFound, connect.CodeInternal, connect.CodePermissionDenied} {
		_, err := p.unary.CallUnary(ctx, connect.NewRequest(&pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: int32(code), Message: "no ☺"}})) //nolint:gosec // below 17
		var ce *connect.Error
		if !errors.As(err, &ce) || ce.Code() != code || ce.Message() != "no ☺" || ce.Meta().Get("X-Meta") != "m" {
			t.Errorf("%v: %v", code, err)
		}
		told("UnaryCall")
	}

	in := []int{31415, 9, 0, 2653}
	out, err := p.output.CallServerStream(ctx, connect.NewRequest(&pb.StreamingOutputCallRequest{ResponseParameters: sizes(in...)}))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for out.Receive() {
		got = append(got, len(out.Msg().GetPayload().GetBody()))
	}
	if fmt.Sprint(got) != fmt.Sprint(in) || connect.CodeOf(out.Err()) != connect.CodeAborted {
		t.Errorf("server stream: %v, %v", got, out.Err())
	}
	_ = out.Close()
	told("StreamingOutputCall")

	up := p.input.CallClientStream(ctx)
	for _, n := range in {
		if err := up.Send(&pb.StreamingInputCallRequest{Payload: payload(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if res, err := up.CloseAndReceive(); err != nil || res.Msg.GetAggregatedPayloadSize() != 34077 {
		t.Errorf("client stream: %v", err)
	}
	told("StreamingInputCall")

	if duplex {
		both := p.duplex.CallBidiStream(ctx)
		for _, n := range in { // each comes back before the next one is sent
			if err := both.Send(&pb.StreamingOutputCallRequest{ResponseParameters: sizes(n)}); err != nil {
				t.Fatal(err)
			}
			if r, err := both.Receive(); err != nil || len(r.GetPayload().GetBody()) != n {
				t.Fatalf("ping-pong: %v", err)
			}
		}
		if err := both.CloseRequest(); err != nil {
			t.Fatal(err)
		}
		if _, err := both.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("end of ping-pong: %v", err)
		}
		_ = both.CloseResponse()
		told("FullDuplexCall")
	}

	_, err = p.unary.CallUnary(expire(t, hang.begun), connect.NewRequest(&pb.SimpleRequest{FillUsername: true}))
	if connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
	hang.judge(t)
}
