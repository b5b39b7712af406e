package main

import (
	"slices"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

// Limits of find where none is asked for.
const (
	maxFound   = 30     // rows for people
	maxLines   = 1000   // entries for machines
	maxGrouped = 10_000 // entries that are looked at to list stories,
	maxWhole   = 2000   // and so many if they are shown whole
)

type findCmd struct {
	filterFlags
	Failed      bool   `short:"f" help:"Only what failed."`
	Until       string `placeholder:"WHEN" help:"Before this moment; as --since."`
	Entries     bool   `short:"e" help:"List entries, one a line, instead of stories."`
	NewestFirst bool   `help:"The newest first. Default: the newest last, next to the prompt."`

	cut bool // more entries matched than the limit allows
}

func (c *findCmd) run(a *app) (int, error) {
	f, err := c.filter(a)
	if err != nil {
		return 0, err
	}
	f.Failed = c.Failed
	if f.Until, err = a.when("--until", c.Until); err != nil {
		return 0, err
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return 0, usage("--since %s is not before --until %s", c.Since, c.Until)
	}
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	stories := !c.Entries && a.flags.Output != "jsonl"
	switch {
	case stories:
		f.Brief = a.flags.Output == "text"
		f.Limit = maxWhole
		if f.Brief {
			f.Limit = maxGrouped
		}
		f.Limit = max(f.Limit, a.limit(0)*100)
		if a.flags.Limit != nil && *a.flags.Limit == 0 {
			f.Limit = 0
		}
	case a.flags.Output == "text":
		f.Limit = a.limit(maxFound)
		f.Brief = true
	default:
		f.Limit = a.limit(maxLines)
	}
	f.NewestFirst = c.NewestFirst && !stories
	r, err := src.Find(a.ctx, f)
	if err != nil {
		return 0, err
	}
	a.warn(r)
	if len(r.Entries) == 0 {
		return a.nothing(r, &f)
	}
	c.cut = limited(r, &f)
	link := linksOf(src).find(&f)
	if stories {
		return c.stories(a, src, r, link)
	}
	return c.entries(a, r, link)
}

// limited reports whether entries that matched were left out for the limit's sake. Of a
// damaged file an index may tell of more than can be read, which no limit brings back.
func limited(r *query.Result, f *query.Filter) bool {
	return r.More || f.Limit > 0 && len(r.Entries) >= f.Limit && len(r.Entries) < r.Matched
}

// nothing says where there was nothing to find.
func (a *app) nothing(r *query.Result, f *query.Filter) (int, error) {
	if a.flags.Output == "json" {
		if err := render.WriteDoc(a.stdout, &render.Doc{Search: render.NewSearchDoc(r, 0)}); err != nil {
			return 0, writing(err)
		}
	}
	since := ""
	if !f.Since.IsZero() || !f.Until.IsZero() {
		to := f.Until
		if to.IsZero() {
			to = a.now()
		}
		from := f.Since
		if from.IsZero() {
			from = r.Coverage.From
		}
		since = a.say(" between "+a.period(from, to), " ("+a.period(from, to)+")")
	}
	try := a.say("Try fewer filters, or another --source", "조건을 줄이거나 다른 --source를 지정")
	if !f.Since.IsZero() {
		try = a.say("Try an earlier --since, fewer filters, or another --source", "--since를 앞당기거나 조건을 줄이거나 다른 --source를 지정")
	}
	a.talk(a.say("nothing matches%s in %s. %s", "조건에 맞는 기록이 없음%s: %s. %s"), since, a.where(&r.Coverage), try)
	return a.status(r, false), nil
}

func (c *findCmd) entries(a *app, r *query.Result, link string) (int, error) {
	code := a.status(r, true)
	var err error
	switch a.flags.Output {
	case "json":
		doc := &render.Doc{Search: render.NewSearchDoc(r, len(r.Entries)), Entries: render.Lines(r.Entries)}
		doc.Search.Link = link
		err = render.WriteDoc(a.stdout, doc)
	case "jsonl":
		err = render.WriteLines(a.stdout, r.Entries, a.terminal)
	default:
		p := a.printer()
		ids := make([]txid.ID, len(r.Entries))
		for i, e := range r.Entries {
			ids[i] = e.TxID
		}
		short := render.ShortIDs(ids)
		p.Days(!a.oneDay(r.Entries))
		p.Entries(r.Entries, short)
		p.Link(link)
		err = p.Flush()
	}
	if err != nil {
		return 0, writing(err)
	}
	if c.cut {
		a.shown(len(r.Entries), r.Matched, r.More, a.say("entries", "건"))
	}
	return code, nil
}

// oneDay reports whether all entries are of today, so that lists need no day.
func (a *app) oneDay(es []*entry.Entry) bool {
	return !slices.ContainsFunc(es, func(e *entry.Entry) bool { return !render.SameDay(e.Time, a.now(), a.zone) })
}

// stories groups what matched by txid and lists the newest of the groups.
func (c *findCmd) stories(a *app, src query.Source, r *query.Result, link string) (int, error) {
	code := a.status(r, true)
	groups := query.Group(r.Entries)
	if len(groups) == 0 {
		// Entries without a txid: a log line outside of any request.
		c.Entries = true
		return c.entries(a, r, link)
	}
	// A scenario is as new as its newest entry, not as its first.
	slices.SortStableFunc(groups, func(x, y []*entry.Entry) int { return newest(x).Compare(newest(y)) })
	total := len(groups)
	if limit := a.limit(maxFound); limit > 0 && total > limit {
		groups = groups[total-limit:]
	}
	if c.NewestFirst {
		slices.Reverse(groups)
	}
	ss := a.whole(src, groups)
	var err error
	if a.flags.Output == "json" {
		doc := &render.Doc{Search: render.NewSearchDoc(r, 0)}
		doc.Search.Link = link
		for i, s := range ss {
			d := render.NewStoryDoc(s, false)
			d.Matched = len(groups[i])
			doc.Stories = append(doc.Stories, d)
			doc.Entries = append(doc.Entries, render.Lines(groups[i])...)
		}
		doc.Search.Shown = len(doc.Entries)
		err = render.WriteDoc(a.stdout, doc)
	} else {
		p := a.printer()
		p.Stories(ss)
		p.AfterStories(ss)
		p.Link(link)
		err = p.Flush()
	}
	if err != nil {
		return 0, writing(err)
	}
	if len(ss) < total || c.cut {
		a.shown(len(ss), total, c.cut, a.say("stories", "건"))
	}
	return code, nil
}

// whole tells the whole stories of the transactions that some matching entries belong
// to, since what matched alone would give another verdict, and other numbers of rows,
// than show does. A long list is of excerpts.
func (a *app) whole(src query.Source, groups [][]*entry.Entry) []*query.Story {
	var found []*query.Result
	if len(groups) <= maxFound {
		ids := make([]txid.ID, len(groups))
		for i, g := range groups {
			ids[i] = g[0].TxID
		}
		var err error
		if found, err = query.Gather(a.ctx, src, ids); err != nil {
			found = nil
		}
	}
	ss := make([]*query.Story, len(groups))
	for i, matched := range groups {
		// Where retention was faster, what matched is all there is.
		if len(found) == 0 || found[i].More || len(found[i].Entries) < len(matched) {
			ss[i] = query.NewStory(matched, &query.StoryOptions{Excerpt: true})
			continue
		}
		ss[i] = query.NewStory(found[i].Entries, nil)
	}
	return ss
}

func newest(es []*entry.Entry) time.Time {
	t := es[0].Time
	for _, e := range es[1:] {
		if e.Time.After(t) {
			t = e.Time
		}
	}
	return t
}
