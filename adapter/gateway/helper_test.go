package gatewaytx_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// trail is a queue into memory.
func trail(t testing.TB) (*sink.Queue, *sinktest.Memory) {
	t.Helper()
	mem := &sinktest.Memory{}
	q, err := sink.NewQueue(mem, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return q, mem
}

// entries returns what is in mem when there are n.
func entries(t testing.TB, mem *sinktest.Memory, n int) []*entry.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := mem.Wait(ctx, n); err != nil {
		t.Fatal(err)
	}
	return mem.Entries()
}

func serve(t testing.TB, q *sink.Queue, h http.Handler) *httptest.Server {
	t.Helper()
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(wrap(h))
	t.Cleanup(s.Close)
	return s
}

func get(t testing.TB, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}
