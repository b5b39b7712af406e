package outbound

import (
	"io"
	"net/http"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
)

// captureRequest looks at the body of out, a copy of the caller's request, or
// wraps it where it can not be looked at. A nil body and NoBody stay what they
// are: net/http compares them. Of a part of an upload nothing is kept.
func (c *call) captureRequest(out *http.Request, partial bool) {
	if out.Body == nil || out.Body == http.NoBody {
		return
	}
	n := out.ContentLength
	if n == 0 {
		n = -1 // with a body that is not NoBody, 0 means unknown
	}
	c.choose(&c.req, &c.rec.Request.Body, n)
	if partial {
		c.req.Partial()
	}
	if p, ok := c.untouched(out, n); ok {
		c.req.Read(c.t.pool, p.size, p.read)
		c.reqPeeked = true
		return
	}
	c.reqLength = n
	c.sending = requestBody{inner: out.Body, call: c}
	out.Body = &c.sending
	if get := out.GetBody; get != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			rc, err := get()
			if err != nil {
				c.noteBodyError(err)
			}
			if err != nil || rc == nil || rc == http.NoBody {
				return rc, err
			}
			return &requestBody{inner: rc, call: c, gen: c.restartRequest()}, nil
		}
	}
}

// choose says how much of a body is kept.
func (c *call) choose(kept *capture.Body, b *entry.Body, declared int64) {
	h := &c.rec.HTTP
	first, last := c.t.rules.Bounds(h.Method, h.Route, b.Type, c.t.opts.MaxBody, true)
	kept.Begin(first, b.Type, declared)
	kept.KeepEnd(last, b.Type, b.ContentEncoding)
}

// restartRequest begins the capture anew for a body that is sent again, and
// returns its number; what an abandoned earlier body still reads does not count.
func (c *call) restartRequest() int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reqGen++
	if !c.done {
		c.req.Restart()
		c.reqEOF, c.reqErr = false, nil
	}
	return c.reqGen
}

// noteBodyError keeps what GetBody said.
func (c *call) noteBodyError(err error) {
	c.mu.Lock()
	if !c.done {
		c.reqErr = err
	}
	c.mu.Unlock()
}

// requestBody copies the first bytes of a body as net/http reads it. net/http may
// go on reading after RoundTrip has returned, from its own goroutine; from the
// moment the entry is made nothing is kept any more.
type requestBody struct {
	inner io.ReadCloser
	call  *call
	gen   int32
}

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	c := b.call
	c.mu.Lock()
	if !c.done && c.reqGen == b.gen && n >= 0 && n <= len(p) {
		capture.Add(&c.req, c.t.pool, p[:n], firstBuffer)
		if err == io.EOF {
			c.reqEOF = true
			c.noteTrailers() // the answer may have been read whole before WroteRequest is told
		} else if err != nil && c.reqErr == nil {
			c.reqErr = err
		}
	}
	c.mu.Unlock()
	return n, err
}

// Close implements [io.Closer].
func (b *requestBody) Close() error { return b.inner.Close() }
