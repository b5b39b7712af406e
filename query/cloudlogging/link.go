package cloudloggingquery

import (
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/txid"
)

// Links makes links that open the Logs Explorer of the Cloud console on a query. Only
// ProjectID is needed, or Views. A time stands in the query itself: it is then searched
// whatever range the console has chosen.
type Links struct {
	// ProjectID is the project in which the console opens. Default that of the first of
	// Views.
	ProjectID string
	// LogID is the log that the sink writes. Default [cloudloggingsink.DefaultLogID].
	LogID string
	// Views are the log views that are searched, as in [Options]. Default none: what the
	// project's own scope has.
	Views []string
	// Range is how far back a link without a beginning goes. Default DefaultRange.
	Range time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Links returns those to what the source reads.
func (s *Source) Links() *Links {
	return &Links{ProjectID: s.opts.ProjectID, LogID: s.opts.LogID, Views: s.opts.Views, Range: s.opts.Range, Now: s.opts.Now}
}

// Story is a link to everything of a scenario. The times bound what is searched; a zero
// one is Range ago, or does not bound.
func (l *Links) Story(id txid.ID, from, to time.Time) string {
	return l.explorer(l.between(conditions{"operation.id=" + quote(string(id))}, from, to))
}

// Entry is a link to one entry, all of its parts if it was split.
func (l *Links) Entry(e *entry.Entry) string {
	id := quote(e.InsertID)
	c := conditions{"(insertId=" + id + " OR split.uid=" + id + " OR jsonPayload.split.uid=" + id + ")"}
	// An entry whose time the service would not have kept has a later timestamp, that of
	// its sending, so nothing bounds the end; one that is ahead has an earlier one.
	from := e.Time.Add(-time.Minute)
	if e.Time.After(l.now()) {
		from = time.Time{}
	}
	return l.explorer(l.between(c, from, time.Time{}))
}

// Find is a link to what matches a filter, about: the console does not apply the
// rules that the query language can not say.
func (l *Links) Find(f query.Filter) string {
	log := l.LogID
	if log == "" {
		log = cloudloggingsink.DefaultLogID
	}
	c := conditions{ours(log)}
	translate(&c, &f)
	return l.explorer(l.between(c, f.Since, f.Until))
}

func (l *Links) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func (l *Links) between(c conditions, from, to time.Time) conditions {
	if from.IsZero() {
		back := l.Range
		if back <= 0 {
			back = DefaultRange
		}
		from = l.now().Add(-back)
	}
	c.since(from)
	if !to.IsZero() {
		c.add("timestamp<%s", stamp(to))
	}
	return c
}

func (l *Links) explorer(c conditions) string {
	u := "https://console.cloud.google.com/logs/query;query=" + escape(strings.Join(c, "\n"))
	project := l.ProjectID
	if len(l.Views) > 0 {
		u += ";storageScope=storage"
		for _, v := range l.Views {
			u += "," + escape(v)
		}
		if owner, rest, _ := strings.Cut(l.Views[0], "/"); project == "" && owner == "projects" {
			project, _, _ = strings.Cut(rest, "/")
		}
	}
	if project != "" {
		u += "?project=" + escape(project)
	}
	return u
}

// escape percent-encodes everything that is not unreserved (RFC 3986, section 2.3): in
// the console's path parameters ";", "=", "," and "?" have meanings of their own.
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
