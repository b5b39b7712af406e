package txtrail_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/txtrail/txtrail"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// A body of 5 MB is kept whole where the configuration says so: what the service was
// sent, and what it answered.
func TestLargeBodyIsKeptWhole(t *testing.T) {
	body := append(append([]byte(`{"text":"`), bytes.Repeat([]byte(`line of text\n`), 5<<20/14)...), `"}`...)
	dir := t.TempDir()
	trail, err := txtrail.Open(txtrail.Config{
		Service: "web", Dir: dir, LookupEnv: env(), MaxBody: 6 << 20,
		LogHandler: slog.DiscardHandler,
		OnError:    func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(trail.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(b, body) {
			t.Errorf("the handler read %d bytes, error %v", len(b), err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b)
	})))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	_ = res.Body.Close()
	srv.Close()
	closeTrail(t, trail)

	r, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range r.Scan(t.Context(), journalsink.ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		for side, b := range map[string][]byte{"request": e.Request.Body.Content, "response": e.Response.Body.Content} {
			if !bytes.Equal(b, body) {
				t.Errorf("%s entry: the %s body has %d bytes, want all %d", e.Kind, side, len(b), len(body))
			}
		}
	}
	if n != 1 {
		t.Errorf("%d entries, want the one of the call", n)
	}
}
