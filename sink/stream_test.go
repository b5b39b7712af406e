package sink_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

var streamMiB = flag.Int("stream-mib", 64, "MiB that TestStream sends each way")

// streamGrowth is how much the heap may grow while a body of any size passes, in
// bytes: two captures of 64 KiB in raw and in clean form, the buffers of a
// connection's two ends, and garbage that no collection has taken yet: with little
// in use that is up to 4 MiB.
const streamGrowth = 8 << 20

// endless is a JSON document of n bytes with a secret in every line.
type endless struct {
	n, at int64
	peak  *peak
}

var secretLine = []byte(`{"id":1234,"name":"상자","password":"hunter2-S3CRET","card":"4111111111111111"},` + "\n")

func (r *endless) Read(p []byte) (int, error) {
	r.peak.look()
	n := 0
	for n < len(p) && r.at < r.n {
		m := min(copy(p[n:], secretLine[r.at%int64(len(secretLine)):]), int(min(r.n-r.at, 1<<20)))
		n += m
		r.at += int64(m)
	}
	if r.at >= r.n {
		return n, io.EOF
	}
	return n, nil
}

// peak is the largest heap that was ever looked at, garbage included. One goroutine
// looks at a time.
type peak struct {
	sample []metrics.Sample
	heap   uint64
	calls  int
}

func newPeak() *peak {
	return &peak{sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}}
}

func (p *peak) look() {
	if p.calls++; p.calls%16 != 0 {
		return
	}
	metrics.Read(p.sample)
	p.heap = max(p.heap, p.sample[0].Value.Uint64()+p.sample[1].Value.Uint64())
}

// last keeps the bodies of the last entry.
type last struct{ request, response entry.Body }

func (l *last) Write(_ context.Context, batch []*entry.Entry) error {
	for _, e := range batch {
		l.request, l.response = e.Request.Body, e.Response.Body
		l.request.Content, l.response.Content = bytes.Clone(e.Request.Body.Content), bytes.Clone(e.Response.Body.Content)
	}
	return nil
}

func (*last) Close(context.Context) error { return nil }

// A body of any size costs no more memory than the capture of it: it streams
// through the middleware, the queue and the sanitizer, up and then down again.
//
//	go test ./sink -run TestStream -v -stream-mib 1024
func TestStream(t *testing.T) {
	size := int64(*streamMiB) << 20
	l := &last{}
	q, err := sink.NewQueue(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	heap := newPeak()
	srv := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
			t.Errorf("the handler read %d bytes of %d: %v", n, size, err)
		}
		w.Header().Set("Content-Type", "application/json")
		if _, err := io.Copy(w, &endless{n: size, peak: heap}); err != nil {
			t.Error(err)
		}
	})))
	defer srv.Close()
	exchange := func() {
		req, err := http.NewRequest(http.MethodPost, srv.URL+"/import", &endless{n: size, peak: heap})
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if n != size || err != nil {
			t.Fatalf("the client read %d bytes of %d: %v", n, size, err)
		}
		if err := q.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	full := size
	size = 256 << 10 // pools, tables and connections come to be
	exchange()
	before := newPeak()
	before.calls = 15
	before.look()
	size = full
	heap.heap = 0
	exchange()
	mustClose(t, q)
	t.Logf("%d MiB each way: heap %d KiB before, %d KiB at most%s", full>>20, before.heap>>10, heap.heap>>10, highWater())
	if heap.heap == 0 || heap.heap > before.heap+streamGrowth {
		t.Errorf("the heap grew from %d to %d KiB", before.heap>>10, heap.heap>>10)
	}
	for name, b := range map[string]entry.Body{"request": l.request, "response": l.response} {
		if b.Size != full || !b.Truncated || len(b.Content) == 0 || len(b.Content) > 2*middleware.DefaultMaxBody {
			t.Errorf("%s: size %d, truncated %v, %d bytes kept", name, b.Size, b.Truncated, len(b.Content))
		}
		for _, secret := range []string{"hunter2", "S3CRET", "411111"} {
			if bytes.Contains(b.Content, []byte(secret)) {
				t.Errorf("%s: %s is in it", name, secret)
			}
		}
	}
}

// highWater is what the system says of the process's memory, where it says so.
func highWater() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return ", resident at most " + strings.TrimSpace(rest)
		}
	}
	return ""
}
