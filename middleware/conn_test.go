package middleware_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

type addrKey struct{}

// own is a server's ConnContext that is there already.
func own(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, addrKey{}, conn.RemoteAddr().String())
}

// Entries say which requests came over a connection that had one before; and a server's
// own function for connections does what it did, whichever of the two is called first.
func TestConnContext(t *testing.T) {
	type conns = func(context.Context, net.Conn) context.Context
	for name, c := range map[string]struct {
		set       conns
		told, own bool
	}{
		"none":           {nil, false, false},
		"ours":           {middleware.ConnContext, true, false},
		"own":            {own, false, true},
		"ours with none": {middleware.WithConnContext(nil), true, false},
		"ours with own":  {middleware.WithConnContext(own), true, true},
		"ours twice":     {middleware.WithConnContext(middleware.WithConnContext(own)), true, true},
		"own calls ours": {func(ctx context.Context, conn net.Conn) context.Context {
			return own(middleware.ConnContext(ctx, conn), conn)
		}, true, true},
	} {
		for _, h2 := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				wrap, rec := recording(t, middleware.Options{})
				s := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					addr, _ := r.Context().Value(addrKey{}).(string)
					_, _ = io.WriteString(w, addr+" "+r.RemoteAddr)
				})))
				s.Config.ConnContext = c.set
				s.EnableHTTP2 = h2
				s.StartTLS()
				defer s.Close()
				for i := range 4 {
					if i == 3 && !h2 { // where it is certain that the connection is idle by now
						s.Client().CloseIdleConnections()
					}
					res, body := do(t, s.Client(), request(t, "GET", s.URL, http.NoBody))
					if h2 != (res.ProtoMajor == 2) {
						t.Fatalf("spoke %s", res.Proto)
					}
					given, remote, _ := strings.Cut(body, " ")
					if c.own && given != remote || !c.own && given != "" {
						t.Errorf("request %d: the handler got %q of the server's own function, the connection is %s", i, given, remote)
					}
				}
				for i, e := range rec.wait(t, 4) {
					if want := c.told && (i == 1 || i == 2 || i == 3 && h2); e.HasFlag(entry.FlagReused) != want {
						t.Errorf("request %d, flags %v, want reused: %t", i, e.Flags, want)
					}
				}
			})
		}
	}
}

// A context that is none is the server's to complain of.
func TestConnContextNil(t *testing.T) {
	none := func(context.Context, net.Conn) context.Context { return nil }
	if ctx := middleware.WithConnContext(none)(t.Context(), nil); ctx != nil {
		t.Errorf("%v came of nil", ctx)
	}
}
