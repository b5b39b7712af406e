package querytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/txid"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// logEntry makes a sealed entry that is found by its message.
func logEntry(id txid.ID, message string, at time.Duration, change ...func(*entry.Entry)) *entry.Entry {
	e := &entry.Entry{
		Time: noon.Add(at), TxID: id, InsertID: "i-" + message, Kind: entry.KindServer, Message: message,
		HTTP:     entry.HTTP{Method: "GET", URL: "/x", Route: "/x", Status: 200},
		Resource: &entry.Resource{Service: "web"},
	}
	for _, f := range change {
		f(e)
	}
	_ = e.Seal(nil) // no raw body, not sealed: it can not fail
	return e
}

const (
	idA txid.ID = "0197a3c2-7f10-7b3e-9c41-aaaaaaaaaaaa"
	idB txid.ID = "0197a3c2-7f10-7b3e-9c41-bbbbbbbbbbbb"
	idC txid.ID = "order:2026/11/20~C"
)

// cases are the law, each with the reason why it is one.
var cases = []struct {
	name, reason string
	run          func(k *check)
}{
	{
		"LookupWhole", "a txid leads to all of its entries and to no others",
		func(k *check) {
			k.write(logEntry(idA, "a2", 2), logEntry(idB, "b", 1), logEntry(idA, "a1", 1), logEntry(idC, "c", 1))
			for id, want := range map[txid.ID][]string{idA: {"a1", "a2"}, idB: {"b"}, idC: {"c"}} {
				if got := messages(k.lookup(string(id)).Entries); !slices.Equal(got, want) {
					k.fault("Lookup(%s) gives %v, want %v in time order", id, got, want)
				}
			}
		},
	},
	{
		"LookupPrefix", "nobody types 36 characters; what begins alike is found together",
		func(k *check) {
			k.write(logEntry(idA, "a", 1), logEntry(idB, "b", 2), logEntry(idC, "c", 3))
			for prefix, want := range map[string][]string{
				"0": {"a", "b"}, "0197a3c2": {"a", "b"}, string(idA[:25]): {"a"}, "order:": {"c"},
				"0197a3c3": {}, "97a3c2": {}, string(idA) + "0": {},
			} {
				r := k.lookup(prefix)
				if got := messages(r.Entries); !slices.Equal(got, want) || r.Matched != len(want) {
					k.fault("Lookup(%q) gives %v (Matched %d), want %v", prefix, got, r.Matched, want)
				}
			}
		},
	},
	{
		"Gather", "a list of stories is one question, and each of its answers is the one that a look-up gives",
		func(k *check) {
			longer := idA + "0"
			k.write(logEntry(idA, "a2", 2), logEntry(idB, "b", 1), logEntry(longer, "longer", 1), logEntry(idA, "a1", 1), logEntry(idC, "c", 1))
			again := logEntry(idA, "a1", 1)
			k.write(again)
			ids := []txid.ID{idC, "nobody-has-this", idA, longer, idA}
			rs, err := query.Gather(context.Background(), k.h.Source, ids)
			if err != nil || len(rs) != len(ids) {
				k.Fatalf("Gather gives %d results, %v", len(rs), err)
			}
			for i, want := range [][]string{{"c"}, nil, {"a1", "a2"}, {"longer"}, {"a1", "a2"}} {
				if got := messages(rs[i].Entries); !slices.Equal(got, want) || rs[i].Matched != len(want) || rs[i].More || rs[i].Coverage.Source != k.h.Source.Name() {
					k.fault("Gather gives %v for %s (%+v), want %v", got, ids[i], rs[i], want)
				}
			}
			if _, err := query.Gather(context.Background(), k.h.Source, []txid.ID{idA, "a b"}); !errors.Is(err, query.ErrPrefix) {
				k.fault("an id with a space gives %v", err)
			}
			if rs, err := query.Gather(context.Background(), k.h.Source, nil); err != nil || len(rs) != 0 {
				k.fault("no ids give %v, %v", rs, err)
			}
		},
	},
	{
		"LookupCase", "ids are compared byte for byte: another case is another id",
		func(k *check) {
			k.write(logEntry("Case-Of-It", "upper", 1), logEntry("case-of-it", "lower", 2))
			if got := messages(k.lookup("case").Entries); !slices.Equal(got, []string{"lower"}) {
				k.fault("Lookup gives %v, want the lower one alone", got)
			}
		},
	},
	{
		"LookupDays", "a scenario goes on for days: the time in its id is no filter",
		func(k *check) {
			k.write(logEntry(idA, "now", 0), logEntry(idA, "tomorrow", 26*time.Hour), logEntry(idA, "before", -72*time.Hour))
			if got := messages(k.lookup(string(idA)).Entries); !slices.Equal(got, []string{"before", "now", "tomorrow"}) {
				k.fault("Lookup gives %v, want all three days", got)
			}
		},
	},
	{
		"LookupRefuses", "what no txid can begin with is a mistake to be told, not a search without result",
		func(k *check) {
			for _, p := range []string{"", "a b", "é", "a\x00", "a\n", "*", strings.Repeat("a", txid.MaxLen+1)} {
				if _, err := k.h.Source.Lookup(context.Background(), p); !errors.Is(err, query.ErrPrefix) {
					k.fault("Lookup(%q) gives error %v, want ErrPrefix", p, err)
				}
			}
		},
	},
	{
		"LookupBound", "a short prefix must not read everything into memory, and the answer says that it stopped",
		func(k *check) {
			var es []*entry.Entry
			for i := range query.MaxCandidates + 5 {
				es = append(es, logEntry(txid.ID(fmt.Sprintf("bound-%04d", i)), fmt.Sprint(i), time.Duration(i)))
			}
			k.write(es...)
			r := k.lookup("bound-")
			if !r.More || len(query.Group(r.Entries)) != query.MaxCandidates {
				k.fault("Lookup gives %d txids, More %v; want %d and true", len(query.Group(r.Entries)), r.More, query.MaxCandidates)
			}
			if r := k.lookup("bound-0007"); r.More || len(r.Entries) != 1 {
				k.fault("the whole id gives %d entries, More %v", len(r.Entries), r.More)
			}
		},
	},
	{
		"Once", "delivery is at least once: the same insertId is the same entry",
		func(k *check) {
			e := logEntry(idA, "twice", 1)
			k.write(e, logEntry(idA, "other", 2))
			k.write(e)
			if r := k.lookup(string(idA)); len(r.Entries) != 2 || r.Matched != 2 {
				k.fault("Lookup gives %v", messages(r.Entries))
			}
			if r := k.find(query.Filter{}); len(r.Entries) != 2 || r.Matched != 2 {
				k.fault("Find gives %v, Matched %d", messages(r.Entries), r.Matched)
			}
		},
	},
	{
		"Sealed", "readers print the canonical line: it comes back byte for byte",
		func(k *check) {
			e := logEntry(idA, "점심 \x1b[31m \u202e \"q\"", 1, func(e *entry.Entry) {
				JSON(&e.Request, `{"a": "값", "n": 1.0}`)
				e.Request.Headers = []entry.Header{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}}
			})
			k.write(e)
			r := k.lookup(string(idA))
			if len(r.Entries) != 1 || !bytes.Equal(r.Entries[0].Line(), e.Line()) {
				k.fault("the line is not the one that was written")
			}
		},
	},
	{
		"FindFilters", "a filter means the same on every source",
		func(k *check) {
			k.write(filterSample()...)
			for _, c := range filterCases() {
				if got := messages(k.find(c.filter).Entries); !slices.Equal(got, c.want) {
					k.fault("%s: Find gives %v, want %v", c.name, got, c.want)
				}
			}
		},
	},
	{
		"FindTime", "since belongs to the range and until does not: two ranges side by side share nothing",
		func(k *check) {
			k.write(logEntry(idA, "0", 0), logEntry(idA, "1", time.Second), logEntry(idA, "2", 2*time.Second))
			for _, c := range []struct {
				since, until time.Duration
				want         []string
			}{{0, time.Second, []string{"0"}}, {time.Second, 2 * time.Second, []string{"1"}}, {1, 3 * time.Second, []string{"1", "2"}}} {
				f := query.Filter{Since: noon.Add(c.since), Until: noon.Add(c.until)}
				if got := messages(k.find(f).Entries); !slices.Equal(got, c.want) {
					k.fault("[%v, %v) gives %v, want %v", c.since, c.until, got, c.want)
				}
			}
			if got := messages(k.find(query.Filter{Since: noon.Add(2 * time.Second)}).Entries); !slices.Equal(got, []string{"2"}) {
				k.fault("an open end gives %v", got)
			}
		},
	},
	{
		"FindLimit", "a limit keeps the newest and says how many it left out; order is a choice",
		func(k *check) {
			k.write(logEntry(idA, "1", 1), logEntry(idB, "4", 4), logEntry(idA, "2", 2))
			k.write(logEntry(idA, "3", 3), logEntry(idC, "0", 0))
			for _, c := range []struct {
				f    query.Filter
				want []string
			}{
				{query.Filter{}, []string{"0", "1", "2", "3", "4"}},
				{query.Filter{Limit: 2}, []string{"3", "4"}},
				{query.Filter{Limit: 2, NewestFirst: true}, []string{"4", "3"}},
				{query.Filter{Limit: 9, NewestFirst: true}, []string{"4", "3", "2", "1", "0"}},
			} {
				r := k.find(c.f)
				if got := messages(r.Entries); !slices.Equal(got, c.want) || r.Matched != 5 {
					k.fault("%+v gives %v, Matched %d; want %v of 5", c.f, got, r.Matched, c.want)
				}
			}
		},
	},
	{
		"FindOnceWithLimit", "what was written twice is one entry, and takes the place of one",
		func(k *check) {
			for i := range 9 {
				e := logEntry(idA, fmt.Sprint(i), time.Duration(i))
				k.write(e)
				if i > 5 {
					k.write(logEntry(idA, fmt.Sprint(i), time.Duration(i)))
				}
			}
			k.write(logEntry(idA, "none", 0, func(e *entry.Entry) { e.Time = time.Time{} }))
			r := k.find(query.Filter{Limit: 4})
			if got, want := messages(r.Entries), []string{"5", "6", "7", "8"}; !slices.Equal(got, want) || r.Matched != 10 {
				k.fault("Find gives %v of %d, want %v of 10", got, r.Matched, want)
			}
		},
	},
	{
		"FindBrief", "a list of ten thousand must not hold ten thousand bodies",
		func(k *check) {
			k.write(logEntry(idA, "1", 1, func(e *entry.Entry) {
				JSON(&e.Request, `{"a":1}`)
				e.Response.Headers = []entry.Header{{Name: "X", Value: "1"}}
				e.Error = entry.Error{Type: "x", Message: "words", Stack: "long"}
				e.Facts.UserID = "8812"
			}))
			r := k.find(query.Filter{Brief: true, Text: `"a":1`})
			if len(r.Entries) != 1 {
				k.Fatalf("%d entries: the filter sees all of an entry", len(r.Entries))
			}
			e := r.Entries[0]
			if e.Sealed() || len(e.Request.Body.Content) > 0 || len(e.Response.Headers) > 0 || e.Error.Stack != "" {
				k.fault("Find gives %+v", e)
			}
			if e.Message != "1" || e.Facts.UserID != "8812" || e.Error.Message != "words" || e.HTTP.Status != 200 || query.Service(e) != "web" || e.TxID != idA {
				k.fault("what a list shows is gone: %+v", e)
			}
		},
	},
	{
		"Coverage", "who finds nothing must know where it was looked",
		func(k *check) {
			k.write(logEntry(idA, "1", 0), logEntry(idB, "2", time.Hour))
			for name, r := range map[string]*query.Result{"Lookup": k.lookup("nothing"), "Find": k.find(query.Filter{User: "nobody"})} {
				c := r.Coverage
				if c.Source != k.h.Source.Name() || c.Source == "" || c.From.After(noon) || c.From.IsZero() || c.To.Before(noon.Add(time.Hour)) {
					k.fault("%s says %+v", name, c)
				}
				if len(r.Entries) != 0 || r.Matched != 0 || r.Partial() {
					k.fault("%s gives %d entries, warnings %v", name, len(r.Entries), r.Warnings)
				}
			}
		},
	},
	{
		"Empty", "a source without entries answers; it is no error",
		func(k *check) {
			if r := k.lookup("anything"); len(r.Entries) != 0 || !r.Coverage.From.IsZero() {
				k.fault("Lookup gives %+v", r)
			}
			if r := k.find(query.Filter{}); len(r.Entries) != 0 {
				k.fault("Find gives %v", r.Entries)
			}
		},
	},
	{
		"Canceled", "who has gone away is not searched for any longer",
		func(k *check) {
			k.write(logEntry(idA, "1", 0))
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := k.h.Source.Lookup(ctx, string(idA)); !errors.Is(err, context.Canceled) {
				k.fault("Lookup gives error %v", err)
			}
			if _, err := k.h.Source.Find(ctx, query.Filter{}); !errors.Is(err, context.Canceled) {
				k.fault("Find gives error %v", err)
			}
			for e, err := range k.h.Source.Tail(ctx, query.Filter{}) {
				k.fault("Tail gives %v, %v", e, err)
				break
			}
		},
	},
	{
		"TailSince", "with a beginning, tail tells what is stored since and goes on with what comes",
		func(k *check) {
			k.write(logEntry(idA, "old", 0), logEntry(idA, "kept", time.Second))
			k.follow(query.Filter{Since: noon.Add(time.Second), Until: noon, Limit: 1}, []string{"kept", "new"}, func() {
				k.write(logEntry(idA, "new", 2*time.Second))
			})
		},
	},
	{
		"TailOrder", "what is stored is read as a history, whichever process wrote it first",
		func(k *check) {
			k.write(logEntry(idA, "3", 3*time.Second), logEntry(idB, "1", time.Second))
			k.write(logEntry(idA, "4", 4*time.Second), logEntry(idB, "0", 0), logEntry(idA, "2", 2*time.Second))
			k.follow(query.Filter{Since: noon.Add(time.Second)}, []string{"1", "2", "3", "4", "new"}, func() {
				k.write(logEntry(idA, "new", 5*time.Second))
			})
		},
	},
	{
		"TailNew", "without a beginning, tail tells what is written from now on: a day's history would bury it",
		func(k *check) {
			k.write(logEntry(idA, "old", 0))
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			first := make(chan string, 1)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for e, err := range k.h.Source.Tail(ctx, query.Filter{}) {
					if err == nil && e != nil {
						first <- e.Message
						return
					}
				}
			}()
			// When the following begins is not seen from outside: something new is
			// written until it is.
			for i := 0; ; i++ {
				k.write(logEntry(idA, fmt.Sprintf("new %d", i), time.Duration(i+1)))
				select {
				case m := <-first:
					if !strings.HasPrefix(m, "new") {
						k.fault("Tail begins with %q", m)
					}
					cancel()
					<-ended
					return
				case <-ctx.Done():
					k.fault("Tail gives nothing")
					<-ended
					return
				case <-time.After(2 * time.Millisecond):
				}
			}
		},
	},
	{
		"TailFilter", "tail takes the filters of find",
		func(k *check) {
			k.write(logEntry(idA, "first", 0))
			k.follow(query.Filter{Since: noon, Services: []string{"core"}}, []string{"wanted"}, func() {
				k.write(logEntry(idB, "unwanted", 1), logEntry(idA, "wanted", 2, func(e *entry.Entry) {
					e.Resource = &entry.Resource{Service: "core"}
				}))
			})
		},
	},
}

// follow tails until want has come, calling then once following has begun or the
// first of want has been seen.
func (k *check) follow(f query.Filter, want []string, then func()) {
	k.Helper()
	// The limit is for a source that is broken; a good one is far from it.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got := make(chan string)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range k.h.Source.Tail(ctx, f) {
			text := ""
			if err != nil {
				text = "error: " + err.Error()
			} else {
				text = e.Message
			}
			select {
			case got <- text:
			case <-ctx.Done():
				return
			}
		}
	}()
	if len(want) < 2 {
		then()
	}
	for i, w := range want {
		if i > 0 && i == len(want)-1 {
			then()
		}
		select {
		case g := <-got:
			if g != w {
				k.fault("Tail gives %q, want %q", g, w)
			}
		case <-ctx.Done():
			k.fault("Tail does not give %q", w)
		}
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		k.fault("Tail does not end with its context")
	}
}
