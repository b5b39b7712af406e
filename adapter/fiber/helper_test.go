package fibertx_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/adapter/fiber"
	"github.com/txtrail/txtrail/entry"
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

// serve starts a real server of an app that records, whose routes are made by setup.
func serve(t testing.TB, opts *fibertx.Options, config fiber.Config, setup func(*fiber.App)) (string, *sinktest.Memory) {
	t.Helper()
	q, mem := trail(t)
	record, err := fibertx.New(q, opts)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(config)
	app.Use(record)
	setup(app)
	return listen(t, app), mem
}

func listen(t testing.TB, app *fiber.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.ShutdownWithTimeout(10 * time.Second); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

type answer struct {
	status int
	body   string
	header http.Header
}

// ask sends one request on a connection of its own.
func ask(t testing.TB, method, url, body string, header ...string) answer {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
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
	return answer{res.StatusCode, string(b), res.Header}
}
