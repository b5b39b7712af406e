package journalsink

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/txtrail/txtrail/entry"
)

// FuzzLines: whatever the bytes, the lines are those that splitting gives, however
// they arrive, and none that is not ours passes.
func FuzzLines(f *testing.F) {
	e := makeEntry(f, "txid-000001", 1, "hello")
	good := appendLine(nil, e.Line())
	f.Add(good, uint8(1))
	f.Add(append(good[:len(good)-5:len(good)-5], good...), uint8(7))
	f.Add([]byte("\n\n{}\n"), uint8(3))
	f.Add([]byte(`{"crc":"00000000"}`), uint8(0))
	f.Add([]byte(`{"time":"2026-03-01T19:04:00.001000000Z","txid":"\u0031"}`+"\n"), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, start uint8) {
		var in io.Reader = bytes.NewReader(data)
		if start%2 == 1 {
			in = iotest.HalfReader(in)
		}
		l := newLineReader(in, int64(start), int64(start%5))
		var joined []byte
		for {
			raw, err := l.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if raw.at != int64(start)+int64(len(joined)) || raw.size != int64(len(raw.text)) {
				t.Fatalf("line at %d of size %d, want at %d", raw.at, raw.size, int(start)+len(joined))
			}
			joined = append(joined, raw.text...)
			if !raw.open {
				joined = append(joined, '\n')
			}
			text := slices.Clone(raw.text)
			line, err := stripLine(text)
			if err != nil {
				if !bytes.Equal(text, raw.text) {
					t.Fatal("a line that was refused was changed")
				}
				continue
			}
			line = slices.Clone(line)
			if again := appendLine(nil, line); !bytes.Equal(again[:len(again)-1], raw.text) {
				t.Fatalf("%q written again is %q", raw.text, again)
			}
			h := readHead(line)
			if e, err := entry.Parse(line); err == nil && h.known {
				if string(h.txid) != string(e.TxID) {
					t.Fatalf("txid %q read, %q parsed, of %s", h.txid, e.TxID, line)
				}
				if h.timed && h.time != e.Time.UnixNano() {
					t.Fatalf("time %d read, %d parsed, of %s", h.time, e.Time.UnixNano(), line)
				}
			}
		}
		if !bytes.Equal(joined, data) {
			t.Fatalf("the lines are %q, the data %q", joined, data)
		}
	})
}

// FuzzIndex: no payload, even with a right checksum, makes a reader panic or take
// unbounded memory, and a look-up names only blocks that there are.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, newBase("x", testStart, 1, 1)+extClosed)
	ids := map[string][]uint32{"txid-000001": {0, 1}, "txid-000002": {1}, "tx": {0}, "other-id": {0, 1}}
	blocks := []block{{size: 100, plain: 200, lines: 3, min: 1, max: 5}, {at: 100, size: 50, plain: 70, lines: 1, min: noMin, max: noMax}}
	good := appendIndex(nil, blocks, section{sectionIDs, encodeIDs(ids)}, section{sectionFilter, encodeFilter(sortedIDs(ids))})
	f.Add(good, "txid-0", true)
	f.Add(good[:len(good)-3], "t", false)
	f.Add(good[frameHeadLen:], "txid-000001", true)
	f.Fuzz(func(t *testing.T, data []byte, prefix string, fix bool) {
		if fix && len(data) >= frameHeadLen+indexHeadLen+indexTailLen {
			data = fixIndex(data)
		}
		file := append(make([]byte, 150), data...)
		x, err := readIndex(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		for _, n := range x.find(prefix) {
			if n < 0 || n >= len(x.blocks) {
				t.Fatalf("block %d of %d", n, len(x.blocks))
			}
		}
		for _, from := range []int64{0, 100, math.MaxInt64} {
			q := query{bounded: true, since: 2, until: 3}
			q.blocks(x, from)
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		readWhole(t, dir)
	})
}

// fixIndex makes the lengths and the checksum right.
func fixIndex(data []byte) []byte {
	data = slices.Clone(data)
	n := len(data) - frameHeadLen
	putUint32(data, indexMagic)
	putUint32(data[4:], uint32(n))
	copy(data[len(data)-8:], indexTail)
	putUint32(data[len(data)-16:], uint32(n))
	putUint32(data[len(data)-12:], checksum(data[frameHeadLen:len(data)-12]))
	return data
}

// FuzzClosedFile: any bytes under a closed file's name are read without a panic, also
// those whose checksums are right.
func FuzzClosedFile(f *testing.F) {
	dir := f.TempDir()
	good := forge(f, makeBatch(f, 0, 5, 2)).bytes()
	f.Add(good, false, false)
	f.Add(good, false, true)
	f.Add(good[:len(good)-9], false, true)
	f.Add(append([]byte("junk"), good...), false, true)
	f.Add(bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd}, 20), false, false)
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, false, false)
	f.Fuzz(func(t *testing.T, data []byte, open, mend bool) {
		name := newBase("x", testStart, 1, 1) + extClosed
		if open {
			name = newBase("x", testStart, 1, 1) + extOpen
		}
		if mend {
			data = mendClosed(data)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		readWhole(t, dir)
	})
}

// The table of txids finds every prefix of every txid, and few others.
func TestIDTable(t *testing.T) {
	sets := map[string][]string{
		"none":     nil,
		"one":      {"abcdefgh"},
		"nested":   {"abcdefgh", "abcdefghi", "abcdefghij", "abcdefghijklmnopqrst", "abcdefgi"},
		"foreign":  {"mycompany-prod-eu-000001", "mycompany-prod-eu-000002", "mycompany-prod-eu-1"},
		"high low": {"~~~~~~~~", "+++++++++", "zzzzzzzz"},
	}
	var minted []string
	for i := range 1000 {
		minted = append(minted, string(mintID(i)))
	}
	sets["minted"] = minted
	for name, ids := range sets {
		const blocks = 7
		in := map[string][]uint32{}
		for i, id := range ids {
			in[id] = []uint32{uint32(i % blocks)}
			if i%3 == 0 && i%blocks < blocks-1 {
				in[id] = append(in[id], blocks-1)
			}
		}
		table, err := parseIDs(encodeIDs(in))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			for n := 1; n <= len(id); n++ {
				if n < len(id) && len(ids) > 100 && n%5 != 0 {
					continue
				}
				want := map[int]bool{}
				for other, in := range in {
					if strings.HasPrefix(other, id[:n]) {
						for _, b := range in {
							want[int(b)] = true
						}
					}
				}
				got := table.find(id[:n], blocks)
				for b := range want {
					if !slices.Contains(got, b) {
						t.Fatalf("%s: %q: blocks %v, want %v", name, id[:n], got, want)
					}
				}
			}
		}
		if name == "minted" {
			size := len(encodeIDs(in))
			t.Logf("%d bytes per txid", size/len(ids))
			if size > 14*len(ids) {
				t.Errorf("%d bytes for %d txids", size, len(ids))
			}
			vain := 0
			for i := range 1000 {
				if len(table.find(string(mintID(1e6+i)), blocks)) > 0 {
					vain++
				}
			}
			if vain > 5 {
				t.Errorf("%d of 1000 absent txids lead to a block", vain)
			}
		}
	}
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string]bool{
		newBase("web", testStart, 1, 1) + extOpen:                      true,
		newBase("a-b-c_9", testStart, 0xffffffff, 9999999) + extClosed: true,
		newBase("web", testStart, 1, 1) + extTemp:                      true,
		newBase("Web", testStart, 1, 1) + extOpen:                      false,
		newBase("", testStart, 1, 1) + extOpen:                         false,
		newBase(strings.Repeat("x", 33), testStart, 1, 1) + extOpen:    false,
		newBase("web", testStart, 1, 1) + ".json":                      false,
		"web-20260101T000000-00000001-1.jsonl":                         false,
		"web-20261301T000000-00000001-000001.jsonl":                    false,
		"web-20260101T000000-0000000g-000001.jsonl":                    false,
		"-20260101T000000-00000001-000001.jsonl":                       false,
		".jsonl":                                                       false,
		".jsonl.zst":                                                   false,
		"":                                                             false,
	} {
		if _, _, ok := splitName(name); ok != want {
			t.Errorf("%q: %v, want %v", name, ok, want)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"": "txtrail", "web": "web", "Web-Shop_2": "web-shop_2", strings.Repeat("x", 32): strings.Repeat("x", 32),
		"Web Shop!": "web-shop-", "../../etc": "etc-", "가나다": "txtrail-", "a\x00b": "a-b-", "-web": "web-",
		strings.Repeat("é", 50): "txtrail-", strings.Repeat("x", 33): strings.Repeat("x", 23) + "-",
	} {
		got := cleanName(in)
		if strings.HasSuffix(want, "-") {
			if len(got) != len(want)+8 || !hexWord(got[len(want):]) {
				t.Errorf("cleanName(%q) = %q, want %q and a hash", in, got, want)
			}
			got = got[:len(want)]
		}
		if got != want {
			t.Errorf("cleanName(%q) = %q, want %q", in, got, want)
		}
	}
	// What differs in more than capitals has files of its own, and a name is clean once.
	seen := map[string]string{}
	for _, in := range []string{"결제", "주문", "", "txtrail", "a.b", "a-b", "a b", "-a-b", strings.Repeat("x", 32), strings.Repeat("x", 40), strings.Repeat("x", 41)} {
		got := cleanName(in)
		if other, twice := seen[got]; twice && (in != "txtrail" && other != "txtrail") {
			t.Errorf("%q and %q are both %q", in, other, got)
		}
		seen[got] = in
		if again := cleanName(got); again != got {
			t.Errorf("%q, %q, %q", in, got, again)
		}
		if _, _, ok := splitName(newBase(got, testStart, 1, 1) + extOpen); !ok {
			t.Errorf("%q is no name", got)
		}
	}
}
