package contestant

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/go-chi/httplog/v3"
	"github.com/txtrail/txtrail/middleware"
)

// HeaderNames are the request headers that httplog is told to log: it logs none by
// itself.
func HeaderNames() []string {
	return []string{"Accept", "Authorization", "Content-Type", "Cookie", "Referer", "User-Agent", "X-Client-User", "X-Request-Id"}
}

func httploggedServer(h http.Handler) (*Running[http.Handler], error) {
	lines := &counter{}
	always := func(*http.Request) bool { return true }
	wrap := httplog.RequestLogger(lines.logger(), &httplog.Options{
		Level: slog.LevelInfo, Schema: httplog.SchemaECS,
		LogRequestHeaders: HeaderNames(), LogResponseHeaders: []string{"Content-Type"},
		LogRequestBody: always, LogResponseBody: always, LogBodyMaxLen: middleware.DefaultMaxBody,
	})
	return &Running[http.Handler]{Wrapped: wrap(h), Settle: nothing, Stop: lines.atLeast, Clean: nothing}, nil
}

// counter discards lines and counts them.
type counter struct{ n atomic.Int64 }

func (c *counter) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(c, nil)) }

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(1)
	return io.Discard.Write(p)
}

func (c *counter) atLeast(served int64) error {
	if n := c.n.Load(); n < served {
		return fmt.Errorf("%d of %d exchanges logged", n, served)
	}
	return nil
}
