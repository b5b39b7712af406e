package entry_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

// What a Sealer remembers of one entry must not be seen in the next: its line is that of
// Seal, whatever resource, peer and time came before.
func TestSealer(t *testing.T) {
	long := &entry.Resource{Service: strings.Repeat("long\x00", 300), Attributes: []entry.Label{{Name: "a", Value: strings.Repeat("b", 2000)}}}
	resources := []*entry.Resource{nil, full().Resource, {}, {Service: "web"}, {PID: 1}, {Host: "\"h\""}, {Instance: "i"}, {Environment: "e"}, {ServerUser: "mina"}, long}
	peers := []entry.Peer{{}, {Service: "core"}, {Requests: 1, Per: time.Second}}
	base := time.Date(2026, 11, 20, 10, 4, 59, 999_999_999, time.UTC)
	times := []time.Time{
		base, base.Add(1), base.Add(-time.Minute), base.Add(time.Minute), base.Add(24 * time.Hour),
		{},
		time.Unix(0, 0), time.Unix(-1, 5),
		base.In(time.FixedZone("", 5*3600+1830)), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	var s entry.Sealer
	buf := make([]byte, 0, 64<<10)
	for range 5000 {
		e := entry.Entry{Time: times[rnd.IntN(len(times))], Peer: peers[rnd.IntN(len(peers))], Resource: resources[rnd.IntN(len(resources))]}
		want := e
		if err := want.Seal(nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Seal(&e, buf); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(e.Line(), want.Line()) {
			t.Fatalf("got %s\nwant %s", e.Line(), want.Line())
		}
	}
}

// A Sealer refuses what Seal refuses, and allocates nothing.
func TestSealerRefuses(t *testing.T) {
	var s entry.Sealer
	e := full()
	if err := s.Seal(e, nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fullLine, string(e.Line())); d != "" {
		t.Error(d)
	}
	if err := s.Seal(e, nil); !errors.Is(err, entry.ErrSealed) {
		t.Errorf("sealed twice: %v", err)
	}
	if err := s.Seal(&entry.Entry{Request: entry.Message{Body: entry.Body{Raw: []byte("x")}}}, nil); err == nil {
		t.Error("a raw body was sealed")
	}
	want := *full()
	buf := make([]byte, 0, 2*len(fullLine))
	if n := testing.AllocsPerRun(100, func() {
		e := want
		if err := s.Seal(&e, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// However much room there is, the line is the same, lies behind what was there before, and
// nothing is written behind the room.
func TestAppendJSONRoom(t *testing.T) {
	for name, e := range map[string]*entry.Entry{"everything": full(), "nothing": {}, "an empty redaction": {Redactions: make([]entry.Redaction, 2)}, "hostile": {Message: strings.Repeat("\x00\u0085", 400)}} {
		want := "before" + string(e.AppendJSON(nil))
		for room := range len(want) + 256 {
			beyond := append([]byte("before"), bytes.Repeat([]byte{0xaa}, room+8)...)
			if got := e.AppendJSON(beyond[: 6 : 6+room]); string(got) != want {
				t.Fatalf("%s with room for %d:\n got %s\nwant %s", name, room, got, want)
			}
			if tail := beyond[6+room:]; !bytes.Equal(tail, bytes.Repeat([]byte{0xaa}, 8)) {
				t.Fatalf("%s: written behind the room of %d: % x", name, room, tail)
			}
		}
	}
}

// Times are those of the time package.
func TestTimes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	for range 10000 {
		at := time.Unix(rnd.Int64N(253402300800+62135596800)-62135596800, rnd.Int64N(1e9))
		want := at.UTC().Format("2006-01-02T15:04:05.000000000Z")
		if got := string(entry.AppendTime(nil, at)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		e := entry.Entry{Time: at}
		if got := string(e.AppendJSON(nil)); got != `{"time":"`+want+`"}` {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}
