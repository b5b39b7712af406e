package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// upgraded counts what goes over a connection that a 101 has turned into
// something else. It holds none of the call's memory: a service may have
// thousands of such connections.
type upgraded struct {
	t      *Transport
	ctx    context.Context
	scope  *txid.Scope
	span   txid.SpanID
	start  time.Time
	method string
	url    string
	proto  string
	peer   entry.Peer

	in, out atomic.Int64
	mu      sync.Mutex
	err     error
	once    sync.Once
}

func newUpgraded(c *call) *upgraded {
	return &upgraded{
		t: c.t, ctx: c.ctx, scope: c.scope, span: c.span, start: c.t.now(),
		method: c.rec.HTTP.Method, url: c.rec.HTTP.URL, proto: c.rec.HTTP.Protocol, peer: c.rec.Peer,
	}
}

func (u *upgraded) received(n int, err error) {
	u.in.Add(int64(max(n, 0)))
	u.fault(err)
}

func (u *upgraded) sent(n int, err error) {
	u.out.Add(int64(max(n, 0)))
	u.fault(err)
}

// fault keeps the first error that is not an ordinary end.
func (u *upgraded) fault(err error) {
	if err == nil || err == io.EOF || errors.Is(err, net.ErrClosed) {
		return
	}
	u.mu.Lock()
	if u.err == nil {
		u.err = err
	}
	u.mu.Unlock()
}

// closed makes the entry of the connection's life, once.
func (u *upgraded) closed() {
	u.once.Do(func() {
		u.mu.Lock()
		err := u.err
		u.mu.Unlock()
		life := u.t.now().Sub(u.start)
		in, out := u.in.Load(), u.out.Load()
		e := &entry.Entry{
			Time: u.start.UTC(), TxID: u.scope.ID, Kind: entry.KindStream,
			Span: u.t.opts.Propagator.Minter().Span(), Parent: u.span, Origin: u.scope.Origin, Trace: u.scope.Trace,
			HTTP: entry.HTTP{Method: u.method, URL: u.url, Protocol: u.proto}, Peer: u.peer, Facts: entry.FactsOf(u.scope), Latency: life,
		}
		e.Request.Body.Size, e.Response.Body.Size = out, in
		b := append([]byte(nil), u.method...)
		b = append(b, ' ')
		b = append(b, plainURL(u.url)...)
		b = append(b, " connection closed after "...)
		b = appendDuration(b, life)
		b = append(b, ", sent "...)
		b = strconv.AppendInt(b, out, 10)
		b = append(b, " B, received "...)
		b = strconv.AppendInt(b, in, 10)
		b = append(b, " B"...)
		if err != nil {
			e.Error.Type, _ = classifyError(err, phaseBody, false, false, &marks{})
			e.Error.Message = fmt.Sprint(err) // catches a panic of its Error
		}
		e.Severity = entry.SeverityOf(0, e.Error.Type, false)
		e.Message = string(b)
		u.t.hand(u.ctx, u.scope, e)
	})
}
