package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// Both ends of what is sent and of what comes back are kept, whichever way a body is
// looked at, and both are sanitized.
func TestCaptureRules(t *testing.T) {
	const record = "{\"user\":\"kim\",\"password\":\"hunter2-hunter2\"}\n"
	text := strings.Repeat(record, 50)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(b)
	}))
	defer srv.Close()
	name := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name) //nolint:gosec // the name is ours
	if err != nil {
		t.Fatal(err)
	}
	for kind, body := range map[string]io.Reader{
		"in memory": strings.NewReader(text), "a buffer": bytes.NewBufferString(text), "a file": file, "a stream": io.MultiReader(strings.NewReader(text)),
	} {
		memory := &sinktest.Memory{}
		q, err := sink.NewQueue(memory, nil)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := outbound.NewTransport(base(t), q, &outbound.Options{
			Capture:      []outbound.CaptureRule{{Route: "POST /v1/events/{id}", Type: "application/x-ndjson", First: 130, Last: 210}, {First: -1}},
			Dependencies: []outbound.Dependency{{Host: "127.0.0.1", Routes: []string{"/v1/events/{id}"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		req := request(t, t.Context(), http.MethodPost, srv.URL+"/v1/events/7", body)
		req.Header.Set("Content-Type", "application/x-ndjson")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, resp); got != text {
			t.Fatalf("%s: %d bytes came back, want %d", kind, len(got), len(text))
		}
		resp, err = tr.RoundTrip(request(t, t.Context(), http.MethodPost, srv.URL+"/other", strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		drain(t, resp)
		if err := q.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		es := memory.Entries()
		for _, b := range []string{string(es[0].Request.Body.Content), string(es[0].Response.Body.Content)} {
			before, after, ok := strings.Cut(b, " bytes not kept")
			if !ok || strings.Contains(b, "unter2") || strings.Count(before, "[masked:password]") < 2 || strings.Count(after, "[masked:password]") < 3 {
				t.Errorf("%s:\n%s", kind, b)
			}
		}
		if b := es[0].Request.Body; b.Size != int64(len(text)) || !b.Truncated || b.Reason != "capture limit" {
			t.Errorf("%s: %+v", kind, b)
		}
		if b := es[1].Request.Body; b.Size != int64(len(text)) || len(b.Content) != 0 || b.Reason != "capture off" {
			t.Errorf("%s, another route: %+v", kind, b)
		}
	}
}

func TestBadCaptureRules(t *testing.T) {
	_, err := outbound.NewTransport(nil, newRecorder(t).queue, &outbound.Options{Capture: []outbound.CaptureRule{{}, {First: 5 << 20, Last: 4 << 20}}})
	if !errors.Is(err, outbound.ErrOptions) || !strings.Contains(err.Error(), "Capture[1]: First and Last are 9437184 together, at most 8388608") {
		t.Error(err)
	}
}
