package middleware

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/internal/tcpsent"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// stream is the life of a hijacked connection. It is told by one entry when the
// connection is closed. Nothing leads from it to the connection, nor to the exchange and
// by that to the server's, nor to the request's context, in which anybody may have put
// either: it is what is left when the collector has closed a connection that nobody did.
type stream struct {
	*config
	scope txid.Scope // the exchange's, with a Recorder of its own
	span  txid.SpanID
	// The exchange's. A whole entry.HTTP for each idle WebSocket would be too much.
	method, url, route, protocol, ip, agent string

	start  time.Time
	in     atomic.Int64
	out    atomic.Int64
	before int64        // written to the connection before it was taken, -1 if not known
	status atomic.Int32 // 0: none yet
	kept   atomic.Bool  // somebody asked to keep it in full
	closed atomic.Bool

	mu     sync.Mutex // guards what follows
	user   string
	told   *told
	flight sink.InFlightSlot // nil: not on the list
	// detached stands for it in contexts that outlive the exchange; nil: none asked.
	detached *txid.Detached
}

func newStream(ex *exchange, rec *record) *stream {
	h := &rec.HTTP
	s := &stream{
		config: ex.config, scope: ex.ctx.Scope, span: ex.Propagator.Minter().Span(), start: ex.now(),
		method: h.Method, url: h.URL, route: h.Route, protocol: h.Protocol, ip: h.RemoteIP, agent: h.UserAgent,
		user: rec.Facts.UserID, detached: rec.detached,
	}
	s.scope.Recorder = (*taken)(s)
	s.status.Store(int32(ex.status))
	s.kept.Store(ex.kept.Load())
	return s
}

// watch returns conn with its bytes counted for s. Only connections are wrapped of which
// all methods are known, since code asserts for those; anything else is left as it is, and
// no stream entry made. The handler may use rw as well as conn: rw is made to go through
// the wrapper too.
//
// A connection that is left as it is can be known to be in use only as long as its
// handler runs.
func (ex *exchange) watch(s *stream, conn net.Conn, rw *bufio.ReadWriter) net.Conn {
	var watched net.Conn
	if !ex.Untouched {
		watched = s.counted(ex.ctx.Context.Context, conn)
	}
	ex.listConnection(s, watched != nil)
	if watched == nil {
		s.detached.End()
		return conn
	}
	s.detached.Pass((*taken)(s))
	ex.mu.Lock()
	ex.stream = (*taken)(s)
	ex.mu.Unlock()
	if rw != nil {
		if rw.Writer != nil && rw.Writer.Buffered() == 0 {
			rw.Writer.Reset(watched)
		}
		if r := rw.Reader; r != nil {
			n := r.Buffered()
			s.in.Add(int64(n))
			if n == 0 {
				r.Reset(watched)
			} else {
				// What has been read ahead comes first, then the connection.
				ahead, _ := r.Peek(n)
				r.Reset(&readAhead{append([]byte(nil), ahead...), watched})
				_, _ = r.Peek(n)
			}
		}
	}
	return watched
}

// counted returns conn in a wrapper that counts, or nil. The wrapper alone has the
// request's context.
func (s *stream) counted(ctx context.Context, conn net.Conn) net.Conn {
	switch c := conn.(type) {
	case *net.TCPConn:
		s.before = tcpsent.Bytes(c)
		runtime.AddCleanup(c, (*stream).abandoned, s)
		return &tcpConn{c, s, ctx}
	case *tls.Conn:
		runtime.AddCleanup(c, (*stream).abandoned, s)
		return &tlsConn{c, s, ctx}
	case *net.UnixConn:
		runtime.AddCleanup(c, (*stream).abandoned, s)
		return &unixConn{c, s, ctx}
	}
	if plain(conn) {
		c := &plainConn{conn, s, ctx}
		runtime.AddCleanup(c, (*stream).abandoned, s)
		return c
	}
	return nil
}

// readAhead is a connection of which some bytes have been read already.
type readAhead struct {
	ahead []byte
	conn  io.Reader
}

// Read implements [io.Reader].
func (r *readAhead) Read(p []byte) (int, error) {
	if len(r.ahead) > 0 {
		n := copy(p, r.ahead)
		if r.ahead = r.ahead[n:]; len(r.ahead) == 0 {
			r.ahead = nil
		}
		return n, nil
	}
	return r.conn.Read(p)
}

type tcpConn struct {
	*net.TCPConn
	s   *stream
	ctx context.Context // the request's
}

// Read, Write, ReadFrom, WriteTo and Close are those of [net.TCPConn], counted.
func (c *tcpConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *tcpConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.s.wrote(p, n)
	return n, err
}

func (c *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.TCPConn.ReadFrom(r)
	c.s.out.Add(n)
	return n, err
}

func (c *tcpConn) WriteTo(w io.Writer) (int64, error) {
	n, err := c.TCPConn.WriteTo(w)
	c.s.in.Add(n)
	return n, err
}

// Close also takes in what [net.Buffers] wrote, which pass us by: they find the
// connection within by a method that nobody else can have.
func (c *tcpConn) Close() error {
	if c.s.before >= 0 && !c.s.closed.Load() {
		if n := tcpsent.Bytes(c.TCPConn) - c.s.before; n > c.s.out.Load() {
			c.s.out.Store(n)
		}
	}
	err := c.TCPConn.Close()
	c.s.end(c.ctx)
	return err
}

type tlsConn struct {
	*tls.Conn
	s   *stream
	ctx context.Context // the request's
}

// Read, Write and Close are those of [tls.Conn], counted.
func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *tlsConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.s.wrote(p, n)
	return n, err
}

func (c *tlsConn) Close() error {
	err := c.Conn.Close()
	c.s.end(c.ctx)
	return err
}

// wrote counts what was written of p.
func (s *stream) wrote(p []byte, n int) {
	if s.out.Add(int64(n)) == int64(n) && n > 0 {
		// A handler that takes the connection to answer by itself begins with this.
		s.status.CompareAndSwap(0, statusIn(p[:n]))
	}
}

// statusIn returns the status in the first line of an answer over HTTP/1, 0 if that is
// not what b is.
func statusIn(b []byte) int32 {
	const line = "HTTP/1.x 200"
	if len(b) < len(line) || string(b[:7]) != line[:7] || b[8] != ' ' {
		return 0
	}
	status := int32(0)
	for _, d := range b[9:12] {
		if d < '0' || d > '9' {
			return 0
		}
		status = 10*status + int32(d-'0')
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		return 0
	}
	return status
}

// end tells of the stream when the connection is closed.
func (s *stream) end(ctx context.Context) { s.tell(ctx, "closed", entry.SeverityInfo) }

// abandoned tells of a connection that nobody has closed, and which the collector found.
// What the user is asked takes as long as it takes: not on the runtime's goroutine.
func (s *stream) abandoned() {
	go s.tell(context.Background(), "never closed, left to the collector", entry.SeverityWarning)
}

// tell tells of the stream, once.
func (s *stream) tell(ctx context.Context, how string, severity entry.Severity) {
	if s.closed.Swap(true) {
		return
	}
	took := s.since(s.start)
	scope := &s.scope
	e := &entry.Entry{
		Time: s.start.UTC(), Kind: entry.KindStream, Severity: severity,
		TxID: scope.ID, Origin: scope.Origin, Trace: scope.Trace,
		Span: s.span, Parent: scope.Span, Latency: took,
	}
	e.HTTP = entry.HTTP{
		Method: s.method, URL: s.url, Route: s.route, Protocol: s.protocol, Status: int(s.status.Load()),
		RemoteIP: s.ip, UserAgent: s.agent,
	}
	e.Request.Body.Size, e.Response.Body.Size = s.in.Load(), s.out.Load()
	s.mu.Lock()
	e.Facts.UserID = s.user
	if s.told != nil {
		e.Error, e.Labels = s.told.err, s.told.labels
		s.told = nil
	}
	slot, outside := s.flight, s.detached
	s.flight, s.detached = nil, nil
	s.mu.Unlock()
	e.Severity = max(e.Severity, entry.SeverityOf(e.HTTP.Status, e.Error.Type, false))
	e.Facts.Carry(scope.Carried)
	e.Facts.EntryPage = (*taken)(s).EntryPage()

	b := append([]byte(nil), capture.Bound(s.method, 32)...)
	b = append(b, ' ')
	b = append(b, boundPath(pathIn(s.url), 1<<10)...)
	b = append(b, " connection "...)
	b = append(b, how...)
	b = append(b, " after "...)
	b = appendMillis(b, took)
	b = append(b, " ms, "...)
	b = strconv.AppendInt(b, e.Request.Body.Size, 10)
	b = append(b, " bytes in, "...)
	b = strconv.AppendInt(b, e.Response.Body.Size, 10)
	b = append(b, " out"...)
	e.Message = string(b)
	in := &node{}
	in.Context.Context, in.Scope = ctx, *scope
	s.emitIn(in, e, (*taken)(s).Kept())
	s.ended(slot)
	outside.End()
}
