package echotx

import (
	"context"
	"errors"
	"fmt"

	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

// LabelClientError is the label that holds an error which is answered by a 4xx: it
// says what was wrong with the request, and is no failure of the server's.
const LabelClientError = "client_error"

// Middleware sets the route of the exchange to [echo.Context.Path], "/items/:id",
// before the handler runs; a request whose path no route matched has none, one
// whose method did not match has its. In [echo.Echo.Pre]
// that is when the handler has returned. The error that
// comes back is recorded and passed on: as the exchange's error, or, where echo answers
// it by a 4xx, as the label [LabelClientError]. An [echo.HTTPError]'s type is that of the error
// wrapped in it. A panic is noted and goes on with the identical value.
//
// Without an exchange in the request's context it does nothing. It holds no state and
// is safe for concurrent use.
func Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			// Handlers may put another request into c.
			ctx := c.Request().Context()
			if scope, ok := txid.FromContext(ctx); !ok || scope.Recorder == nil {
				return next(c)
			}
			known := setRoute(ctx, c)
			defer func() {
				if !known {
					setRoute(ctx, c) // in Pre we come before the router
				}
				if v := recover(); v != nil {
					middleware.SetPanic(ctx, v, nil)
					panic(v)
				}
			}()
			err := next(c)
			if err != nil {
				record(ctx, c, err)
			}
			return err
		}
	}
}

// setRoute reports whether there is one.
func setRoute(ctx context.Context, c *echo.Context) bool {
	route := c.Path()
	if route == "" {
		return false
	}
	middleware.SetRoute(ctx, route)
	return true
}

// record tells of err.
func record(ctx context.Context, c *echo.Context, err error) {
	var recovered *echomiddleware.PanicStackError
	if errors.As(err, &recovered) {
		middleware.SetPanic(ctx, recovered.Err, recovered.Stack)
		return
	}
	// As echo's error handler is going to answer it.
	if _, status := echo.ResolveResponseStatus(c.Response(), err); status >= 400 && status < 500 {
		middleware.Annotate(ctx, LabelClientError, fmt.Sprint(err)) // which catches a panic of its Error
		return
	}
	var wrapping *echo.HTTPError
	if errors.As(err, &wrapping) && wrapping.Unwrap() != nil {
		err = caused{err, wrapping.Unwrap()}
	}
	middleware.SetError(ctx, err)
}

// caused is an error that is named after its cause.
type caused struct {
	error
	cause error
}

// ErrorType is what [middleware.SetError] looks for.
func (e caused) ErrorType() string {
	var named interface{ ErrorType() string }
	if errors.As(e.cause, &named) {
		return named.ErrorType()
	}
	return fmt.Sprintf("%T", e.cause)
}
