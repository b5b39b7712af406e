package outbound

import "io"

// responseBody hands the response's bytes to the caller as they come and keeps
// the first of them. It makes the entry at the end: EOF, Close, or an error,
// which is passed on as it is.
type responseBody call

// Read implements [io.Reader].
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	(*call)(b).read(p, n, err)
	return n, err
}

// Close implements [io.Closer].
func (b *responseBody) Close() error {
	err := b.inner.Close()
	(*call)(b).closed()
	return err
}

// writableBody is a responseBody with a Write, which some transports give to every
// body: it is captured as any other.
type writableBody struct {
	*responseBody
	io.Writer
}

// halfWritableBody has a CloseWrite as well.
type halfWritableBody struct {
	writableBody
	closeWriter
}

// keepWrite gives b the methods for writing that rw has.
func keepWrite(b *responseBody, rw io.ReadWriteCloser) io.ReadCloser {
	w := writableBody{b, rw}
	if half, ok := rw.(closeWriter); ok {
		return &halfWritableBody{w, half}
	}
	return &w
}

// duplexBody is a body that can be written to: the connection after a 101. What
// is read and written is counted, never kept.
type duplexBody struct {
	inner io.ReadWriteCloser
	conn  *upgraded
}

// Read implements [io.Reader].
func (b *duplexBody) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	b.conn.received(n, err)
	return n, err
}

// Write implements [io.Writer].
func (b *duplexBody) Write(p []byte) (int, error) {
	n, err := b.inner.Write(p)
	b.conn.sent(n, err)
	return n, err
}

// Close implements [io.Closer].
func (b *duplexBody) Close() error {
	err := b.inner.Close()
	b.conn.closed()
	return err
}

// halfDuplexBody is a duplexBody whose writing side can be closed alone, as that
// of net/http's 101 can.
type halfDuplexBody struct{ duplexBody }

// CloseWrite closes the writing side.
func (b *halfDuplexBody) CloseWrite() error {
	return b.inner.(closeWriter).CloseWrite()
}

type closeWriter interface{ CloseWrite() error }

// wrapDuplex keeps exactly the methods that the connection has.
func wrapDuplex(rw io.ReadWriteCloser, conn *upgraded) io.ReadCloser {
	d := duplexBody{inner: rw, conn: conn}
	if _, ok := rw.(closeWriter); ok {
		return &halfDuplexBody{d}
	}
	return &d
}
