package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
	"github.com/txtrail/txtrail/txid"
)

var full = Detail{Headers: true, Body: BodyFull}

func sample() *query.Story { return query.NewStory(querytest.Sample(), nil) }

func printed(t *testing.T, o Options, f func(p *Printer)) string {
	t.Helper()
	var b bytes.Buffer
	p := New(&b, o)
	f(p)
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A gateway's rows say what was called, in letters that can be read.
func TestGateway(t *testing.T) {
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	b := querytest.NewBuilder("txid-of-the-story", start)
	p := b.Server(b.Service("gateway"), 0, "GET", "/api/", "/api/%ed%95%9c%ea%b8%80%1b%e2%80%ae", 200, 0, time.Second)
	p.Facts.EntryPage = "GET /api/"
	s := query.NewStory(b.Entries(), nil)
	const want = "GET /api/한글%1b%e2%80%ae"
	for name, f := range map[string]func(p *Printer){
		"story": func(p *Printer) { p.Story(s, "x", Detail{}, 0) },
		"row":   func(p *Printer) { p.Call(s, &s.Rows[0], "x", Detail{}) },
		"list":  func(p *Printer) { p.Entries(s.Entries, nil) },
	} {
		out := printed(t, Options{Width: 120, Zone: time.UTC}, f)
		if !strings.Contains(out, want) || name != "list" && !strings.Contains(out, "entered by "+want) {
			t.Errorf("%s:\n%s", name, out)
		}
		if name != "row" && strings.Contains(out, "GET /api/ ") {
			t.Errorf("%s shows the route:\n%s", name, out)
		}
	}
	if d := NewStoryDoc(s, true); d.Header.EntryPage != "GET /api/%ed%95%9c%ea%b8%80%1b%e2%80%ae" || d.Rows[0].Target != "/api/%ed%95%9c%ea%b8%80%1b%e2%80%ae" {
		t.Errorf("data: %+v", d)
	}
}

// hostile has something for a terminal to obey in every field that is printed.
func hostile() *query.Story {
	const bad = "\x1b[2J\u202eevil\r\n\u009b1m\x00\xff"
	b := querytest.NewBuilder("txid-of-the-story", time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	r := &entry.Resource{
		Service: "s" + bad, Version: bad, Environment: bad, Host: bad, Instance: bad, ServerUser: bad,
		Attributes: []entry.Label{{Name: bad, Value: bad}},
	}
	for _, kind := range []entry.Kind{entry.KindClient, entry.KindServer, entry.KindLog, entry.KindBrowser, entry.KindStream, entry.KindGap, entry.KindCrash, "k" + bad} {
		e := b.Add(&entry.Entry{
			Kind: kind, Time: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Message: bad, Refused: bad, Severity: entry.SeverityError, Resource: r,
			HTTP: entry.HTTP{
				Method: bad, URL: "http://" + bad + "/" + bad, Route: bad, Protocol: bad, Status: 0, RemoteIP: bad, UserAgent: bad + " Chrome/" + bad,
				Referer: bad, ServerAddress: bad, ServerPort: 8080,
			},
			Latency: time.Second, Error: entry.Error{Type: bad, Message: bad, Stack: bad + "\n" + bad}, Flags: []string{bad, entry.FlagAborted, entry.FlagPanic},
			Facts: entry.Facts{
				UserID: bad, Device: bad, OS: bad, AppVersion: bad, Country: bad, EntryPage: bad, Carried: []entry.Label{{Name: bad, Value: bad}},
			},
			Labels: []entry.Label{{Name: bad, Value: bad}}, Attributes: []entry.Label{{Name: bad, Value: bad}}, Logger: bad,
			Source: entry.Source{File: bad, Line: 1, Function: bad}, Redactions: []entry.Redaction{{Rule: bad, Count: 1}},
		})
		for _, m := range []*entry.Message{&e.Request, &e.Response} {
			m.Headers = []entry.Header{{Name: bad, Value: bad}}
			m.Trailers = m.Headers
			m.Body = entry.Body{Content: []byte(bad), Encoding: "utf-8", Type: bad, ContentEncoding: bad, Reason: bad, Size: 9, Truncated: true}
		}
		if kind == entry.KindGap {
			e.Gap = &entry.Gap{Count: 1, Reason: bad, From: e.Time, To: e.Time}
		}
	}
	b.Server(r, 0xabc, bad, bad, bad, 500, 0, 0)
	return query.NewStory(b.Entries(), nil)
}

// everything prints all that can be printed of a story.
func everything(s *query.Story) func(p *Printer) {
	return func(p *Printer) {
		p.Story(s, string(s.TxID), full, 0)
		for i := range s.Rows {
			p.Call(s, &s.Rows[i], string(s.TxID), full)
		}
		p.Stories([]*query.Story{s, s})
		p.AfterStories([]*query.Story{s})
		for _, e := range s.Entries {
			p.Entry(e, "short")
		}
	}
}

func TestNothingLoggedReachesTheTerminal(t *testing.T) {
	s := hostile()
	for _, o := range []Options{{}, {Width: 200, Lang: query.Korean}} {
		for i, line := range strings.Split(printed(t, o, everything(s)), "\n") {
			for _, r := range line {
				if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
					// What is stored has U+FFFD for a byte that is not UTF-8; these
					// entries were not parsed, so none may be here.
					t.Fatalf("line %d has %U: %q", i+1, r, line)
				}
			}
		}
	}
	colored := printed(t, Options{Color: true}, everything(s))
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored, "")
	if d := cmp.Diff(printed(t, Options{}, everything(s)), plain); d != "" {
		t.Errorf("colours change the text:\n%s", d)
	}
}

func TestRowsFitTheWidth(t *testing.T) {
	b := querytest.NewBuilder("txid-of-the-story", time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	web, pay := b.Service("web"), b.Service("결제-서비스-아주-긴-이름")
	p := b.Server(web, 0, "GET", "/상품/{id}/아주/긴/경로/이름/입니다/정말로", "/x", 200, 0, 2*time.Second)
	c := b.Client(web, p.Span, "POST", "http://pay:8080/v1/charge", 200, time.Millisecond, time.Second)
	b.Server(pay, c.Span, "POST", "/v1/결제/{번호}", "/v1/결제/7", 500, 2*time.Millisecond, time.Second)
	b.Log(web, p.Span, entry.SeverityError, strings.Repeat("아주 긴 로그 ", 40), time.Second)
	b.Log(web, p.Span, entry.SeverityInfo, "짧은 로그", time.Second)
	s := query.NewStory(b.Entries(), nil)
	for w := MinWidth; w < 240; w += 7 {
		for _, l := range []query.Lang{query.English, query.Korean} {
			head := printed(t, Options{Width: w, Lang: l}, func(p *Printer) { p.head(s); p.Stories([]*query.Story{s, s}) })
			for line := range strings.Lines(head) {
				if got := width(strings.TrimSuffix(line, "\n")); got > w {
					t.Errorf("%d cells in a terminal of %d: %q", got, w, line)
				}
			}
			out := printed(t, Options{Width: w, Lang: l}, func(p *Printer) { p.table(s, s.Rows, Detail{Body: BodyNone}) })
			var status []int
			for i, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
				if got := width(line); got > w {
					t.Errorf("%d cells in a terminal of %d: %q", got, w, line)
				}
				if j := strings.Index(line, " 200 "); i > 0 && j > 0 && !strings.Contains(line, "└") {
					status = append(status, width(line[:j]))
				}
			}
			if len(status) < 2 || status[0] != status[len(status)-1] {
				t.Errorf("the status column of %d cells is out of line: %v\n%s", w, status, out)
			}
		}
	}
}

func TestGolden(t *testing.T) {
	seoul := time.FixedZone("KST", 9*3600)
	s := sample()
	for name, f := range map[string]func() string{
		"story.txt": func() string {
			return printed(t, Options{Zone: seoul}, func(p *Printer) { p.Story(s, "0197a3c2", Detail{Body: BodyNone}, 0) })
		},
		"story-ko-120.txt": func() string {
			return printed(t, Options{Zone: seoul, Lang: query.Korean, Width: 120}, func(p *Printer) {
				p.Story(s, "0197a3c2", Detail{Body: BodyShort, Headers: true}, 0)
			})
		},
		"call.txt": func() string {
			return printed(t, Options{Zone: seoul, Args: "--source ./x"}, func(p *Printer) { p.Call(s, s.Row(4), "0197a3c2", full) })
		},
		"color.txt": func() string {
			return strings.ReplaceAll(printed(t, Options{Color: true}, func(p *Printer) { p.Story(s, "0197a3c2", Detail{Body: BodyNone}, 0) }), "\x1b", "ESC")
		},
		"doc.json": func() string {
			d := NewStoryDoc(s, true)
			var b bytes.Buffer
			if err := WriteDoc(&b, &Doc{Story: &d}); err != nil {
				t.Fatal(err)
			}
			return b.String()
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := f()
			file := "testdata/" + name
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got; UPDATE_GOLDEN=1 writes it):\n%s", d)
			}
		})
	}
}

func TestShortBodySaysWhatItLeavesOut(t *testing.T) {
	s := sample()
	long := "{" + strings.Repeat(`"key": "value", `, 50) + `"end": 1}`
	querytest.JSON(&s.Rows[2].Server.Request, long)
	out := printed(t, Options{}, func(p *Printer) { p.table(s, s.Rows, Detail{Body: BodyShort}) })
	if !strings.Contains(out, "… 45 more lines: --body full") || strings.Contains(out, `"end"`) {
		t.Errorf("short:\n%s", out)
	}
	out = printed(t, Options{}, func(p *Printer) { p.table(s, s.Rows, Detail{Body: BodyFull}) })
	if strings.Contains(out, ": --body full") || !strings.Contains(out, `"end"`) {
		t.Errorf("full:\n%s", out)
	}
	for _, c := range []struct{ body, want string }{
		{strings.Repeat("line\n", 9), "… 1 more line: --body full"},
		{strings.Repeat("line\n", 8), ""},
		{strings.Repeat("word ", 100), "… 1 line cut: --body full"},
		{strings.Repeat(strings.Repeat("word ", 100)+"\n", 10), "… 2 more lines, 8 lines cut: --body full"},
	} {
		s.Rows[2].Server.Request.Body.Content = []byte(c.body)
		out := printed(t, Options{}, func(p *Printer) { p.table(s, s.Rows, Detail{Body: BodyShort}) })
		if c.want != "" && !strings.Contains(out, c.want) || c.want == "" && strings.Contains(out, ": --body full") {
			t.Errorf("%.20q: want %q in\n%s", c.body, c.want, out)
		}
	}
}

func TestDeepJSONIsNotIndented(t *testing.T) {
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	if got := pretty(&entry.Body{Content: []byte(deep)}); got != deep {
		t.Errorf("18 KB became %d bytes", len(got))
	}
	for in, want := range map[string]string{
		`{"a":1.0,"b":[]}`: "{\n  \"a\": 1.0,\n  \"b\": []\n}",
		`{"a":`:            `{"a":`,
		"plain\n":          "plain",
		"3":                "3",
	} {
		if got := pretty(&entry.Body{Content: []byte(in)}); got != want {
			t.Errorf("pretty(%s) = %q", in, got)
		}
	}
}

// Where all entries are known the columns stand in line; where they come one by one
// (tail), they do from the first long name on.
func TestEntriesStandInLine(t *testing.T) {
	b := querytest.NewBuilder("txid-of-the-story", time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	web := b.Service("web")
	b.Server(web, 0, "GET", "/a", "/a", 200, 0, time.Second)
	b.Client(web, 1, "GET", "http://127.0.0.1:35837/a", 200, 0, time.Second)
	b.Server(web, 0, "GET", "/a", "/a", 200, 0, time.Second)
	columns := func(out string) (at []int) {
		for line := range strings.Lines(out) {
			before, _, _ := strings.Cut(line, "200  ")
			at = append(at, width(before))
		}
		return at
	}
	es := b.Entries()
	at := columns(printed(t, Options{}, func(p *Printer) { p.Entries(es, nil) }))
	if at[0] != at[1] || at[1] != at[2] {
		t.Errorf("the columns of a list are at %v", at)
	}
	at = columns(printed(t, Options{}, func(p *Printer) {
		for _, e := range es {
			p.Entry(e, "")
		}
	}))
	if at[1] != at[2] || at[0] > at[1] {
		t.Errorf("the columns of a tail are at %v", at)
	}
}

func TestBodyLine(t *testing.T) {
	p := New(nil, Options{})
	for want, b := range map[string]entry.Body{
		"application/json, 312 B":             {Type: "application/json", Size: 312, Content: []byte("{}")},
		"text/html, gzip, 2 MiB, cut (limit)": {Type: "text/html", ContentEncoding: "gzip", Size: 2 << 20, Truncated: true, Reason: "limit", Content: []byte("x")},
		"image/png, 7 B, not kept (binary)":   {Type: "image/png", Size: 7, Reason: "binary"},
		"size unknown, not kept":              {Size: -1},
		"text/event-stream, 40 B in 2 chunks": {Type: "text/event-stream", Size: 40, Chunks: 2, Content: []byte("data: a")},
		"9 B in 1 chunk, cut":                 {Size: 9, Chunks: 1, Truncated: true, Content: []byte("x")},
		"5 B, base64":                         {Size: 5, Encoding: "base64", Content: []byte("aGVsbG8=")},
		"5 B (malformed json)":                {Size: 5, Reason: "malformed json", Content: []byte("x")},
	} {
		if got := p.bodyLine(&b); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestShortIDs(t *testing.T) {
	a, b := querytest.SampleID, querytest.SampleID[:35]+"2"
	got := ShortIDs([]txid.ID{a, a, "order:2026-11-20:shop:7712345678"})
	if got[a] != "0197a3c2-7f10-7b3e" || got["order:2026-11-20:shop:7712345678"] != "order:2026-11-20:shop:77" {
		t.Errorf("%v", got)
	}
	if got := ShortIDs([]txid.ID{a, b}); got[a] != string(a) || got[b] != string(b) {
		t.Errorf("what begins alike is not told apart: %v", got)
	}
}

func TestDocIsJSONWithoutControls(t *testing.T) {
	s := hostile()
	d := NewStoryDoc(s, true)
	var b bytes.Buffer
	if err := WriteDoc(&b, &Doc{Story: &d}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Fatalf("%U in the document", r)
		}
	}
	var back Doc
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Story.Entries) != len(s.Entries) {
		t.Errorf("%d entries of %d", len(back.Story.Entries), len(s.Entries))
	}
	for i, raw := range back.Story.Entries {
		var want, got any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(s.Entries[i].Line(), &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestWriteLines(t *testing.T) {
	es := hostile().Entries
	var raw, shown bytes.Buffer
	if err := WriteLines(&raw, es, false); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, e := range es {
		want += string(e.Line()) + "\n"
	}
	if raw.String() != want {
		t.Error("what is piped is not what is stored")
	}
	if err := WriteLines(&shown, es, true); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(shown.String(), '\u202e') || !strings.Contains(shown.String(), `\u202e`) {
		t.Error("a bidirectional control is shown raw")
	}
	if WriteLines(brokenWriter{}, es, false) == nil {
		t.Error("an error of the writer is lost")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("disk full") }
