package journalsink

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 100, 10)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	r := readerTest(t, dir)
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
		t.Errorf("scan (-want +got)\n%s", diff)
	}
	if got := lookupIDs(t, r, "txid-000003"); len(got) != 10 {
		t.Errorf("lookup found %d, want 10", len(got))
	}
	if got := lookupIDs(t, r, "txid-00000"); len(got) != 100 {
		t.Errorf("lookup by prefix found %d, want 100", len(got))
	}
	for e, err := range r.Lookup(context.Background(), "txid-000004") {
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Line()) != string(batch[4].Line()) {
			t.Errorf("line\n%s\nwant\n%s", e.Line(), batch[4].Line())
		}
		break
	}
}
