package workload

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"
)

func TestPayload(t *testing.T) {
	for _, size := range []int{200, 201, 279, 280, 281, 1024, 65536} {
		if b := Payload(size); !json.Valid(b) || len(b) != size {
			t.Errorf("%d bytes for %d: %.100s", len(b), size, b)
		}
	}
	b := lines(chunk)
	if len(b) != chunk {
		t.Errorf("%d bytes of lines, want %d", len(b), chunk)
	}
	for line := range bytes.Lines(b) {
		if !json.Valid(line) {
			t.Errorf("no JSON: %q", line)
		}
	}
}

// Each case answers what it says.
func TestServers(t *testing.T) {
	all, err := Servers(t.TempDir(), 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		t.Run(c.Slug, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(c.Method, Path, bytes.NewReader(c.Body))
			panicked := func() (v any) {
				defer func() { v = recover() }()
				c.Handler.ServeHTTP(w, r)
				return nil
			}()
			if (panicked == Boom) != c.Panics || int64(w.Body.Len()) != c.Size || c.Weight < 1 {
				t.Errorf("%d bytes, want %d; panic %v", w.Body.Len(), c.Size, panicked)
			}
		})
	}
	if _, err := Find(all, "nosuch"); err == nil {
		t.Error("nosuch is found")
	}
}
