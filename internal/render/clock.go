package render

import (
	"time"

	"github.com/txtrail/txtrail/query"
)

// clock writes a time for a list: the day only where the list has more than one.
func (p *Printer) clock(t time.Time) string {
	layout := "15:04:05.000"
	if p.days {
		layout = "01-02 15:04:05.000"
	}
	return t.In(p.opts.Zone).Format(layout)
}

// Days says that lists show the day before the time of day.
func (p *Printer) Days(on bool) { p.days = on }

// spread reports whether the stories are of more than one day.
func (p *Printer) spread(ss []*query.Story) bool {
	for _, s := range ss {
		if !SameDay(s.Start, ss[0].Start, p.opts.Zone) {
			return true
		}
	}
	return false
}

// SameDay reports whether two moments are of one day in a zone.
func SameDay(a, b time.Time, zone *time.Location) bool {
	ya, ma, da := a.In(zone).Date()
	yb, mb, db := b.In(zone).Date()
	return ya == yb && ma == mb && da == db
}
