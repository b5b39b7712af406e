package cloudloggingquery

import (
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

// Links open the Logs Explorer of the Cloud console on a query. A time stands in the
// query itself: it is then searched whatever range the console has chosen.

// StoryURL is a link to everything of a scenario. The times, if they are not zero,
// bound what is searched.
func StoryURL(project string, id txid.ID, from, to time.Time) string {
	c := conditions{"operation.id=" + quote(string(id))}
	return explorer(project, c.between(from, to))
}

// EntryURL is a link to one entry, all of its parts if it was split.
func EntryURL(project string, e *entry.Entry) string {
	id := quote(e.InsertID)
	c := conditions{"(insertId=" + id + " OR split.uid=" + id + ")"}
	// With a margin, for an entry whose time the service would not have kept.
	return explorer(project, c.between(e.Time.Add(-time.Minute), e.Time.Add(time.Minute)))
}

// FindURL is a link to what matches a filter, about: the console does not apply the
// rules that the query language can not say.
func FindURL(project string, f query.Filter) string {
	c := conditions{ours("txtrail")}
	translate(&c, &f)
	return explorer(project, c.between(f.Since, f.Until))
}

func (c conditions) between(from, to time.Time) conditions {
	if !from.IsZero() {
		c.since(from)
	}
	if !to.IsZero() {
		c.add("timestamp<%s", stamp(to))
	}
	return c
}

func explorer(project string, c conditions) string {
	return "https://console.cloud.google.com/logs/query;query=" + escape(strings.Join(c, "\n")) + "?project=" + escape(project)
}

// escape percent-encodes everything that is not unreserved (RFC 3986, section 2.3): in
// the console's path parameters ";", "=" and "?" have meanings of their own.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
