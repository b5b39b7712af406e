package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query/querytest"
)

const (
	tailSample = `19:04:11.264  web                 502   1528 ms  POST /api/pay  user 8812  0197a3c2-7f10-7b3e
19:04:11.275  web→core:8080   timeout   1501 ms  POST /v1/charge  net/http: timeout awaiting response headers  user 8812  0197a3c2-7f10-7b3e
19:04:12.784  web→core:8080   refused      2 ms  POST /v1/charge  dial tcp 10.0.0.7:8080: connect: connection refused  user 8812  0197a3c2-7f10-7b3e
`
	tailMore = `{"time":"2026-11-20T11:00:00.000000000Z","txid":"later-0001","logging.googleapis.com/insertId":"x1","kind":"server","span":"00000000000000aa","httpRequest":{"requestMethod":"GET","requestUrl":"/fine","status":200},"service":{"name":"web"}}
{"time":"2026-11-20T11:00:01.000000000Z","txid":"later-0001","logging.googleapis.com/insertId":"x2","kind":"server","span":"00000000000000ab","httpRequest":{"requestMethod":"GET","requestUrl":"/bad","status":503,"latency":"0.2s"},"service":{"name":"web"}}
`
)

// follower interrupts a tail after so many lines, and does something after some.
type follower struct {
	bytes.Buffer
	after map[int]func()
	end   int
	stop  context.CancelFunc
	lines int
}

func (f *follower) Write(p []byte) (int, error) {
	n, _ := f.Buffer.Write(p)
	for range bytes.Count(p, []byte("\n")) {
		f.lines++
		if do := f.after[f.lines]; do != nil {
			do()
		}
		if f.lines == f.end {
			f.stop()
		}
	}
	return n, nil
}

// follow runs tail in dir until it has printed so many lines.
func follow(t *testing.T, dir string, end int, after map[int]func(), args string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := &follower{after: after, end: end, stop: cancel}
	var errs bytes.Buffer
	code := run(ctx, append(strings.Fields("tail -s "+dir), strings.Fields(args)...), &system{
		stdout: out, stderr: &errs, zone: time.FixedZone("KST", 9*3600), env: func(string) string { return "" }, now: now,
	})
	if code != exitFound || errs.Len() > 0 || out.lines != end {
		t.Errorf("tail %s: status %d, %d lines: %s", args, code, out.lines, errs.String())
	}
	return slices.Collect(strings.Lines(out.String()))
}

// more stores two entries, the second of which has failed.
func more(t *testing.T, dir string) func() {
	return func() {
		es, err := parse(tailMore)
		if err == nil {
			err = store(dir, es)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestTailFollows(t *testing.T) {
	dir := t.TempDir()
	if err := store(dir, querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	failed := slices.Collect(strings.Lines(tailSample))
	if diff := cmp.Diff(failed, follow(t, dir, 3, nil, "--since 2026-11-20 --failed")); diff != "" {
		t.Error(diff)
	}
	// The last ones, then what comes, each once; -f changes nothing.
	got := follow(t, dir, 3, map[int]func(){2: more(t, dir)}, "-f -n 2 --failed")
	if diff := cmp.Diff(failed[1:], got[:2]); diff != "" {
		t.Error(diff)
	}
	if len(got) != 3 || !strings.HasPrefix(got[2], "20:00:01.000  web ") || !strings.Contains(got[2], "GET /bad  later-0001") {
		t.Errorf("%q", got)
	}
	if got := follow(t, dir, 1, nil, "-n 1"); !strings.Contains(got[0], "/bad") {
		t.Errorf("%q", got)
	}
	if got := follow(t, dir, 1, nil, "--since 2026-11-19 --failed -n 0"); !strings.HasPrefix(got[0], "11-20 ") {
		t.Errorf("%q", got)
	}
	for _, line := range follow(t, dir, 2, nil, "-o jsonl -n 2") {
		if !strings.HasPrefix(line, `{"time":`) {
			t.Errorf("%q", line)
		}
	}
}

// What is being written while the last ones are looked up is neither lost nor shown
// twice.
func TestTailMissesNothingAfterTheLast(t *testing.T) {
	dir := t.TempDir()
	if err := store(dir, querytest.Sample()); err != nil {
		t.Fatal(err)
	}
	write := func(i int) error {
		e := &entry.Entry{Time: now().Add(time.Duration(i) * time.Second), TxID: "later-0001", InsertID: "more" + string(rune('a'+i)), Kind: entry.KindLog, Message: "more"}
		if err := e.Seal(nil); err != nil {
			return err
		}
		return store(dir, []*entry.Entry{e})
	}
	const many = 20
	done := make(chan error, 1)
	after := map[int]func(){1: func() {
		go func() {
			for i := range many {
				if err := write(i); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}}
	got := follow(t, dir, 2+many, after, "-n 2 -o jsonl")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, line := range got {
		if seen[line] {
			t.Errorf("twice: %s", line)
		}
		seen[line] = true
	}
}

func TestTailNamesWhatItFollows(t *testing.T) {
	a := &app{system: &system{}}
	for want, c := range map[string]*tailCmd{
		"following x; Ctrl-C ends it": {},
		"following x (--user 'a b' --service web,core --min-latency 500ms --failed); Ctrl-C ends it": {
			Failed: true, filterFlags: filterFlags{User: "a b", Service: []string{"web", "core"}, MinLatency: 500 * time.Millisecond},
		},
	} {
		if got := c.following(a, "x"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
