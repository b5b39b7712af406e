package middleware

import (
	"errors"
	"fmt"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/capture"
	"github.com/txtrail/txtrail/txid"
)

// recorder is an exchange as the txid.Recorder in its scope.
type recorder exchange

var (
	_ txid.Recorder = (*recorder)(nil)
	_ txid.Detacher = (*recorder)(nil)
)

// SetRoute implements [txid.Recorder].
func (r *recorder) SetRoute(route string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.route = capture.Bound(route, entry.MaxWord)
		r.named = r.route != ""
		(*exchange)(r).routed(r.route)
	}
}

// EntryPage implements [txid.Recorder].
func (r *recorder) EntryPage() string {
	ex := (*exchange)(r)
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.entryPage()
}

// What is said when the handler has taken the connection, and the exchange's entry is
// out, is told with the connection's end.

// SetUser implements [txid.Recorder].
func (r *recorder) SetUser(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.rec != nil:
		r.rec.Facts.UserID = capture.Bound(id, entry.MaxWord)
	case r.stream != nil:
		r.stream.SetUser(id)
	}
}

// SetError implements [txid.Recorder].
func (r *recorder) SetError(err error) {
	name, text := named(err)
	if name == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.rec != nil:
		r.rec.Error.Type, r.rec.Error.Message = name, text
	case r.stream != nil:
		r.stream.setError(name, text)
	}
}

// Detached implements [txid.Detacher].
func (r *recorder) Detached() *txid.Detached {
	r.mu.Lock()
	rec, s := r.rec, r.stream
	if rec != nil {
		defer r.mu.Unlock()
		if rec.detached == nil {
			rec.detached = txid.NewDetached(r)
		}
		return rec.detached
	}
	r.mu.Unlock()
	if s != nil {
		return s.standIn()
	}
	d := txid.NewDetached(r)
	d.End()
	return d
}

// named returns what SetError says of err: its own type or its Go type, and its text. The
// name of nil is empty.
func named(err error) (name, text string) {
	if err == nil {
		return "", ""
	}
	name, text = describe(err)
	if own := ownType(err); own != "" {
		name = own
	}
	return name, text
}

// ownType returns what an error in err's tree calls its type, or "".
func ownType(err error) (name string) {
	defer func() {
		if recover() != nil {
			name = ""
		}
	}()
	var typed interface{ ErrorType() string }
	if errors.As(err, &typed) {
		return capture.Bound(typed.ErrorType(), entry.MaxWord)
	}
	return ""
}

// setPanic notes a panic that somebody between us and the handler has recovered.
func (r *recorder) setPanic(v any, trace []byte) {
	o := &outcome{value: v, stack: string(trace[:min(len(trace), entry.MaxStack)])}
	if trace == nil {
		o.stack = stack(v)
	}
	o.describe()
	r.mu.Lock()
	recorded, gaveConn := r.rec != nil, r.gaveConn
	if recorded || gaveConn {
		r.recovered = o
	}
	r.mu.Unlock()
	if !recorded && gaveConn {
		(*exchange)(r).crashed(o)
	}
}

// Annotate implements [txid.Recorder].
func (r *recorder) Annotate(name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.rec != nil:
		r.rec.Labels = annotated(r.rec.Labels, name, value)
	case r.stream != nil:
		r.stream.Annotate(name, value)
	}
}

func annotated(labels []entry.Label, name, value string) []entry.Label {
	if name == "" || len(labels) >= entry.MaxLabels {
		return labels
	}
	return append(labels, entry.Label{
		Name: capture.Bound(name, entry.MaxLabelName), Value: capture.Bound(value, entry.MaxLabelValue),
	})
}

// describe returns an error's Go type and text, whatever its methods do.
func describe(v any) (name, text string) {
	name = capture.Bound(fmt.Sprintf("%T", v), entry.MaxWord)
	switch v.(type) {
	case error, fmt.Stringer, string, bool, int, int8, int16, int32, int64,
		uint, uint8, uint16, uint32, uint64, uintptr, float32, float64:
		// fmt itself catches a panic of v's methods.
		return name, capture.Bound(fmt.Sprint(v), entry.MaxMessage)
	}
	// Of anything else fmt would print the fields, without the names by which the
	// sanitizer knows what to hide.
	return name, ""
}
