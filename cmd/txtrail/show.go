package main

import (
	"strconv"
	"strings"

	"github.com/txtrail/txtrail/internal/human"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
)

// maxRows is how many rows of a story are shown if nothing else is asked for.
const maxRows = 500

type showCmd struct {
	TxID    string `arg:"" name:"txid" help:"A txid, or the beginning of one; TXID#4 shows its row 4 whole."`
	Body    string `enum:"none,short,full,auto" default:"auto" help:"How much of the bodies: none, short, full. Default: none for a story, full for a row."`
	Headers bool   `help:"Show headers, too."`
}

func (c *showCmd) run(a *app) (int, error) {
	prefix, row, err := parseRef(c.TxID)
	if err != nil {
		return 0, err
	}
	src, err := a.source()
	if err != nil {
		return 0, err
	}
	found, err := query.Load(a.ctx, src, prefix)
	if err != nil {
		return 0, err
	}
	a.warn(found.Result)
	switch len(found.Stories) {
	case 0:
		return c.none(a, prefix, found)
	case 1:
		if !found.Result.More {
			return c.one(a, src, prefix, row, found)
		}
	}
	return c.several(a, prefix, found)
}

// parseRef takes TXID#N apart.
func parseRef(arg string) (prefix string, row int, err error) {
	prefix = arg
	if i := strings.LastIndexByte(arg, '#'); i >= 0 {
		prefix = arg[:i]
		row, err = strconv.Atoi(arg[i+1:])
		if err != nil || row < 1 {
			return "", 0, usage("%.80q: after # comes the number of a row, as in TXID#4", arg)
		}
	}
	if err := query.CheckPrefix(prefix); err != nil {
		return "", 0, usage("%.80q is no txid nor the beginning of one: %s", arg, reason(err))
	}
	return prefix, row, nil
}

// reason takes our own sentinel's words off an error.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), query.ErrPrefix.Error()+": ")
}

func (c *showCmd) none(a *app, prefix string, f *query.Found) (int, error) {
	if a.flags.Output == "json" {
		if err := render.WriteDoc(a.stdout, &render.Doc{Search: render.NewSearchDoc(f.Result, 0)}); err != nil {
			return 0, writing(err)
		}
	}
	a.talk(a.say(
		"no entries for %s in %s. Try another --source, or txtrail find --since 1h for what is there",
		"%s의 기록이 %s에 없음. 다른 --source를 지정하거나 txtrail find --since 1h로 있는 기록을 확인"), prefix, a.where(&f.Result.Coverage))
	return a.status(f.Result, false), nil
}

func (c *showCmd) one(a *app, src query.Source, prefix string, row int, f *query.Found) (int, error) {
	s := f.Stories[0]
	var r *query.Row
	if row > 0 {
		if r = s.Row(row); r == nil {
			return 0, usage(a.say("%s has %d rows, there is no #%d; txtrail show %s lists them", "%s의 줄은 %d개, #%d은 없음: txtrail show %s"),
				prefix, len(s.Rows), row, prefix)
		}
	}
	code := a.status(f.Result, true)
	link := linksOf(src).story(s)
	if r != nil {
		link = linksOf(src).entry(r.Entry())
	}
	switch a.flags.Output {
	case "json":
		doc := &render.Doc{Search: render.NewSearchDoc(f.Result, f.Result.Matched)}
		doc.Search.Link = link
		sd := render.NewStoryDoc(s, r == nil)
		if r != nil {
			rd := render.NewRowDoc(r)
			doc.Row = &rd
			doc.Entries = render.Lines(r.Entries())
			doc.Search.Shown = len(doc.Entries)
		}
		doc.Story = &sd
		return code, writing(render.WriteDoc(a.stdout, doc))
	case "jsonl":
		es := s.Entries
		if r != nil {
			es = r.Entries()
		}
		return code, writing(render.WriteLines(a.stdout, es, a.terminal))
	}
	p := a.printer()
	if r != nil {
		d := c.detail(render.BodyFull)
		d.Headers = true
		p.Call(s, r, prefix, d)
		p.Link(link)
		return code, writing(p.Flush())
	}
	limit := a.limit(maxRows)
	p.Story(s, prefix, c.detail(render.BodyNone), limit)
	p.Link(link)
	if err := p.Flush(); err != nil {
		return 0, writing(err)
	}
	if limit > 0 && limit < len(s.Rows) {
		a.shown(limit, len(s.Rows), false, a.say("rows", "줄"))
	}
	return code, nil
}

func (c *showCmd) detail(otherwise render.BodyMode) render.Detail {
	d := render.Detail{Headers: c.Headers, Body: otherwise}
	if c.Body != "auto" {
		d.Body = render.BodyMode(c.Body)
	}
	return d
}

// several lists what an ambiguous prefix may mean. That is no answer to what was
// asked, so the status is that of a wrong argument.
func (c *showCmd) several(a *app, prefix string, f *query.Found) (int, error) {
	switch a.flags.Output {
	case "json":
		doc := &render.Doc{Search: render.NewSearchDoc(f.Result, len(f.Stories))}
		for _, s := range f.Stories {
			doc.Stories = append(doc.Stories, render.NewStoryDoc(s, false))
		}
		if err := render.WriteDoc(a.stdout, doc); err != nil {
			return 0, writing(err)
		}
	case "text":
		p := a.printer()
		p.Stories(f.Stories)
		if err := p.Flush(); err != nil {
			return 0, writing(err)
		}
	}
	n := strconv.Itoa(len(f.Stories))
	if f.Result.More {
		n = a.say("more than "+n, n+"개 이상")
	}
	if len(f.Stories) == 1 {
		a.talk(a.say("%s has more than %s entries or %s, too much for one story, and its first ones are judged; narrow it down with txtrail find --entries --txid %[1]s",
			"%s의 기록이 %s건 또는 %s를 넘어 처음 일부만 판단함: txtrail find --entries --txid %[1]s로 좁혀서 검색"),
			prefix, human.Count(query.MaxLookup), human.Bytes(query.MaxLookupBytes))
		return exitPartial, nil
	}
	a.talk(a.say("%s begins %s txids: give more of the one you mean, as listed",
		"%s(으)로 시작하는 txid가 %s개: 목록에서 골라 더 길게 입력"), prefix, n)
	return exitUsage, nil
}

// shown announces a limit.
func (a *app) shown(n, of int, more bool, what string) {
	total := human.Count(int64(of))
	if more {
		total = a.say("at least "+total, total+" 이상")
	}
	a.talk(a.say("%[1]s of %[2]s %[3]s shown; --limit 0 for all", "%[3]s %[2]s 중 %[1]s 표시: 전부 보려면 --limit 0"),
		human.Count(int64(n)), total, what)
}

// writing wraps an error of standard output: the answer is incomplete.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return &outputError{err}
}

// outputError is a fault of standard output.
type outputError struct{ err error }

func (e *outputError) Error() string { return "writing the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }
