package slogtx

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// maxDepth bounds the groups within groups that are followed: a LogValuer may
// answer with a group that holds itself.
const maxDepth = 16

// resolveAll resolves the values of attrs, in a copy.
func resolveAll(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i := range attrs {
		out[i] = resolve(attrs[i], 0)
	}
	return out
}

// resolve asks LogValuers for their values, also within groups, so that neither
// we nor the wrapped handler asks again. slog itself turns a panic into an error
// value.
func resolve(a slog.Attr, depth int) slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		return a
	}
	if depth == maxDepth {
		a.Value = slog.StringValue("!groups nested too deep")
		return a
	}
	members := a.Value.Group()
	out := make([]slog.Attr, len(members))
	for i := range members {
		out[i] = resolve(members[i], depth+1)
	}
	a.Value = slog.GroupValue(out...)
	return a
}

// hasKey reports whether attrs put something called key at their level.
func hasKey(attrs []slog.Attr, key string) bool {
	for _, a := range attrs {
		if a.Key == key || a.Key == "" && a.Value.Kind() == slog.KindGroup && hasKey(a.Value.Group(), key) {
			return true
		}
	}
	return false
}

// attributes are flattened attributes: as many as an entry keeps, and how many
// more there were.
type attributes struct {
	list []entry.Label
	more int
}

func (a attributes) clone() attributes {
	a.list = append(make([]entry.Label, 0, len(a.list)+4), a.list...)
	return a
}

// add flattens attrs. By slog's rules an empty attribute and an empty group are
// nothing, and a group without a name is no group.
func (a *attributes) add(prefix string, attrs []slog.Attr) {
	for _, at := range attrs {
		switch {
		case at.Equal(slog.Attr{}):
		case at.Value.Kind() != slog.KindGroup:
			if len(a.list) >= entry.MaxLabels {
				a.more++
				continue
			}
			a.list = append(a.list, entry.Label{Name: entry.Cut(prefix+at.Key, entry.MaxLabelName), Value: text(at.Value)})
		case at.Key == "":
			a.add(prefix, at.Value.Group())
		default:
			a.add(prefix+at.Key+".", at.Value.Group())
		}
	}
}

// labels returns what the entry gets. When there was too much, the last one says
// so.
func (a attributes) labels() []entry.Label {
	if a.more > 0 {
		a.list[len(a.list)-1] = entry.Label{Name: "…", Value: strconv.Itoa(a.more+1) + " more attributes not kept"}
	}
	return a.list
}

// text writes a resolved value as text, of a bounded length.
func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
		return entry.Cut(anyText(v.Any()), entry.MaxMessage)
	}
	return entry.Cut(v.String(), entry.MaxMessage)
}

// anyText writes a value of any type: by its own method for text, else as JSON,
// of which the sanitizer sees each key. A method that panics must not take the
// caller down with it, nor must what it panicked with be recorded.
func anyText(v any) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("!panic while %T was turned into text", v)
		}
	}()
	switch v := v.(type) {
	case nil:
		return "null"
	case error:
		return v.Error()
	case []byte:
		return bytesText(v)
	case json.RawMessage:
		return bytesText(v)
	case *slog.Source:
		return v.File + ":" + strconv.Itoa(v.Line)
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		if err != nil {
			return "!error: " + err.Error()
		}
		return string(b)
	case json.Marshaler: // more exact than a String method
	case fmt.Stringer:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		// Not %+v: fmt follows cycles until the stack ends.
		return fmt.Sprintf("!%T: %v", v, err)
	}
	return string(b)
}

func bytesText(b []byte) string {
	if !utf8.Valid(b) {
		return fmt.Sprintf("!%d bytes that are not text", len(b))
	}
	return string(b)
}
