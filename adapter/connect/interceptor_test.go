package connecttx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/txtrail/txtrail/adapter/connect"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

const (
	get    = "/shop.v1.Cart/Get"
	watch  = "/shop.v1.Cart/Watch"
	upload = "/shop.v1.Cart/Upload"
	talk   = "/shop.v1.Cart/Talk"
)

type text = wrapperspb.StringValue

// fails returns the error that a word asks for.
func fails(word string) error {
	switch word {
	case "missing":
		return connect.NewError(connect.CodeNotFound, errors.New("no such cart"))
	case "down":
		return connect.NewError(connect.CodeUnavailable, errors.New("store closed"))
	case "plain":
		return errors.New("out of luck")
	case "panic":
		panic("on purpose")
	}
	return nil
}

func answer(ctx context.Context, word string) *text {
	return wrapperspb.String(word + " " + string(txid.IDFromContext(ctx)))
}

// cart is a service as generated code makes one.
func cart() http.Handler {
	opts := []connect.HandlerOption{
		connect.WithRecover(func(context.Context, connect.Spec, http.Header, any) error {
			return connect.NewError(connect.CodeInternal, errors.New("recovered"))
		}),
		connect.WithInterceptors(connecttx.NewInterceptor()),
	}
	mux := http.NewServeMux()
	mux.Handle(get, connect.NewUnaryHandler(get, func(ctx context.Context, r *connect.Request[text]) (*connect.Response[text], error) {
		if err := fails(r.Msg.Value); err != nil {
			return nil, err
		}
		return connect.NewResponse(answer(ctx, r.Msg.Value)), nil
	}, opts...))
	mux.Handle(watch, connect.NewServerStreamHandler(watch, func(ctx context.Context, r *connect.Request[text], s *connect.ServerStream[text]) error {
		for range 3 {
			if err := s.Send(answer(ctx, r.Msg.Value)); err != nil {
				return err
			}
		}
		return fails(r.Msg.Value)
	}, opts...))
	mux.Handle(upload, connect.NewClientStreamHandler(upload, func(ctx context.Context, s *connect.ClientStream[text]) (*connect.Response[text], error) {
		word := ""
		for s.Receive() {
			word = s.Msg().Value
		}
		if err := errors.Join(s.Err(), fails(word)); err != nil {
			return nil, fails(word)
		}
		return connect.NewResponse(answer(ctx, word)), nil
	}, opts...))
	mux.Handle(talk, connect.NewBidiStreamHandler(talk, func(ctx context.Context, s *connect.BidiStream[text, text]) error {
		for {
			msg, err := s.Receive()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := fails(msg.Value); err != nil {
				return err
			}
			if err := s.Send(answer(ctx, msg.Value)); err != nil {
				return err
			}
		}
	}, opts...))
	return mux
}

// start serves cart below a prefix over HTTP/2, and returns a recording client and what
// each side recorded.
func start(t *testing.T) (c *http.Client, url string, server, client *sinktest.Memory) {
	t.Helper()
	q, server := trail(t)
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(wrap(http.StripPrefix("/api", cart())))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	cq, client := trail(t)
	c, err = outbound.Wrap(s.Client(), cq, &outbound.Options{OnEntry: connecttx.OnEntry})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c, s.URL + "/api", server, client
}

// call makes one RPC of a kind and returns its last answer.
func call(ctx context.Context, c *http.Client, url, procedure, word string, opts ...connect.ClientOption) (string, error) {
	opts = append(opts, connect.WithInterceptors(connecttx.NewInterceptor()))
	rpc := connect.NewClient[text, text](c, url+procedure, opts...)
	switch procedure {
	case watch:
		s, err := rpc.CallServerStream(ctx, connect.NewRequest(wrapperspb.String(word)))
		if err != nil {
			return "", err
		}
		last := ""
		for s.Receive() {
			last = s.Msg().Value
		}
		return last, errors.Join(s.Err(), s.Close())
	case upload:
		s := rpc.CallClientStream(ctx)
		for range 3 {
			if err := s.Send(wrapperspb.String(word)); err != nil {
				break
			}
		}
		res, err := s.CloseAndReceive()
		if err != nil {
			return "", err
		}
		return res.Msg.Value, nil
	case talk:
		s := rpc.CallBidiStream(ctx)
		if err := s.Send(wrapperspb.String(word)); err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		msg, err := s.Receive()
		if err != nil {
			return "", errors.Join(err, s.CloseRequest(), s.CloseResponse())
		}
		err = s.CloseRequest()
		if _, end := s.Receive(); !errors.Is(end, io.EOF) {
			err = errors.Join(err, end)
		}
		return msg.Value, errors.Join(err, s.CloseResponse())
	}
	res, err := rpc.CallUnary(ctx, connect.NewRequest(wrapperspb.String(word)))
	if err != nil {
		return "", err
	}
	return res.Msg.Value, nil
}

func label(e *entry.Entry, name string) string {
	i := slices.IndexFunc(e.Labels, func(l entry.Label) bool { return l.Name == name })
	if i < 0 {
		return ""
	}
	return e.Labels[i].Value
}

func TestRPCs(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]connect.ClientOption{
		"connect": nil, "connect json": {connect.WithProtoJSON()}, "grpc": {connect.WithGRPC()}, "grpc-web": {connect.WithGRPCWeb()},
	} {
		for _, procedure := range []string{get, watch, upload, talk} {
			t.Run(name+procedure, func(t *testing.T) {
				t.Parallel()
				c, url, server, client := start(t)
				for i, tc := range []struct {
					word, code, errorType string
					failed                bool
				}{
					{"fine", "", "", false},
					{"missing", "not_found", "", false},
					{"down", "unavailable", "unavailable", true},
					{"plain", "unknown", "unknown", true},
					{"panic", "", "panic", true},
				} {
					ctx := txid.NewContext(t.Context(), &txid.Scope{ID: "scenario-0001"})
					got, err := call(ctx, c, url, procedure, tc.word, opts...)
					if tc.word == "fine" {
						if err != nil || got != "fine scenario-0001" {
							t.Errorf("%s: %q, %v", tc.word, got, err)
						}
					} else if err == nil {
						t.Errorf("%s: no error", tc.word)
					}

					e := entries(t, server, i+1)[i]
					if e.HTTP.Route != procedure || e.TxID != "scenario-0001" || label(e, connecttx.LabelCode) != tc.code || e.Error.Type != tc.errorType || e.Failed() != tc.failed {
						t.Errorf("%s, server: route %q, txid %q, code %q, error %+v, failed %v; want code %q, type %q, %v",
							tc.word, e.HTTP.Route, e.TxID, label(e, connecttx.LabelCode), e.Error, e.Failed(), tc.code, tc.errorType, tc.failed)
					}
					if blamed := label(e, connecttx.LabelClientError) != ""; blamed != (tc.word == "missing") {
						t.Errorf("%s: labels %v", tc.word, e.Labels)
					}
					if tc.word == "panic" && (!e.HasFlag(entry.FlagPanic) || !strings.Contains(e.Error.Stack, "fails")) {
						t.Errorf("panic: %v, %.100q", e.Flags, e.Error.Stack)
					}

					callEntry := entries(t, client, i+1)[i]
					if callEntry.HTTP.Route != procedure || e.Parent != callEntry.Span {
						t.Errorf("%s, client: route %q, span %v, parent of the server's %v", tc.word, callEntry.HTTP.Route, callEntry.Span, e.Parent)
					}
					// What OnEntry can not know, it does not say.
					hidden := name == "grpc-web" || strings.HasPrefix(name, "connect") && procedure != get
					want := tc.code
					if tc.word == "panic" {
						want = "internal"
					}
					if !hidden && (label(callEntry, connecttx.LabelCode) != want || callEntry.Error.Type != want) {
						t.Errorf("%s, client: code %q, error %+v, want %q", tc.word, label(callEntry, connecttx.LabelCode), callEntry.Error, want)
					}
				}
			})
		}
	}
}

// Without an exchange, and without OnEntry, it is not there.
func TestWithoutTrail(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(cart())
	t.Cleanup(s.Close)
	if got, err := call(t.Context(), s.Client(), s.URL, get, "fine"); got != "fine " || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := call(t.Context(), s.Client(), s.URL, get, "missing"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Error(err)
	}
	e := &entry.Entry{Kind: entry.KindClient, HTTP: entry.HTTP{Status: 404, Route: "/own"}}
	if connecttx.OnEntry(t.Context(), e); e.HTTP.Route != "/own" || len(e.Labels) != 0 {
		t.Errorf("another client's entry: %+v", e)
	}
}

// An error of the connection stays what it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	q, mem := trail(t)
	c, err := outbound.NewClient(q, &outbound.Options{OnEntry: connecttx.OnEntry})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(nil)
	s.Close()
	if _, err := call(t.Context(), c, s.URL, get, "fine"); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Error(err)
	}
	if e := entries(t, mem, 1)[0]; e.Error.Type != "refused" || e.HTTP.Route != get {
		t.Errorf("%+v, route %q", e.Error, e.HTTP.Route)
	}
}
