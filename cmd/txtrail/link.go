package main

import (
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
)

// links makes links to an answer where the source's own house shows it: the Logs Explorer
// for Cloud Logging. Without one they are "".
type links struct{ cloud *cloudloggingquery.Links }

func linksOf(src query.Source) links {
	if s, ok := src.(*cloudloggingquery.Source); ok {
		return links{s.Links()}
	}
	return links{}
}

// story is a link to a story from its first entry on: what is late belongs to it.
func (l links) story(s *query.Story) string {
	if l.cloud == nil {
		return ""
	}
	var first time.Time
	for _, e := range s.Entries {
		if first.IsZero() || e.Time.Before(first) {
			first = e.Time
		}
	}
	return l.cloud.Story(s.TxID, first, time.Time{})
}

func (l links) entry(e *entry.Entry) string {
	if l.cloud == nil || e == nil {
		return ""
	}
	return l.cloud.Entry(e)
}

func (l links) find(f *query.Filter) string {
	if l.cloud == nil {
		return ""
	}
	return l.cloud.Find(*f)
}
