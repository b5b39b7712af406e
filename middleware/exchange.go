package middleware

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// exchange is one request being served: its context node with the Scope in it, and
// under the names writer, body and recorder its response writer, its request body
// and its txid.Recorder. One allocation holds all of them. It is never reused: the
// handler may hold each of them for as long as it likes.
type exchange struct {
	*config
	ctx   node                // the handler's context
	w     http.ResponseWriter // the inner one
	req   *http.Request       // as it was given to us
	own   *http.Request       // the copy that the handler is given; nil after a hijack
	body  io.ReadCloser       // the inner request body; nil where the handler got it bare
	start time.Time

	id       [1]string   // the response header's value
	returned bool        // the handler returned normally; its goroutine's own
	kept     atomic.Bool // somebody asked to keep it in full, or it has failed

	mu  sync.Mutex // guards what follows, and all that rec points to
	rec *record    // nil: not recorded, or handed over
	// flight is its place on the list of what is in flight, nil: not there.
	flight sink.InFlightSlot
	stream *taken // the connection that the handler has taken, if its end will be told
	// done says that nothing is recorded any more: the handler has returned, or
	// taken the connection.
	done     bool
	late     bool   // the response was used after that, and it has been told
	gaveConn bool   // the handler has taken the connection
	named    bool   // the route is what SetRoute said
	told     bool   // keepHeader has told
	implied  bool   // the status is what a copy from a file implies, which may give nothing
	status   int16  // the first final one; 0: none yet
	route    string // as far as it is known
	// recovered is a panic that was recovered between us and the handler, as
	// SetPanic told.
	recovered *outcome
	reader    struct {
		ended  bool         // the body's end was seen
		begun  atomic.Int32 // Reads
		over   int32        // Reads that have returned
		looks  uint8        // for a MaxBytesReader that was passed, in vain
		limit  limit        // of a MaxBytesReader
		failed error
	}
}

// record is the entry in the making, with room for what an ordinary one holds, so
// that it takes one allocation. The queue owns it in the end.
type record struct {
	entry.Entry
	fields [22]entry.Header
	flags  [4]string
	labels [2]entry.Label
	home   *records // which it goes back to; nil: it is made for one exchange
	path   string   // the request's, where its URL does not begin with it
	// detached stands for the recorder in contexts that outlive it; nil: none asked.
	detached *txid.Detached

	// What is only asked for while it is recorded lies here, since the exchange is
	// allocated anew each time.
	ask, res captured
	out      sent
}

// sent is what is known of the response beside its head and its body.
type sent struct {
	firstByte time.Duration // from start until something went out; 0: not before the end
	declared  int64         // Content-Length, -1 if none
	fields    int           // in the header map when it was sent
	trailer   bool          // trailers were announced
	flushed   bool
	streamed  bool  // written to after a flush
	chunks    int   // flushed with something to flush
	flushedAt int64 // how much had been written when it was flushed last
	failed    error // the first failed write's
}

// node is the context that the handler gets.
type node struct{ txid.Context }

type nestedKey struct{}

// Value implements [context.Context].
func (n *node) Value(key any) any {
	if _, ok := key.(nestedKey); ok {
		return n
	}
	return n.Context.Value(key)
}

// nested reports whether ctx comes from a handler of this package already; else it
// returns the connection's mark, where the server sets one. A look-up that finds
// nothing walks the whole chain of contexts, so there is one for both.
func nested(ctx context.Context) (*connContext, bool) {
	switch v := ctx.Value(nestedKey{}).(type) {
	case *node:
		return nil, true
	case *connContext:
		return v, false
	}
	return nil, false
}

// begin starts the recording. What the handler may change is taken now.
func (ex *exchange) begin(r *http.Request, seen *capture.Noted) {
	rec := ex.newRecord()
	rec.Flags = rec.flags[:0]
	rec.Labels = rec.labels[:0]
	rec.Request.Headers = capture.AppendFields(rec.fields[:0], r.Header, seen)
	h := &rec.HTTP
	h.Method, h.URL, h.Protocol = method(r.Method), r.RequestURI, protocol(r.Proto)
	if h.URL == "" && r.URL != nil {
		h.URL = r.URL.RequestURI()
	}
	h.URL = capture.Bound(h.URL, entry.MaxURL)
	if len(r.Method) > maxMethod {
		h.URL = strings.Clone(h.URL) // it stands in one line with the method
	}
	h.UserAgent = capture.Bound(seen.UserAgent, entry.MaxMessage)
	h.Referer = capture.Bound(seen.Referer, entry.MaxURL)
	h.RemoteIP = ClientIP(r, ex.TrustedProxies, ex.ProxyHeader)
	rec.Request.Body.Type, rec.Request.Body.ContentEncoding = capture.Bound(seen.Type, entry.MaxWord), capture.Bound(seen.Encoding, entry.MaxWord)
	rec.ask.piece = capture.ByteRange(seen.Range, seen.Type)
	if r.TLS != nil {
		rec.Labels = append(rec.Labels, tlsLabel(r.TLS.Version))
	}
	ex.rec = rec
}
