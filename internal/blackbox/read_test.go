package blackbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// image is a table's file with three requests in it.
func image(t testing.TB) []byte {
	t.Helper()
	table := create(t, 4)
	for i := range 3 {
		table.Begin(request(i))
	}
	die(t, table)
	b, err := os.ReadFile(table.Path())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A file cut short at any byte, or with any bit of it turned, is read as far as it
// goes, and never gives a request that was not there.
func TestDamage(t *testing.T) {
	b := image(t)
	whole, err := parse(b, "")
	if err != nil || len(whole.Requests) != 3 {
		t.Fatalf("%+v, %v", whole, err)
	}
	known := map[txid.ID]bool{}
	for i := range whole.Requests {
		known[whole.Requests[i].ID] = true
	}
	check := func(what string, at int, b []byte) {
		t.Helper()
		found, err := parse(b, "")
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Fatalf("%s at %d: %v", what, at, err)
			}
			return
		}
		for i := range found.Requests {
			if !known[found.Requests[i].ID] {
				t.Fatalf("%s at %d: %+v", what, at, found.Requests[i])
			}
		}
	}
	for n := range b {
		if n < headerText+300 || n >= headerSize {
			check("cut", n, b[:n])
			bad := append([]byte(nil), b...)
			bad[n] ^= 1 << (n % 8)
			check("turned", n, bad)
		}
	}
	lost, err := parse(b[:headerSize+slotSize+10], "")
	if err != nil || len(lost.Requests) != 1 {
		t.Errorf("of three slots with the second cut: %+v, %v", lost, err)
	}
	newer := append([]byte(nil), b...)
	newer[len(magic)-1]++
	if _, err := parse(newer, ""); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer version: %v", err)
	}
}

// What is no table is refused, what is no regular file not even opened for long.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, Prefix+"0000000000000001")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Skip("SKIPPED: no links here")
	}
	if _, err := Read(link); err == nil {
		t.Error("a link was followed")
	}
	folder := filepath.Join(dir, Prefix+"0000000000000002")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(folder); err == nil {
		t.Error("a folder was read")
	}
	empty := filepath.Join(dir, Prefix+"0000000000000003")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{Prefix + "short", Prefix + "000000000000000G", "inflight-0000000000000003", Prefix + "0000000000000003.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	items, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{empty}, List(items, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	dead, err := Adopt(empty)
	if errors.Is(err, ErrUnsupported) {
		t.Skip("SKIPPED: no tables on this system")
	}
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("an empty file: %v", err)
	}
	if err := dead.Remove(); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	b := image(f)
	f.Add(b)
	f.Add(b[:headerSize])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := parse(b, "")
		if err != nil {
			return
		}
		for _, e := range found.Entries() {
			if err := e.Seal(nil); err != nil {
				t.Fatal(err)
			}
			again, err := entry.Parse(e.Line())
			if err != nil || again.InsertID != e.InsertID || again.Kind != entry.KindCrash {
				t.Fatalf("%s: %v", e.Line(), err)
			}
		}
	})
}

// FuzzSlot is FuzzParse behind the header's check.
func FuzzSlot(f *testing.F) {
	b := image(f)
	f.Add(b[headerSize : headerSize+slotSize])
	f.Fuzz(func(t *testing.T, slot []byte) {
		if len(slot) != slotSize {
			return
		}
		r, ok := parseSlot(slot)
		if ok && (r.ID != "" && !r.ID.Valid() || !plainRoute(r.Route) || !plainPath(r.Path)) {
			t.Fatalf("%+v", r)
		}
	})
}
