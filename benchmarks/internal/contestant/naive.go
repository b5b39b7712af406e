package contestant

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// naiveServer is what people write in an afternoon: it reads the whole request, lets
// the handler answer into a buffer, sends that, and logs both bodies with ten keys
// masked.
func naiveServer(h http.Handler) (*Running[http.Handler], error) {
	lines := &counter{}
	return &Running[http.Handler]{Wrapped: buffering(h, lines.logger()), Settle: nothing, Stop: lines.atLeast, Clean: nothing}, nil
}

func buffering(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		in, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(in))
		rec := &recording{header: http.Header{}, status: http.StatusOK}
		defer func() {
			log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("url", r.URL.String()), slog.Int("status", rec.status),
				slog.Duration("duration", time.Since(start)), slog.String("user_agent", r.UserAgent()),
				slog.Any("request", maskedBody(r.Header, in)), slog.Any("response", maskedBody(rec.header, rec.body.Bytes())))
		}()
		next.ServeHTTP(rec, r)
		for name, values := range rec.header {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes())
	})
}

// recording is a response kept in memory. That it can flush is a promise it breaks:
// handlers that stream refuse to start without one.
type recording struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recording) Header() http.Header { return r.header }
func (r *recording) Flush()              {}

func (r *recording) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recording) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}

// naiveTransport is the same for calls.
func naiveTransport(base http.RoundTripper) (*Running[http.RoundTripper], error) {
	lines := &counter{}
	rt := &bufferingTransport{base, lines.logger()}
	return &Running[http.RoundTripper]{Wrapped: rt, Settle: nothing, Stop: lines.atLeast, Clean: nothing}, nil
}

type bufferingTransport struct {
	base http.RoundTripper
	log  *slog.Logger
}

// RoundTrip implements [http.RoundTripper].
func (t *bufferingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	var in, out []byte
	var err error
	if r.Body != nil {
		if in, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(in))
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		t.log.Error("call", "method", r.Method, "url", r.URL.String(), "error", err)
		return nil, err
	}
	if out, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(out))
	t.log.LogAttrs(r.Context(), slog.LevelInfo, "call",
		slog.String("method", r.Method), slog.String("url", r.URL.String()), slog.Int("status", resp.StatusCode),
		slog.Duration("duration", time.Since(start)),
		slog.Any("request", maskedBody(r.Header, in)), slog.Any("response", maskedBody(resp.Header, out)))
	return resp, nil
}
