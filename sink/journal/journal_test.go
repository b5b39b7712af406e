package journalsink

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
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

// Write allocates nothing once its buffer has grown.
func TestWriteAllocatesNothing(t *testing.T) {
	j := openTest(t, t.TempDir(), &Options{MaxFileBytes: 1 << 30, MaxBytes: -1})
	batch := makeBatch(t, 0, 20, 5)
	// So often that what the journal does meanwhile in the background, and the rows' memory
	// that grows now and then, are less than one.
	if n := testing.AllocsPerRun(800, func() {
		if err := j.Write(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}); n > 1 || n > 0 && runtime.GOOS == "linux" { // see placed
		t.Errorf("%v allocations for a batch", n)
	}
}

// A batch of many MiB, and one entry that is larger than a buffer.
func TestLargeBatch(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, &Options{MaxFileBytes: 1 << 20})
	batch := makeBatch(t, 0, 3, 1)
	for i := range 3 {
		e := &entry.Entry{Time: testStart, TxID: "txid-000000", InsertID: "large" + itoa(i), Kind: entry.KindServer}
		e.Response.Body.Content = bytes.Repeat([]byte("0123456789abcdef"), 200<<10)
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		batch = append(batch, e)
	}
	batch = append(batch, makeBatch(t, 10, 3, 1)...)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		if diff := cmp.Diff(insertIDs(batch), scanIDs(t, readerTest(t, dir))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	check()
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	check()
}

// A line that is longer than any can be costs itself, in bounded memory.
func TestTooLongLine(t *testing.T) {
	dir := t.TempDir()
	batch := makeBatch(t, 0, 2, 1)
	content := appendLine(nil, batch[0].Line())
	content = append(content, bytes.Repeat([]byte("x"), 2*entry.MaxLine+77)...)
	content = append(content, '\n')
	at := int64(len(content))
	content = appendLine(content, batch[1].Line())
	base := orphan(t, dir, 1, content)
	r := readerTest(t, dir)
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
		t.Errorf("open (-want +got)\n%s", diff)
	}
	l := newLineReader(bytes.NewReader(content), 0, 1)
	for {
		raw, err := l.next()
		if err != nil {
			break
		}
		if raw.text == nil && (raw.at+raw.size+1 != at || cap(l.buf) > 4*entry.MaxLine) {
			t.Errorf("line at %d of %d bytes, next at %d; buffer %d", raw.at, raw.size, at, cap(l.buf))
		}
	}
	j := openTest(t, dir, nil)
	waitFor(t, func() bool { return j.Stats().Adopted == 1 })
	r = readerTest(t, dir)
	if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
		t.Errorf("closed (-want +got)\n%s", diff)
	}
	b, _, _ := splitName(base + extClosed)
	var got []string
	if _, err := r.walk(context.Background(), &listed{baseName: b, closed: true}, &query{}, at, func(e *entry.Entry) bool {
		got = append(got, e.InsertID)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insertIDs(batch[1:]), got); diff != "" {
		t.Errorf("from the offset behind it (-want +got)\n%s", diff)
	}
}
