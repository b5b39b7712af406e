package cloudloggingquery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

// The Logging query language (cloud.google.com/logging/docs/view/logging-query-language):
// strings are compared without regard to case, except by regular expressions; a
// comparison with a field that is not there is false; OR binds tighter than AND. Each
// condition here lets everything through that query.Filter may want; what it lets
// through beside that is taken out by Filter.Match.

// maxFilter is how many characters a filter may have.
const maxFilter = 20_000

// quote writes a string of the language.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s { // an invalid byte comes as U+FFFD, which is what was stored
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// oneOf writes (“a” OR “b”).
func oneOf[S ~string](values []S) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(string(v))
	}
	return "(" + strings.Join(quoted, " OR ") + ")"
}

// ours is what this module wrote: by the sink, under the log's name; by an agent from
// standard output, under any.
func ours(logID string) string {
	return "(log_id(" + quote(logID) + ") OR operation.producer=" + quote(entry.Producer) + ")"
}

// beginsWith matches txids by a regular expression, the one comparison that knows
// case and beginning. Brackets instead of backslashes: they mean the same to every
// layer.
func beginsWith(prefix string) string {
	var b strings.Builder
	b.WriteByte('^')
	for i := range len(prefix) {
		switch c := prefix[i]; c {
		case '.', '+':
			b.WriteString("[" + string(c) + "]")
		default: // of the characters of a txid no other means anything
			b.WriteByte(c)
		}
	}
	return "operation.id=~" + quote(b.String())
}

// conditions joins what must hold.
type conditions []string

func (c *conditions) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

func (c conditions) String() string { return strings.Join(c, " AND ") }

func stamp(t time.Time) string {
	return quote(string(entry.AppendTime(nil, t)))
}

// since adds the beginning of what is searched: always there, so that nothing chooses
// another.
func (c *conditions) since(t time.Time) { c.add("timestamp>=%s", stamp(t)) }

// until adds the end of what is searched. An entry whose time the service would not have
// kept has another timestamp, of when it was sent, and its own in the payload.
func (c *conditions) until(t time.Time) {
	if !t.IsZero() {
		c.add("(timestamp<%s OR jsonPayload.time:*)", stamp(t))
	}
}

// translate turns a filter into conditions, but for its times.
func translate(c *conditions, f *query.Filter) {
	if f.TxID != "" {
		c.add("%s", beginsWith(f.TxID))
	}
	if f.User != "" {
		c.add("(labels.user=%s OR jsonPayload.user.id=%[1]s)", quote(f.User))
	}
	if f.Device != "" {
		c.add("jsonPayload.device.model:%s", quote(f.Device))
	}
	if f.ServerUser != "" {
		c.add("jsonPayload.process.owner=%s", quote(f.ServerUser))
	}
	if len(f.Services) > 0 && !slices.Contains(f.Services, "") { // "" is an entry that names none
		c.add("(labels.service=%s OR jsonPayload.service.name=%[1]s)", oneOf(f.Services))
	}
	if len(f.Kinds) > 0 {
		c.add("jsonPayload.kind=%s", oneOf(f.Kinds))
	}
	if len(f.Methods) > 0 {
		c.add("httpRequest.requestMethod=%s", oneOf(f.Methods))
	}
	if f.Route != "" {
		c.add("(jsonPayload.http.route:%s OR httpRequest.requestUrl:%[1]s)", quote(f.Route))
	}
	if len(f.Status) > 0 {
		var ranges conditions
		for _, r := range f.Status {
			if r.Min <= 0 {
				ranges.add("NOT httpRequest.status>0") // not there: no answer
			}
			if r.Max > 0 {
				ranges.add("(httpRequest.status>=%d AND httpRequest.status<=%d)", max(r.Min, 0), r.Max)
			}
		}
		if len(ranges) > 0 {
			c.add("(%s)", strings.Join(ranges, " OR "))
		}
	}
	if len(f.ErrorTypes) > 0 {
		c.add("jsonPayload.error.type=%s", oneOf(f.ErrorTypes))
	}
	if f.Failed {
		c.add("(jsonPayload.kind=%s OR severity>=ERROR OR jsonPayload.error.type:* OR httpRequest.status>=400)",
			oneOf([]entry.Kind{entry.KindGap, entry.KindCrash}))
	}
	if f.MinLatency > 0 {
		c.add("httpRequest.latency>=%s", quote(strconv.FormatFloat(f.MinLatency.Seconds(), 'f', 9, 64)+"s"))
	}
	if f.Text != "" && utf8.ValidString(f.Text) {
		c.add("%s", quote(f.Text))
	}
}

// isWhole reports whether an id is one that nothing longer begins with: a UUID. It is
// then asked for by equality, which the service has an index for.
func isWhole(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func sameID(ids []txid.ID) string { return "operation.id=" + oneOf(ids) }
