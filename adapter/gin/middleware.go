package gintx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/gin-gonic/gin"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// The labels that Middleware adds.
const (
	// LabelClientError holds the errors that went with a 4xx: they say what was
	// wrong with the request, and are no failure of the server's.
	LabelClientError = "client_error"
	// LabelErrors holds all errors of the context where there are several; the last
	// of them is the exchange's error.
	LabelErrors = "gin.errors"
)

// Middleware sets the route of the exchange to [gin.Context.FullPath], "/items/:id",
// before the handlers run; a request that no route matched has none. When they are
// done, the errors that they put on the context are recorded: the last one as the
// exchange's error, or, where the status is a 4xx, as the label [LabelClientError]. A
// panic is noted and goes on with the identical value.
//
// Without an exchange in the request's context it does nothing. It holds no state and
// is safe for concurrent use.
func Middleware() gin.HandlerFunc {
	return func(c *gin.Context) {
		// Handlers may put another request into c.
		ctx := c.Request.Context()
		if scope, ok := txid.FromContext(ctx); !ok || scope.Recorder == nil {
			c.Next()
			return
		}
		if route := c.FullPath(); route != "" {
			middleware.SetRoute(ctx, route)
		}
		defer func() {
			record(ctx, c)
			if v := recover(); v != nil {
				if !clientGone(v) {
					middleware.SetPanic(ctx, v, nil)
				}
				panic(v)
			}
		}()
		c.Next()
	}
}

// record tells of the errors on c.
func record(ctx context.Context, c *gin.Context) {
	last := c.Errors.Last()
	if last == nil || last.Err == nil {
		return
	}
	if status := c.Writer.Status(); status >= 400 && status < 500 {
		middleware.Annotate(ctx, LabelClientError, texts(c))
		return
	}
	middleware.SetError(ctx, last.Err)
	if len(c.Errors) > 1 {
		middleware.Annotate(ctx, LabelErrors, texts(c))
	}
}

// texts returns what the errors on c say. An error may panic when it is asked, as a nil
// pointer does that was taken for an error; fmt catches that, and gin may never ask.
func texts(c *gin.Context) string {
	all := make([]string, len(c.Errors))
	for i, e := range c.Errors {
		all[i] = fmt.Sprint(e.Err)
	}
	return strings.Join(all, "; ")
}

// clientGone reports whether gin takes a panic for the client's departure, which the
// recording sees by itself.
func clientGone(v any) bool {
	err, ok := v.(error)
	return ok && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, http.ErrAbortHandler))
}
