package journalsink

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

var testStart = time.Date(2026, 3, 1, 19, 4, 0, 0, time.UTC)

// makeEntry returns a sealed entry; its insertId is unique by n.
func makeEntry(t testing.TB, id string, n int, message string) *entry.Entry {
	t.Helper()
	e := &entry.Entry{
		Time:     testStart.Add(time.Duration(n) * time.Millisecond),
		TxID:     txid.ID(id),
		InsertID: fmt.Sprintf("i%08d", n),
		Kind:     entry.KindServer,
		Message:  message,
	}
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// makeBatch returns count entries over ids txids, beginning with number from.
func makeBatch(t testing.TB, from, count, ids int) []*entry.Entry {
	t.Helper()
	batch := make([]*entry.Entry, count)
	for i := range batch {
		n := from + i
		batch[i] = makeEntry(t, fmt.Sprintf("txid-%06d", n%ids), n, "GET /items/"+strings.Repeat("x", n%50))
	}
	return batch
}

func openTest(t testing.TB, dir string, opts *Options) *Journal {
	t.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.OnError == nil {
		o.OnError = func(err error) { t.Logf("OnError: %v", err) }
	}
	if o.MinFree == 0 {
		o.MinFree = -1 // the disk of a test machine may be full
	}
	if o.fs == nil {
		o.fs = quickFS{}
	}
	j, err := Open(dir, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	return j
}

func readerTest(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := OpenReader(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scanIDs returns the insertIds of all entries.
func scanIDs(t testing.TB, r *Reader) []string {
	t.Helper()
	var ids []string
	for e, err := range r.Scan(context.Background(), ScanOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.InsertID)
	}
	return ids
}

func lookupIDs(t testing.TB, r *Reader, prefix string) []string {
	t.Helper()
	var ids []string
	for e, err := range r.Lookup(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.InsertID)
	}
	return ids
}

func insertIDs(batch []*entry.Entry) []string {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.InsertID
	}
	return ids
}

func itoa(n int) string { return strconv.Itoa(n) }

// waitFor waits for background work that gives no sign. Its limit is far beyond
// what the work takes: it ends a test that hangs and decides nothing else.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited for 30 s in vain")
		}
	}
}

// yieldIDs is an iterator's body that keeps the insertIds.
func yieldIDs(t testing.TB, ids *[]string) func(*entry.Entry, error) bool {
	return func(e *entry.Entry, err error) bool {
		if err != nil {
			t.Error(err)
			return false
		}
		*ids = append(*ids, e.InsertID)
		return true
	}
}

// mintID mints a txid n milliseconds after the start.
func mintID(n int) txid.ID {
	return txid.NewMinter(nil).At(testStart.Add(time.Duration(n) * time.Millisecond))
}

func putUint32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// quickFS is the real file system without waiting for the disk: no test can tell
// the difference, and on a busy machine that wait is most of a test's time.
type quickFS struct{ osFS }

type quickFile struct{ file }

func (quickFile) Sync() error            { return nil }
func (quickFS) SyncDir(dir string) error { return nil }

func (q quickFS) Create(path string, perm fs.FileMode) (file, error) {
	f, err := q.osFS.Create(path, perm)
	if err != nil {
		return nil, err
	}
	return quickFile{f}, nil
}

// walk reads one base that may be gone.
func (r *Reader) walk(ctx context.Context, l *listed, q *query, from int64, each emit) (int64, error) {
	end, _, err := r.walkVolume(ctx, r.shelf.volume(l), q, from, each)
	if errors.Is(err, errStop) || errors.Is(err, errUnread) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return end, err
}
