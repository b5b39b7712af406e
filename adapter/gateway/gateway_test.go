package gatewaytx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/txtrail/txtrail/adapter/gateway"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// health is the service behind: grpc's own health service, so that no code has to be
// generated. It fails as the word it is asked for says.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	seen func(context.Context)
}

func fails(word string) error {
	switch word {
	case "missing":
		return status.Error(codes.NotFound, "no such service")
	case "down":
		return status.Error(codes.Unavailable, "store closed")
	}
	return nil
}

func (h *health) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.seen(ctx)
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, fails(r.GetService())
}

func (h *health) Watch(r *grpc_health_v1.HealthCheckRequest, s grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	for range 3 {
		if err := s.Send(&grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}); err != nil {
			return err
		}
	}
	return fails(r.GetService())
}

// register does what generated code does.
func register(t *testing.T, mux *runtime.ServeMux, client grpc_health_v1.HealthClient) {
	t.Helper()
	rpc := func(path, method string, call func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, service string) error) {
		if err := mux.HandlePath(http.MethodGet, path, func(w http.ResponseWriter, r *http.Request, params map[string]string) {
			_, m := runtime.MarshalerForRequest(mux, r)
			ctx, err := runtime.AnnotateContext(r.Context(), mux, r, method, runtime.WithHTTPPathPattern(path))
			if err == nil {
				err = call(ctx, mux, m, w, r, params["service"])
			}
			if err != nil {
				runtime.HTTPError(ctx, mux, m, w, r, err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	rpc("/v1/health/{service}", grpc_health_v1.Health_Check_FullMethodName, func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, service string) error {
		res, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			return err
		}
		runtime.ForwardResponseMessage(runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{}), mux, m, w, r, res)
		return nil
	})
	rpc("/v1/health/{service}:watch", grpc_health_v1.Health_Watch_FullMethodName, func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, service string) error {
		s, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			return err
		}
		runtime.ForwardResponseStream(runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{}), mux, m, w, r, func() (proto.Message, error) { return s.Recv() })
		return nil
	})
	if err := mux.HandlePath(http.MethodGet, "/v1/{rest=plain/**}", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		_, _ = io.WriteString(w, string(txid.IDFromContext(r.Context())))
	}); err != nil {
		t.Fatal(err)
	}
}

// behind serves the gRPC service by net/http, recorded, over HTTP/2 without TLS.
func behind(t *testing.T, seen func(context.Context)) (grpc_health_v1.HealthClient, *sinktest.Memory) {
	t.Helper()
	q, mem := trail(t)
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(g, &health{seen: seen})
	s := httptest.NewUnstartedServer(wrap(g))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn), mem
}

// start serves a gateway before the service.
func start(t *testing.T, o *gatewaytx.Options, more ...runtime.ServeMuxOption) (url string, gateway, backend *sinktest.Memory) {
	t.Helper()
	client, backend := behind(t, func(context.Context) {})
	opts, err := gatewaytx.ServeMuxOptions(o)
	if err != nil {
		t.Fatal(err)
	}
	mux := runtime.NewServeMux(append(append(opts, runtime.WithHealthEndpointAt(client, "/ready")), more...)...)
	register(t, mux, client)
	q, gateway := trail(t)
	return serve(t, q, mux).URL, gateway, backend
}

func label(e *entry.Entry, name string) string {
	i := slices.IndexFunc(e.Labels, func(l entry.Label) bool { return l.Name == name })
	if i < 0 {
		return ""
	}
	return e.Labels[i].Value
}

func TestRequests(t *testing.T) {
	t.Parallel()
	const check, watch = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
	url, mem, _ := start(t, nil)
	for i, tc := range []struct {
		path, route, method string
		status              int
		code, errorType     string
		blamed, failed      bool
	}{
		{"/v1/health/cart", "/v1/health/{service}", check, 200, "", "", false, false},
		{"/v1/health/missing", "/v1/health/{service}", check, 404, "not_found", "", true, false},
		{"/v1/health/down", "/v1/health/{service}", check, 503, "unavailable", "unavailable", false, true},
		{"/v1/health/cart:watch", "/v1/health/{service}:watch", watch, 200, "", "", false, false},
		{"/v1/health/missing:watch", "/v1/health/{service}:watch", watch, 200, "not_found", "", true, false},
		{"/v1/health/down:watch", "/v1/health/{service}:watch", watch, 200, "unavailable", "unavailable", false, true},
		{"/v1/plain/a/b", "/v1/{rest=plain/**}", "", 200, "", "", false, false},
		{"/ready", "/ready", check, 200, "", "", false, false},
		{"/nothing", "", "", 404, "not_found", "", true, false},
	} {
		got, body, _ := get(t, url+tc.path)
		e := entries(t, mem, i+1)[i]
		if got != tc.status || e.HTTP.Status != tc.status || e.HTTP.Route != tc.route || label(e, gatewaytx.LabelMethod) != tc.method ||
			label(e, gatewaytx.LabelCode) != tc.code || e.Error.Type != tc.errorType || (label(e, gatewaytx.LabelClientError) != "") != tc.blamed || e.Failed() != tc.failed {
			t.Errorf("%s: answered %d %.60q; recorded %d, route %q, error %+v, labels %v, failed %v; want %+v", tc.path, got, body, e.HTTP.Status, e.HTTP.Route, e.Error, e.Labels, e.Failed(), tc)
		}
	}
}

// The backend's entry belongs to the same scenario and names the gateway's as parent.
func TestBackend(t *testing.T) {
	t.Parallel()
	url, gateway, backend := start(t, &gatewaytx.Options{Backend: "localhost:50051"})
	get(t, url+"/v1/health/cart", txid.Header, "scenario-0001", txid.HeaderUser, "8812", txid.HeaderDevice, "갤럭시")
	front, back := entries(t, gateway, 1)[0], entries(t, backend, 1)[0]
	if back.TxID != "scenario-0001" || back.Parent != front.Span || back.Facts.UserID != "8812" {
		t.Errorf("backend: txid %q, parent %v, user %q; the gateway's span is %v", back.TxID, back.Parent, back.Facts.UserID, front.Span)
	}
	if front.Facts.Device != "갤럭시" || back.Facts.Device != "" {
		t.Errorf("device %q, behind %q", front.Facts.Device, back.Facts.Device)
	}
	get(t, url+"/v1/health/cart")
	if back := entries(t, backend, 2)[1]; back.Facts.EntryPage != "GET /v1/health/{service}" {
		t.Errorf("entry page behind: %q", back.Facts.EntryPage)
	}
}

// Without Backend nothing is sent.
func TestNoBackend(t *testing.T) {
	t.Parallel()
	var got metadata.MD
	client, backend := behind(t, func(ctx context.Context) { got, _ = metadata.FromIncomingContext(ctx) })
	opts, err := gatewaytx.ServeMuxOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := runtime.NewServeMux(opts...)
	register(t, mux, client)
	q, mem := trail(t)
	get(t, serve(t, q, mux).URL+"/v1/health/cart", txid.Header, "scenario-0001")
	entries(t, mem, 1)
	if back := entries(t, backend, 1)[0]; back.TxID == "scenario-0001" || len(got.Get(txid.HeaderParent)) != 0 {
		t.Errorf("the backend has %q, %v", back.TxID, got)
	}
}

// Handlers of the user's answer, and what they answer is recorded.
func TestOwnHandlers(t *testing.T) {
	t.Parallel()
	url, mem, _ := start(t, &gatewaytx.Options{
		ErrorHandler: func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "own: "+status.Convert(err).Message(), http.StatusTeapot)
		},
		StreamErrorHandler: func(context.Context, error) *status.Status { return status.New(codes.Aborted, "own stream") },
	})
	if got, body, _ := get(t, url+"/v1/health/down"); got != 418 || body != "own: store closed\n" {
		t.Errorf("%d %q", got, body)
	}
	if _, body, _ := get(t, url+"/v1/health/down:watch"); !strings.Contains(body, "own stream") {
		t.Errorf("%q", body)
	}
	for _, e := range entries(t, mem, 2) {
		if e.Error.Type != "unavailable" {
			t.Errorf("%s: %+v", e.HTTP.URL, e.Error)
		}
	}
}

// A status that an error brings along counts.
func TestHTTPStatusError(t *testing.T) {
	t.Parallel()
	url, mem, _ := start(t, nil, runtime.WithRoutingErrorHandler(func(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, _ int) {
		st := http.StatusGone
		if r.URL.Path == "/worse" {
			st = http.StatusBadGateway
		}
		runtime.HTTPError(ctx, mux, m, w, r, &runtime.HTTPStatusError{HTTPStatus: st, Err: errors.New("moved out")})
	}))
	get(t, url+"/nothing")
	get(t, url+"/worse")
	es := entries(t, mem, 2)
	if e := es[0]; e.HTTP.Status != 410 || e.Error.Type != "" || label(e, gatewaytx.LabelClientError) != "moved out" {
		t.Errorf("%d %+v %v", e.HTTP.Status, e.Error, e.Labels)
	}
	if e := es[1]; e.HTTP.Status != 502 || e.Error.Type != "unknown" || e.Error.Message != "moved out" {
		t.Errorf("%d %+v %v", e.HTTP.Status, e.Error, e.Labels)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for backend, ok := range map[string]bool{"": true, "10.0.0.7:443": true, "localhost": true, "api.example.com": false, "api.example.com:443": false} {
		_, err := gatewaytx.ServeMuxOptions(&gatewaytx.Options{Backend: backend})
		if (err == nil) != ok || !ok && (!errors.Is(err, gatewaytx.ErrOptions) || !strings.Contains(err.Error(), "Backend")) {
			t.Errorf("%q: %v", backend, err)
		}
	}
}

// Outside of an exchange the gateway does what it does.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	client, _ := behind(t, func(context.Context) {})
	opts, err := gatewaytx.ServeMuxOptions(&gatewaytx.Options{Backend: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	mux := runtime.NewServeMux(opts...)
	register(t, mux, client)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	for path, want := range map[string]int{"/v1/health/cart": 200, "/v1/health/down": 503, "/v1/health/down:watch": 200} {
		if got, body, _ := get(t, s.URL+path); got != want {
			t.Errorf("%s: %d %q", path, got, body)
		}
	}
}
