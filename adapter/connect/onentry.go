package connecttx

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"github.com/txtrail/txtrail/entry"
)

type procedureKey struct{}

func withProcedure(ctx context.Context, procedure string) context.Context {
	return context.WithValue(ctx, procedureKey{}, procedure)
}

// OnEntry completes the entry of a call that a client with the interceptor made; it is
// for [github.com/txtrail/txtrail/outbound.Options].OnEntry and leaves other entries
// alone. It sets the route to the procedure and, where the call failed, the error's
// type to the code, as the label [LabelCode] has it too. It finds the code of a gRPC
// call, and of a unary call by connect's own protocol whose answer is not compressed.
// The code of a stream by connect's protocol, and by gRPC-Web, is in the body's last
// message: it is for the caller alone.
func OnEntry(ctx context.Context, e *entry.Entry) {
	procedure, ok := ctx.Value(procedureKey{}).(string)
	if !ok || e.Kind != entry.KindClient {
		return
	}
	e.HTTP.Route = procedure
	code, text := codeOf(e)
	if code == 0 {
		return
	}
	e.Labels = append(e.Labels, entry.Label{Name: LabelCode, Value: code.String()})
	if e.Error.Type != "" {
		return // of the connection: it is nearer to the cause
	}
	e.Error.Type, e.Error.Message = code.String(), text
	e.Severity = entry.SeverityWarning
	if serversFault(code) {
		e.Severity = entry.SeverityError
	}
}

// codeOf returns what a call failed with, or 0.
func codeOf(e *entry.Entry) (connect.Code, string) {
	for _, fields := range [...][]entry.Header{e.Response.Trailers, e.Response.Headers} {
		if v := first(fields, "Grpc-Status"); v != "" {
			n, err := strconv.ParseUint(v, 10, 8)
			if err != nil || n == 0 {
				return 0, ""
			}
			return connect.Code(n), first(fields, "Grpc-Message")
		}
	}
	b := &e.Response.Body
	if e.HTTP.Status == http.StatusOK || b.Type != "application/json" || b.ContentEncoding != "" || len(b.Raw) == 0 {
		return 0, ""
	}
	var wire struct {
		Code    connect.Code `json:"code"`
		Message string       `json:"message"`
	}
	if json.Unmarshal(b.Raw, &wire) != nil {
		return 0, ""
	}
	return wire.Code, wire.Message
}

func first(fields []entry.Header, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}
