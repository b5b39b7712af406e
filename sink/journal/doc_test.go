package journalsink

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// docEntries have something in every column, and some have nothing.
func docEntries(t *testing.T, from, n int) []*entry.Entry {
	t.Helper()
	batch := make([]*entry.Entry, n)
	for i := range batch {
		k := from + i
		e := &entry.Entry{
			Time: testStart.Add(time.Duration(k%7-3) * time.Second), TxID: txid.ID(fmt.Sprintf("%08d-doc-%x", k/3, k/3*7919)),
			InsertID: fmt.Sprintf("d%06d", k), Kind: entry.KindServer, Severity: entry.SeverityInfo,
			Message:  strings.Repeat(fmt.Sprint(k, " "), 40),
			Latency:  time.Duration(k) * time.Microsecond,
			Resource: &entry.Resource{Service: "shop", Version: "1.2", Instance: fmt.Sprint("pod-", k%3), Environment: "prod", ServerUser: "kim"},
			Facts:    entry.Facts{UserID: fmt.Sprint("u", k%300), Device: "SM-S921N", OS: "Android 16", AppVersion: "9.1", Country: "KR", EntryPage: "GET /start"},
			HTTP: entry.HTTP{
				Method: "POST", URL: fmt.Sprintf("https://shop.example/api/orders/%d?x=1", k%5), Route: "/api/orders/{id}",
				Status: 200 + k%4*100, UserAgent: "UA/1",
			},
			Error: entry.Error{Type: "timeout"},
		}
		if k%2 == 0 {
			e.Kind, e.HTTP.ServerAddress = entry.KindClient, "pay.example"
		}
		if k%4 == 0 {
			e.Peer.Service = "pay"
		}
		if k%5 == 0 {
			e = &entry.Entry{Time: e.Time, TxID: e.TxID, InsertID: e.InsertID, Kind: entry.KindLog}
		}
		if err := e.Seal(nil); err != nil {
			t.Fatal(err)
		}
		batch[i] = e
	}
	return batch
}

// A closed file is what the page says, in every part of it.
func TestDocClosedFile(t *testing.T) {
	r := newFormatReader(t)
	dir := t.TempDir()
	j := openTest(t, dir, &Options{Name: "web"})
	batch := docEntries(t, 0, 3000)
	if err := j.Write(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadFile(filepath.Join(dir, names(t, dir, extOpen)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, names(t, dir, extClosed)[0]))
	if err != nil {
		t.Fatal(err)
	}
	f := r.file(b)
	if !bytes.Equal(f.plain, open) {
		t.Fatal("the decompressed bytes are not those of the open file")
	}
	lines := r.lines(f.plain)
	if len(lines) != len(batch) || f.rows != int64(len(batch)) || f.damaged != 0 {
		t.Fatalf("%d lines, %d rows, %d damaged", len(lines), f.rows, f.damaged)
	}
	if len(f.blocks) < 3 {
		t.Fatalf("%d blocks: too few to tell", len(f.blocks))
	}
	if f.min != testStart.Add(-3*time.Second).UnixNano() || f.max != testStart.Add(3*time.Second).UnixNano() {
		t.Errorf("times from %d to %d", f.min, f.max)
	}
	// Every txid is found in its blocks, and few others anywhere.
	next := int64(0)
	for i, e := range batch {
		at := next
		next += int64(bytes.IndexByte(f.plain[next:], '\n')) + 1
		in := slices.IndexFunc(f.blocks, func(k [2]int64) bool { return k[0] <= at && at < k[0]+k[1] })
		id := string(e.TxID)
		for _, prefix := range []string{id, id[:10], id[:5]} {
			if i%10 > 0 {
				continue
			}
			if i%100 == 0 && !slices.Contains(r.mayHave(f, prefix), in) {
				t.Fatalf("section 2: %q is not in block %d", prefix, in)
			}
			if !r.filtered(f, prefix) {
				t.Fatalf("section 3: %q is ruled out", prefix)
			}
		}
	}
	passed := 0
	for n := range 500 {
		if r.filtered(f, fmt.Sprintf("%08d-none", 500_000+n)) {
			passed++
		}
	}
	if passed > 8 {
		t.Errorf("%d of 500 txids pass that are not in the file", passed)
	}
	r.checkColumns(f, lines)
}

// checkColumns compares the columns with what stands in the lines, by the names that the
// page gives them.
func (r *formatReader) checkColumns(f *formatFile, lines []map[string]any) {
	t := r.t
	t.Helper()
	get := func(m map[string]any, path ...string) any {
		var v any = m
		for _, p := range path {
			o, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = o[p]
		}
		return v
	}
	text := func(v any) string { s, _ := v.(string); return s }
	dotted := func(name string) func(m map[string]any) string {
		return func(m map[string]any) string {
			path := strings.Split(name, ".")
			if v := get(m, path...); v != nil {
				return text(v)
			}
			return text(get(m, append([]string{"resource"}, path...)...))
		}
	}
	special := map[string]func(m map[string]any) string{
		"HTTP method": func(m map[string]any) string { return text(get(m, "httpRequest", "requestMethod")) },
		"path of the URL: no scheme and host, no query, no fragment": func(m map[string]any) string {
			u := text(get(m, "httpRequest", "requestUrl"))
			u, _, _ = strings.Cut(u, "?")
			return strings.TrimPrefix(u, "https://shop.example")
		},
		"whom a call went to: service.peer.name, or else server.address": func(m map[string]any) string {
			if name := text(get(m, "service", "peer", "name")); name != "" {
				return name
			}
			return text(get(m, "server", "address"))
		},
		"User-Agent": func(m map[string]any) string { return text(get(m, "httpRequest", "userAgent")) },
	}
	said := 0
	for _, row := range r.rows("## The columns", 1) {
		for i := 0; i+1 < len(row); i++ {
			number, err := strconv.ParseUint(row[i], 10, 32)
			if err != nil || number >= 64 || row[i+1] == "" {
				continue
			}
			said++
			name := row[i+1]
			of := special[name]
			if of == nil {
				of = dotted(name)
			}
			for k, got := range f.texts(t, uint32(number)) {
				if want := of(lines[k]); got != want {
					t.Fatalf("column %d, %s, row %d: %q, the line says %q", number, name, k, got, want)
				}
			}
		}
	}
	if want := len(f.column) - 5; said != want {
		t.Errorf("the page names %d text columns, the file has %d", said, want)
	}
	numbers := func(name string) []int64 {
		t.Helper()
		for _, row := range r.rows("## The columns", 1) {
			for i := 0; i+1 < len(row); i++ {
				if number, err := strconv.ParseUint(row[i], 10, 32); err == nil && strings.HasPrefix(row[i+1], name) {
					return f.numbers(t, uint32(number), name == "time")
				}
			}
		}
		t.Fatalf("the page has no column of the %s", name)
		return nil
	}
	times, latencies, statuses, bits := numbers("time"), numbers("latency"), numbers("HTTP status"), numbers("bits")
	for k, m := range lines {
		at, err := time.Parse(time.RFC3339Nano, text(m["time"]))
		if err != nil || at.UnixNano() != times[k] || bits[k] != 1 {
			t.Fatalf("row %d: time %d, bits %d, the line says %v", k, times[k], bits[k], m["time"])
		}
		status, _ := get(m, "httpRequest", "status").(float64)
		if statuses[k] != int64(status) {
			t.Fatalf("row %d: status %d, the line says %v", k, statuses[k], status)
		}
		if d, err := time.ParseDuration(text(get(m, "httpRequest", "latency"))); err == nil && d.Nanoseconds() != latencies[k] {
			t.Fatalf("row %d: latency %d, the line says %v", k, latencies[k], d)
		}
	}
	for k, s := range numbers("severity") {
		if want := map[string]int64{"": 0, "DEFAULT": 0, "INFO": 200}[text(lines[k]["severity"])]; s != want {
			t.Fatalf("row %d: severity %d, want %d", k, s, want)
		}
	}
}

// What was damaged before a file was closed is blank in it, and in its place; a merged file
// names its parts and where they are.
func TestDocDamagedAndMerged(t *testing.T) {
	r := newFormatReader(t)
	dir := t.TempDir()
	base := newBase("web", testStart, 7, 1)
	putFile(t, dir, base, docEntries(t, 0, 5), false)
	path := filepath.Join(dir, base+extOpen)
	open, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open = append(open, "torn"...)
	open[3] ^= 1
	if err := os.WriteFile(path, open, 0o600); err != nil {
		t.Fatal(err)
	}
	j := stillJournal(t, dir, &Options{OnError: func(error) {}})
	j.adoptAll()
	b, err := os.ReadFile(filepath.Join(dir, base+extClosed))
	if err != nil {
		t.Fatal(err)
	}
	f := r.file(b)
	want := append(slices.Clone(open), '\n')
	end := bytes.IndexByte(want, '\n')
	copy(want, bytes.Repeat([]byte{' '}, end))
	copy(want[len(want)-5:], "    ")
	if !bytes.Equal(f.plain, want) || f.damaged != 2 || len(r.lines(f.plain)) != 4 {
		t.Errorf("%d damaged, %d lines, %q", f.damaged, len(r.lines(f.plain)), f.plain)
	}

	dir = t.TempDir()
	parts := make(map[string][]byte)
	for n := range 40 {
		base := smallFile(t, dir, "web", n, docEntries(t, n*4, 4))
		b, err := os.ReadFile(filepath.Join(dir, base+extClosed))
		if err != nil {
			t.Fatal(err)
		}
		parts[base] = r.file(b).plain
	}
	j = stillJournal(t, dir, nil)
	j.mergeSmall()
	left := names(t, dir, extClosed)
	if len(left) != 1 || !regexp.MustCompile(`^web-\d{8}T\d{6}-[0-9a-f]{8}-0\d{11}\.jsonl\.zst$`).MatchString(left[0]) {
		t.Fatalf("left is %v", left)
	}
	if b, err = os.ReadFile(filepath.Join(dir, left[0])); err != nil {
		t.Fatal(err)
	}
	f = r.file(b)
	// Section 5, as its table says: a count, and of each part 8, 8, 4, and a length and the base.
	var sizes []int
	for _, row := range r.rows("### Section 5: parts", 0) {
		n, _ := strconv.Atoi(strings.TrimSuffix(row[0], ", n"))
		sizes = append(sizes, n)
	}
	if diff := cmp.Diff([]int{4, 8, 8, 4, 1}, sizes); diff != "" {
		t.Fatal(diff)
	}
	s := f.sections[5]
	count := binary.LittleEndian.Uint32(s)
	s = s[4:]
	for range count {
		at, size, lines, n := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:]), binary.LittleEndian.Uint32(s[16:]), int(s[20])
		name := string(s[21 : 21+n])
		s = s[21+n:]
		if !bytes.Equal(parts[name], f.plain[at:at+size]) || lines != 4 {
			t.Errorf("%s is not at %d, or has not %d lines", name, at, lines)
		}
		delete(parts, name)
	}
	if len(parts) > 0 || len(s) > 0 {
		t.Errorf("%d parts are not named, %d bytes too many", len(parts), len(s))
	}
}

// A cursor has the members that the page names, and no other.
func TestDocCursor(t *testing.T) {
	r := newFormatReader(t)
	dir := t.TempDir()
	j := openTest(t, dir, &Options{Name: "web", MaxFileBytes: 4 << 10})
	for i := range 5 {
		writeTest(t, j, i*10, 10)
	}
	const name = "Cloud Logging:x/Y"
	f := attachTest(t, spoolTest(t, dir, &SpoolOptions{Name: "web", CommitEvery: -1}), name)
	if _, err := f.Look(context.Background()); err != nil {
		t.Fatal(err)
	}
	nextTest(t, f, 15)
	if err := f.Commit(context.Background(), 15); err != nil {
		t.Fatal(err)
	}
	f.done["1a2b3c4d"] = 6
	f.merged["web-20260301T190400-0000002a-000000000001"] = 48211
	f.note = lostNote{Entries: 12, Last: testStart}
	f.again.settled = 3
	if err := f.write(); err != nil {
		t.Fatal(err)
	}
	f.again.settled = 0
	// The folder's name by the page's rule.
	part := r.part("## What was shipped")
	if !strings.Contains(part, "its first 80 bytes, in lower case, with `-` for what is not\n`[a-z0-9._-]`; then `-` and the CRC-32C") {
		t.Error("the rule of a sink's folder reads otherwise")
	}
	folder := fmt.Sprintf("cloud-logging-x-y-%08x", castagnoliOf([]byte(name)))
	b, err := os.ReadFile(filepath.Join(dir, ".ship", folder, "web.cursor"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(part, "```\n")
	example, _, _ = strings.Cut(example, "```")
	members := func(text string) (out []string) {
		var m map[string]any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "\n", "")), &m); err != nil {
			t.Fatal(err)
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			o, _ := v.(map[string]any)
			for k, v := range o {
				if regexp.MustCompile(`^[0-9a-f]{8}$|^web-`).MatchString(k) {
					k = "*"
				}
				out = append(out, at+k)
				walk(at+k+".", v)
			}
		}
		walk("", m)
		slices.Sort(out)
		return slices.Compact(out)
	}
	if diff := cmp.Diff(members(example), members(string(b))); diff != "" {
		t.Errorf("the page's cursor and a real one (-page +real)\n%s", diff)
	}
	if lines := r.lines(b); len(lines) != 1 {
		t.Errorf("%d lines", len(lines))
	}
	closeTest(t, f)
}

// A list of requests in flight is what the page says.
func TestDocInFlight(t *testing.T) {
	r := newFormatReader(t)
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	l, err := j.InFlight(&InFlightOptions{Slots: 16, OnDisk: true, Resource: &entry.Resource{Service: "shop", PID: 4711}})
	if err != nil {
		t.Skip(err)
	}
	slot := l.Begin(sink.InFlightRequest{
		ID: "doc-0000000001", Method: "POST", Path: "/api/orders", Start: testStart, Span: 0x1122334455667788, Parent: 0x99, Stream: true,
	})
	slot.SetRoute("/api/orders/{id}")
	defer slot.End()
	files, err := filepath.Glob(filepath.Join(dir, ".inflight-*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	const heading = "## Requests in flight"
	head, s := r.layout(heading, 0), r.layout(heading, 1)
	headLen := int(r.number(heading, `begins with a header of (\d+) bytes`))
	slotLen := int(r.number(heading, `A slot has (\d+) bytes`))
	if string(b[:8]) != r.match(heading, "`(TXTRFLY\\d)`")[0] || len(b) != headLen+16*slotLen {
		t.Fatalf("%d bytes that begin with %q", len(b), b[:8])
	}
	if n := head.read(b, "N"); fmt.Sprintf(".inflight-%016x", uint64(n)) != filepath.Base(files[0]) {
		t.Errorf("number %x of %s", n, files[0])
	}
	lineAt, _ := head.field("the resource's line")
	line := b[lineAt:][:head.read(b, "length of the resource's line")]
	if head.read(b, "number of slots") != 16 || head.read(b, "where the slots are") != 0 {
		t.Error("another header")
	}
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Errorf("%q: %v", line, err)
	}
	sums := r.match(heading, `CRC-32C of the bytes (\d+) to (\d+), (\d+) to (\d+), and of that line`)
	at := func(i int) int { n, _ := strconv.Atoi(sums[i]); return n }
	sum := castagnoliOf(slices.Concat(b[at(0):at(1)], b[at(2):at(3)], line))
	if uint32(head.read(b, "CRC-32C")) != sum {
		t.Error("the header fails its check")
	}
	found := 0
	for i := range 16 {
		p := b[headLen+i*slotLen:][:slotLen]
		if s.read(p, "state")&1 == 0 {
			continue
		}
		found++
		lens := p[12:15]
		textAt, textLen := s.field("texts")
		texts := p[textAt:][:textLen]
		end := textAt + int(lens[0]) + int(lens[1]) + int(lens[2])
		if string(texts[:end-textAt]) != "doc-0000000001POST/api/orders" {
			t.Errorf("texts %q", texts)
		}
		if s.read(p, "when it began") != testStart.UnixNano() || s.read(p, "span") != 0x1122334455667788 || s.read(p, "parent") != 0x99 || p[15] != 1 {
			t.Errorf("%x", p)
		}
		from := int(r.number(heading, `CRC-32C of the bytes from (\d+) to the end of the texts`))
		if uint32(s.read(p, "CRC-32C")) != castagnoliOf(p[from:end]) {
			t.Error("the slot fails its check")
		}
		lenAt, _ := s.field("length of the route")
		routeAt, _ := s.field("route")
		if string(p[routeAt:][:p[lenAt]]) != "/api/orders/{id}" {
			t.Errorf("route %q", p[routeAt:])
		}
	}
	if found != 1 {
		t.Errorf("%d requests", found)
	}
}

// The numbers in the page's sentences are those of the code.
func TestDocNumbers(t *testing.T) {
	page := strings.Join(strings.Fields(readFormatPage(t).text), " ")
	for _, want := range []string{
		fmt.Sprintf("has at most %d MiB (`entry.MaxLine`)", entry.MaxLine>>20),
		fmt.Sprintf("`name`: 1 to %d bytes", maxName),
		fmt.Sprintf("`stamp`: %d bytes", len(stampLayout)),
		fmt.Sprintf("once in `SyncEvery` (%d s)", int(DefaultSyncEvery.Seconds())),
		fmt.Sprintf("`MaxFileBytes` (%d MiB)", DefaultMaxFileBytes>>20),
		fmt.Sprintf("`MaxFileAge` (%d h)", int(DefaultMaxFileAge.Hours())),
		fmt.Sprintf("A file of more than %d GiB is no writer's", maxPlain>>30),
		fmt.Sprintf("about %d KiB of them", blockTarget>>10),
		fmt.Sprintf("(%.1f s, or %.1f s where the time is whole seconds)", fineTick.Seconds(), coarseTick.Seconds()),
		fmt.Sprintf("After %d s the folder is listed all the same", relist/time.Second),
		fmt.Sprintf("A block has at most %d,%03d,%03d bytes", maxFrame/1_000_000, maxFrame/1000%1000, maxFrame%1000),
		fmt.Sprintf("a file has at most %d GiB, and half as many lines%.0d", maxPlain>>30, minLine-2),
		fmt.Sprintf("more rows than %d Mi or", maxColumn>>20),
		fmt.Sprintf("more than %d MiB and %d times as much", columnsFree>>20, columnsPerByte),
		fmt.Sprintf("It is left out if it would exceed %d MiB; then every block may", maxIndex/2>>20),
		fmt.Sprintf("or if it would exceed %d MiB. | offset", maxIndex/8>>20),
		fmt.Sprintf("(for %d,%03d of a file at most)", maxNoted/1000, maxNoted%1000),
		fmt.Sprintf("if a column would exceed %d MiB, or all together, compressed, %d MiB", maxColumn>>20, maxColumns>>20),
		fmt.Sprintf("number of parts, at most %d;", maxOrigins),
		fmt.Sprintf("at least %d of them (or %d that have `MaxFileBytes`/16 together) and at most %d", mergeAtLeast, mergeFew, maxOrigins),
		"at most `MaxFileBytes`/64,",
		fmt.Sprintf("at least once an hour while somebody ships%.0d", cursorPulse/time.Hour-1),
		fmt.Sprintf("{\"version\":%d,", cursorVersion),
		fmt.Sprintf("exceed `MaxBytes` (%d GiB) or less than `MinFree` (%.0f %%)", DefaultMaxBytes>>30, DefaultMinFree*100),
		fmt.Sprintf("(%d × `MaxFileBytes`)", fullRoom),
		fmt.Sprintf("number of slots, up to %d,%03d", blackbox.MaxSlots/1000, blackbox.MaxSlots%1000),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if cursorLife != 7*24*time.Hour || !strings.Contains(page, "written in the last seven days") {
		t.Error("a cursor's life is not what the page says")
	}
}
