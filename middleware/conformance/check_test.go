package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Check comes to what Run does: nothing in between passes every case, each protocol's
// once, in order.
func TestCheck(t *testing.T) {
	t.Parallel()
	results, err := Check(t.Context(), func(next http.Handler) http.Handler { return next }, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, r := range results {
		got = append(got, r.Protocol+"/"+r.Name)
		if !r.Passed() || r.Group == "" || r.Reason == "" {
			t.Errorf("%+v", r)
		}
	}
	for _, p := range allProtocols {
		for _, k := range Cases() {
			if k.runsOver(p) {
				want = append(want, string(p)+"/"+k.Name)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheckTransport(t *testing.T) {
	t.Parallel()
	results, err := CheckTransport(t.Context(), func(base http.RoundTripper) http.RoundTripper { return base }, nil)
	if err != nil || len(results) != len(TransportCases()) {
		t.Fatalf("%d results, error %v", len(results), err)
	}
	for _, r := range results {
		if !r.Passed() || r.Group == "" || r.Reason == "" || r.Protocol != "" {
			t.Errorf("%+v", r)
		}
	}
}

// What a middleware that records into a buffer breaks is found, and said without the
// rule, which stands beside it.
func TestCheckFindsBuffering(t *testing.T) {
	t.Parallel()
	results, err := Check(t.Context(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			w.WriteHeader(rec.Code)
			_, _ = io.Copy(w, rec.Body)
		})
	}, &CheckOptions{Patience: 300 * time.Millisecond, Parallel: 48})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, r := range results {
		if !r.Passed() {
			failed[r.Protocol+"/"+r.Name] = true
		}
		for _, f := range r.Failures {
			if f == "" || strings.Contains(f, "The rule:") {
				t.Errorf("%s: %q", r.Name, f)
			}
		}
	}
	for _, name := range []string{"HTTP1/FlushedArrives", "H2/FlushedArrives", "H2C/FlushedArrives", "HTTP1/HeadersOnly", "HTTP1/HijackByBuffers"} {
		if !failed[name] {
			t.Errorf("%s passed", name)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	same := func(next http.Handler) http.Handler { return next }
	if _, err := Check(t.Context(), nil, nil); !errors.Is(err, ErrCheck) {
		t.Errorf("no middleware: %v", err)
	}
	if _, err := CheckTransport(t.Context(), nil, nil); !errors.Is(err, ErrCheck) {
		t.Errorf("no wrapper: %v", err)
	}
	for _, o := range []CheckOptions{{Patience: -1}, {Parallel: -1}} {
		if _, err := Check(t.Context(), same, &o); !errors.Is(err, ErrCheck) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Check(ctx, same, nil); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("canceled: %v, %v", r, err)
	}
}

// Whatever a case does, it ends in a result.
func TestExamine(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, c := range map[string]struct {
		run  func(*collector)
		want string
	}{
		"passes":        {func(*collector) {}, ""},
		"fails":         {func(c *collector) { c.Errorf("seen %d\nThe rule: why", 1) }, "seen 1"},
		"ends":          {func(c *collector) { c.Fatalf("the end"); c.Errorf("more") }, "the end"},
		"panics":        {func(*collector) { panic("boom") }, "the case panicked: boom"},
		"Goexit":        {func(*collector) { runtime.Goexit() }, ""},
		"hangs":         {func(*collector) { <-hang }, "the case did not come to its end within 10ms"},
		"cleanup fails": {func(c *collector) { c.Cleanup(func() { panic("boom") }) }, "the end of the case's servers panicked: boom"},
		"last in, first out": {func(c *collector) {
			c.Cleanup(func() { c.Errorf("two") })
			c.Cleanup(func() { c.Errorf("one") })
		}, "one|two"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := time.Second
			if name == "hangs" {
				patience = time.Millisecond
			}
			if got := strings.Join(examine(t.Context(), patience, "why", c.run), "|"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
