package middleware

import (
	"io"

	"github.com/txtrail/txtrail/internal/capture"
)

// body is an exchange as the handler's request body: it reads when the handler
// reads, and nothing besides. Handlers read bodies from other goroutines, while
// they write, and after they returned; then nothing is captured any more.
type body exchange

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.reader.begun.Add(1)
	n, err := b.body.Read(p)
	ended := err == io.EOF || err != nil && isErr(err, io.EOF)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.reader.over++
	if b.done {
		return n, err
	}
	if b.reader.limit == limitAsk {
		b.reader.limit = limitKept
	}
	if n == len(p) && n < cap(p) && (err == nil || ended) && b.reader.limit == limitKept {
		b.reader.limit = (*exchange)(b).limitOf()
	}
	if n > 0 && n <= len(p) {
		if rec := b.rec; rec != nil {
			if !rec.ask.begun {
				(*exchange)(b).choose(&rec.ask, &rec.Request.Body, b.req.ContentLength)
			}
			capture.Add(&rec.ask.Body, b.pool, p[:n], firstBuffer)
		}
	}
	switch {
	case err == nil:
	case ended:
		b.reader.ended = true
		if b.req.Trailer != nil && b.own.Trailer == nil {
			// Trailers that were not announced are put on the request that the server
			// knows, which the handler does not have.
			b.own.Trailer = b.req.Trailer
		}
	case b.reader.failed == nil:
		b.reader.failed = err
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error { return b.body.Close() }
