package fibertx

import (
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/txtrail/txtrail/entry"
)

// Why a body's content is missing or cut; see [entry.Body.Reason].
const (
	reasonBinary    = "binary"
	reasonLimit     = "capture limit"
	reasonMultipart = "multipart" // fasthttp has parsed it into a form
	reasonStream    = "stream"
	reasonPartial   = "partial content"
)

// requestBody captures the body before the handlers, who may write over it.
func (x *exchange) requestBody(c fiber.Ctx, b *entry.Body, contentRange string) {
	req := c.Request()
	declared := req.Header.ContentLength()
	switch {
	case req.IsBodyStream():
		b.Size, b.Truncated, b.Reason = int64(max(declared, -1)), true, reasonStream
	case parsedForm(c, b, declared):
		// Body would put the form together again, with its files in memory.
		b.Size, b.Truncated, b.Reason = int64(declared), true, reasonMultipart
	case piece(contentRange, b.Type):
		b.Size, b.Truncated, b.Reason = int64(len(req.Body())), true, reasonPartial
	default:
		x.capture(b, req.Body())
	}
}

// piece reports whether a message with these fields is a piece of something by its bytes
// (RFC 9110, sections 14.4 and 14.6): nothing is kept of it, since what says that it holds a
// secret may stand in another one. Some APIs name a page of a list so, in units of their own.
func piece(contentRange, contentType string) bool {
	unit, _, _ := strings.Cut(contentRange, " ")
	return strings.EqualFold(unit, "bytes") || strings.HasPrefix(strings.ToLower(contentType), "multipart/byteranges")
}

// lateBody captures a body that was a stream and that the handler has taken into
// memory.
func (x *exchange) lateBody(c fiber.Ctx, b *entry.Body) {
	if req := c.Request(); b.Reason == reasonStream && !req.IsBodyStream() && !piece(string(req.Header.Peek("Content-Range")), b.Type) {
		if body := req.Body(); len(body) > 0 {
			b.Truncated, b.Reason = false, ""
			x.capture(b, body)
		}
	}
}

// parsedForm reports whether fasthttp has read the body as a form instead of keeping it.
func parsedForm(c fiber.Ctx, b *entry.Body, declared int) bool {
	return declared > 0 && b.ContentEncoding == "" && !c.App().Config().DisablePreParseMultipartForm &&
		len(c.Request().Header.MultipartFormBoundary()) > 0
}

// responseBody captures the body, or describes it where it is yet to be written.
func (x *exchange) responseBody(res *fasthttp.Response, e *entry.Entry, contentRange string) {
	b := &e.Response.Body
	switch {
	case x.method == fiber.MethodHead || e.HTTP.Status == fiber.StatusNoContent || e.HTTP.Status == fiber.StatusNotModified:
	case res.IsBodyStream():
		e.AddFlag(entry.FlagStreamed)
		b.Size, b.Truncated, b.Reason = int64(max(res.Header.ContentLength(), -1)), true, reasonStream
	case e.HTTP.Status == fiber.StatusPartialContent && piece(contentRange, b.Type):
		b.Size, b.Truncated, b.Reason = int64(len(res.Body())), true, reasonPartial
	default:
		x.capture(b, res.Body())
	}
}

// capture copies the first bytes of body, which is fasthttp's.
func (x *exchange) capture(b *entry.Body, body []byte) {
	b.Size = int64(len(body))
	keep := body[:min(len(body), x.MaxBody)]
	switch {
	case len(body) == 0:
		return
	case x.MaxBody == 0:
		b.Truncated = true
		return
	case binaryType(b.Type):
		b.Truncated, b.Reason = true, reasonBinary
		return
	case len(keep) < len(body):
		b.Truncated, b.Reason = true, reasonLimit
	}
	b.Raw = append(x.queue.Buffers().Get(len(keep)), keep...)
}

// binaryType reports whether a body of this content type is known to show nothing to
// a reader. Compressed text is not meant: that is Content-Encoding.
func binaryType(ct string) bool {
	ct, _, _ = strings.Cut(ct, ";")
	major, minor, _ := strings.Cut(strings.ToLower(strings.TrimSpace(ct)), "/")
	switch major {
	case "image":
		return minor != "svg+xml"
	case "audio", "video", "font", "model":
		return true
	case "application":
		switch minor {
		case "octet-stream", "offset+octet-stream", "zip", "gzip", "x-gzip", "zstd", "x-tar", "x-bzip2", "x-xz", "x-7z-compressed", "vnd.rar",
			"java-archive", "pdf", "wasm", "protobuf", "x-protobuf", "vnd.google.protobuf", "msgpack", "x-msgpack",
			"vnd.msgpack", "cbor", "avro", "msword", "vnd.android.package-archive":
			return true
		}
		return strings.HasPrefix(minor, "vnd.ms-") || strings.HasPrefix(minor, "vnd.openxmlformats-") ||
			strings.HasPrefix(minor, "vnd.oasis.opendocument.")
	}
	return false
}
