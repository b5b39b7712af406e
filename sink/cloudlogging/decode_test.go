package cloudloggingsink

import (
	"bytes"
	"testing"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"

	"github.com/txtrail/txtrail/entry"
)

// Whatever a log holds, and others may write to it: a LogEntry is an entry whose line
// reads back as it is, or an error.
func FuzzDecode(f *testing.F) {
	x := newEncoder()
	for i, e := range corpus() {
		b, err := proto.Marshal(encode(f, x, e.Line(), part{uid: "u", index: i, total: i}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		le := &loggingpb.LogEntry{}
		if proto.Unmarshal(b, le) != nil {
			return
		}
		PartOf(le)
		if _, _, err := Join([]*loggingpb.LogEntry{le, le}); err != nil && len(err.Error()) > 2000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		e, err := Decode(le)
		if err != nil {
			return
		}
		again, err := entry.Parse(e.Line())
		if err != nil {
			t.Fatalf("%v: %q", err, e.Line())
		}
		if !bytes.Equal(again.AppendJSON(nil), e.Line()) {
			t.Fatalf("the line changes\n%q\n%q", e.Line(), again.AppendJSON(nil))
		}
	})
}
