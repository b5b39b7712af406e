package middleware

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/internal/tcpsent"
	"github.com/txtrail/txtrail/txid"
)

// stream is the life of a hijacked connection. It is told by one entry when the
// connection is closed.
type stream struct {
	ex     *exchange
	span   txid.SpanID
	route  string
	user   string
	ip     string
	status int
	start  time.Time
	in     atomic.Int64
	out    atomic.Int64
	before int64 // written to the connection before it was taken, -1 if not known
	closed atomic.Bool
}

func newStream(ex *exchange, rec *record) *stream {
	return &stream{
		ex: ex, route: rec.HTTP.Route, user: rec.Facts.UserID, ip: rec.HTTP.RemoteIP,
		status: int(ex.status), start: ex.now(), span: ex.Propagator.Minter().Span(),
	}
}

// watch returns conn with its bytes counted. Only connections are wrapped of which all
// methods are known, since code asserts for those; anything else is left as it is, and
// no stream entry made. The handler may use rw as well as conn: rw is made to go through
// the wrapper too.
//
// A connection that is left as it is can be known to be in use only as long as its
// handler runs.
func (s *stream) watch(conn net.Conn, rw *bufio.ReadWriter) net.Conn {
	var watched net.Conn
	if !s.ex.Untouched {
		watched = s.counted(conn)
	}
	s.list(watched != nil)
	if watched == nil {
		return conn
	}
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

// counted returns conn in a wrapper that counts, or nil.
func (s *stream) counted(conn net.Conn) net.Conn {
	switch c := conn.(type) {
	case *net.TCPConn:
		s.before = tcpsent.Bytes(c)
		return &tcpConn{c, s}
	case *tls.Conn:
		return &tlsConn{c, s}
	case *net.UnixConn:
		return &unixConn{c, s}
	}
	if plain(conn) {
		return &plainConn{conn, s}
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
	s *stream
}

// Read, Write, ReadFrom, WriteTo and Close are those of [net.TCPConn], counted.
func (c *tcpConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *tcpConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.s.out.Add(int64(n))
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
	c.s.end()
	return err
}

type tlsConn struct {
	*tls.Conn
	s *stream
}

// Read, Write and Close are those of [tls.Conn], counted.
func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *tlsConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.s.out.Add(int64(n))
	return n, err
}

func (c *tlsConn) Close() error {
	err := c.Conn.Close()
	c.s.end()
	return err
}

// end tells of the stream, once.
func (s *stream) end() {
	if s.closed.Swap(true) {
		return
	}
	ex := s.ex
	took := ex.since(s.start)
	scope := &ex.ctx.Scope
	e := &entry.Entry{
		Time: s.start.UTC(), Kind: entry.KindStream, Severity: entry.SeverityInfo,
		TxID: scope.ID, Origin: scope.Origin, Trace: scope.Trace,
		Span: s.span, Parent: scope.Span, Latency: took,
	}
	e.HTTP = entry.HTTP{
		Method: ex.req.Method, URL: capture.Bound(ex.req.RequestURI, entry.MaxURL), Route: s.route, Protocol: ex.req.Proto, Status: s.status,
		RemoteIP: s.ip, UserAgent: capture.Bound(first(ex.req.Header, "User-Agent"), entry.MaxMessage),
	}
	e.Request.Body.Size, e.Response.Body.Size = s.in.Load(), s.out.Load()
	e.Facts.UserID = s.user
	e.Facts.Carry(scope.Carried)
	ex.mu.Lock()
	e.Facts.EntryPage = ex.entryPage()
	ex.mu.Unlock()

	b := append([]byte(nil), capture.Bound(ex.req.Method, 32)...)
	b = append(b, ' ')
	b = append(b, boundPath(pathOf(ex.req), 1<<10)...)
	b = append(b, " connection closed after "...)
	b = appendMillis(b, took)
	b = append(b, " ms, "...)
	b = strconv.AppendInt(b, e.Request.Body.Size, 10)
	b = append(b, " bytes in, "...)
	b = strconv.AppendInt(b, e.Response.Body.Size, 10)
	b = append(b, " out"...)
	e.Message = string(b)
	ex.emit(e)
	if ex.InFlight != nil {
		ex.unlist()
	}
}
