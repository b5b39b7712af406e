package entry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// full returns an entry with every field set.
func full() *entry.Entry {
	at := time.Date(2026, 11, 20, 10, 4, 11, 204_000_000, time.UTC)
	return &entry.Entry{
		Time: at, TxID: "0197a3c2-7f10-7b3e-9c41-5d0c00000001", InsertID: "i-000017", Severity: entry.SeverityError,
		Kind: entry.KindClient, Message: "POST /v1/charge timed out", Span: 0x1122334455667788, Parent: 0x8877665544332211,
		Origin: "header:X-Transaction-Id", Refused: `bad\x00: 4 bytes, want 8 to 128`,
		Trace: txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 0xb7ad6b7169203331, Sampled: true},
		HTTP: entry.HTTP{
			Method: "POST", URL: "http://core:8080/v1/charge?a=[masked:query]", Route: "/v1/charge", Protocol: "HTTP/1.1", Status: 502,
			RemoteIP: "10.0.0.7", UserAgent: "KAKAOTALK 26.3.5", Referer: "https://shop.example/items", CacheHit: true, ResendCount: 2,
			ServerAddress: "core", ServerPort: 8080, Deadline: 1500 * time.Millisecond,
		},
		Peer:    entry.Peer{Service: "core-api", Requests: 100, Per: time.Minute},
		Latency: 1500*time.Millisecond + 1,
		Timings: entry.Timings{DNS: 1, Connect: 1e3, TLS: 1e6, Send: 1e9, Wait: 1_500_000, Receive: 7, FirstByte: 12345678, Handler: time.Hour},
		Request: entry.Message{
			Headers:  []entry.Header{{"Content-Type", "application/json"}, {"X-A", ""}, {"X-A", "2"}},
			Trailers: []entry.Header{{"X-Sum", "1"}},
			Body:     entry.Body{Content: []byte(`{"a":"한글"}`), Encoding: "utf-8", Type: "application/json", ContentEncoding: "gzip", Size: 14},
		},
		Response: entry.Message{
			Headers:  []entry.Header{{"Server", "core"}},
			Trailers: []entry.Header{{"Grpc-Status", "0"}},
			Body:     entry.Body{Content: []byte("AAEC"), Encoding: "base64", Type: "image/png", Size: -1, Truncated: true, Reason: "capture limit", Chunks: 3},
		},
		Error: entry.Error{Type: "header_timeout", Message: "no headers within 1.5s", Stack: "main.go:1\n\tmain.go:2"},
		Flags: []string{entry.FlagReused, entry.FlagNoDeadline},
		Facts: entry.Facts{
			UserID: "8812", Device: "iPhone15,2", OS: "iOS 26.3", AppVersion: "KakaoTalk 26.3.5", Country: "KR",
			EntryPage: "GET /items", Carried: []entry.Label{{"X-Shoe", "42"}},
		},
		Labels: []entry.Label{{"team", "pay"}, {"release", "캐나리아"}},
		Logger: "pay", Attributes: []entry.Label{{"amount", "1000"}, {"amount", "twice"}},
		Source: entry.Source{File: "pay.go", Line: 17, Function: "shop/pay.Charge"},
		Gap:    &entry.Gap{Count: 3, Bytes: 4096, Reason: "queue full", From: at, To: at.Add(time.Second)},
		Resource: &entry.Resource{
			Service: "web", Version: "1.2.3", Instance: "web-7", Environment: "local", Host: "laptop", PID: 4711,
			ServerUser: "mina", Attributes: []entry.Label{{"zone", "a"}},
		},
		Redactions: []entry.Redaction{{"query", 1}, {"password", 2}},
	}
}

// The line of an entry with every field set: order, names and types are what
// agents, the journal and tables of a warehouse rely on. Change it by adding only.
const fullLine = `{"time":"2026-11-20T10:04:11.204000000Z","txid":"0197a3c2-7f10-7b3e-9c41-5d0c00000001","logging.googleapis.com/insertId":"i-000017",` +
	`"severity":"ERROR","kind":"client","message":"POST /v1/charge timed out","span":"1122334455667788","parent":"8877665544332211",` +
	`"origin":"header:X-Transaction-Id","refused":"bad\\x00: 4 bytes, want 8 to 128",` +
	`"httpRequest":{"requestMethod":"POST","requestUrl":"http://core:8080/v1/charge?a=[masked:query]","requestSize":"14","status":502,` +
	`"userAgent":"KAKAOTALK 26.3.5","remoteIp":"10.0.0.7","referer":"https://shop.example/items","latency":"1.500000001s","cacheHit":true,"protocol":"HTTP/1.1"},` +
	`"http":{"route":"/v1/charge","request":{"resend_count":2,"deadline_ms":1500,` +
	`"headers":[{"name":"Content-Type","value":"application/json"},{"name":"X-A","value":""},{"name":"X-A","value":"2"}],` +
	`"body":{"type":"application/json","content_encoding":"gzip","encoding":"utf-8","content":"{\"a\":\"한글\"}","size":14},` +
	`"trailers":[{"name":"X-Sum","value":"1"}]},` +
	`"response":{"headers":[{"name":"Server","value":"core"}],` +
	`"body":{"type":"image/png","encoding":"base64","content":"AAEC","size":-1,"truncated":true,"reason":"capture limit","chunks":3},` +
	`"trailers":[{"name":"Grpc-Status","value":"0"}]}},"server":{"address":"core","port":8080},` +
	`"timings_ms":{"dns":0.000001,"connect":0.001,"tls":1,"send":1000,"wait":1.5,"receive":0.000007,"first_byte":12.345678,"handler":3600000},` +
	`"error":{"type":"header_timeout","message":"no headers within 1.5s","stack":"main.go:1\n\tmain.go:2"},"flags":["connection_reused","no_deadline"],` +
	`"user":{"id":"8812"},"device":{"model":"iPhone15,2"},"os":{"name":"iOS 26.3"},"app":{"version":"KakaoTalk 26.3.5"},` +
	`"geo":{"country":{"iso_code":"KR"}},"entry_page":"GET /items","carried":[{"name":"X-Shoe","value":"42"}],` +
	`"log":{"logger":"pay","attributes":[{"name":"amount","value":"1000"},{"name":"amount","value":"twice"}]},` +
	`"gap":{"count":3,"bytes":4096,"reason":"queue full","from":"2026-11-20T10:04:11.204000000Z","to":"2026-11-20T10:04:12.204000000Z"},` +
	`"service":{"name":"web","version":"1.2.3","instance":{"id":"web-7"},"peer":{"name":"core-api","quota":{"requests":100,"per_ms":60000}}},"deployment":{"environment":{"name":"local"}},` +
	`"host":{"name":"laptop"},"process":{"pid":4711,"owner":"mina"},"resource":[{"name":"zone","value":"a"}],` +
	`"redactions":[{"rule":"query","count":1},{"rule":"password","count":2}],` +
	`"logging.googleapis.com/labels":{"txid":"0197a3c2-7f10-7b3e-9c41-5d0c00000001","team":"pay","release":"캐나리아"},` +
	`"logging.googleapis.com/operation":{"id":"0197a3c2-7f10-7b3e-9c41-5d0c00000001","producer":"github.com/txtrail/txtrail"},` +
	`"logging.googleapis.com/sourceLocation":{"file":"pay.go","line":"17","function":"shop/pay.Charge"},` +
	`"logging.googleapis.com/trace":"0af7651916cd43dd8448eb211c80319c","logging.googleapis.com/spanId":"b7ad6b7169203331","logging.googleapis.com/trace_sampled":true}`

func TestFullLine(t *testing.T) {
	if d := cmp.Diff(strings.Split(fullLine, ","), strings.Split(string(full().AppendJSON(nil)), ",")); d != "" {
		t.Error(d)
	}
}

var sameEntry = cmp.Options{cmpopts.IgnoreUnexported(entry.Entry{}), cmpopts.EquateEmpty()}

// roundTrip seals e, reads the line back and returns what was read. Line and
// entry must be the same again, and the line what encoding/json takes.
func roundTrip(t testing.TB, e *entry.Entry) *entry.Entry {
	t.Helper()
	if err := e.Seal(nil); err != nil {
		t.Fatal(err)
	}
	line := e.Line()
	if !json.Valid(line) || !utf8.Valid(line) || bytes.ContainsAny(line, "\n\r\x00\x1b\x7f") {
		t.Fatalf("not a line of JSON: %q", line)
	}
	got, err := entry.Parse(line)
	if err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if !got.Sealed() || !bytes.Equal(got.Line(), line) {
		t.Fatalf("line read back as\n%s, was\n%s", got.Line(), line)
	}
	if again := got.AppendJSON(nil); !bytes.Equal(again, line) {
		t.Fatalf("encoded again as\n%s, was\n%s", again, line)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	each := map[string]func(*entry.Entry){
		"everything": func(e *entry.Entry) { *e = *full() },
		"nothing":    func(*entry.Entry) {},
		"largest durations": func(e *entry.Entry) {
			e.Latency, e.Timings.DNS, e.HTTP.Deadline = math.MaxInt64, math.MaxInt64, math.MaxInt64
		},
		"large durations":          func(e *entry.Entry) { e.Latency, e.Timings.DNS = 9223372030*time.Second, math.MaxInt64-999_999 },
		"largest numbers":          func(e *entry.Entry) { e.Request.Body.Size, e.Gap = math.MaxInt64, &entry.Gap{Count: math.MinInt64} },
		"size unknown":             func(e *entry.Entry) { e.Response.Body.Size = -1 },
		"last second of RFC 3339":  func(e *entry.Entry) { e.Time = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC) },
		"first second of RFC 3339": func(e *entry.Entry) { e.Time = time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC) },
		"before 1970":              func(e *entry.Entry) { e.Time = time.Date(1901, 2, 3, 4, 5, 6, 7, time.UTC) },
		"empty names in lists":     func(e *entry.Entry) { e.Request.Headers = []entry.Header{{"", ""}, {"", "v"}} },
		"empty flag":               func(e *entry.Entry) { e.Flags = []string{"", "a"} },
		"labels without a txid":    func(e *entry.Entry) { e.Labels = []entry.Label{{"a", ""}} },
		"a txid without labels":    func(e *entry.Entry) { e.TxID = "12345678" },
		"only a page":              func(e *entry.Entry) { e.Facts.EntryPage = "GET /" },
		"only a peer":              func(e *entry.Entry) { e.Peer.Service = "core-api" },
		"only a quota":             func(e *entry.Entry) { e.Peer.Requests, e.Peer.Per = 1, time.Second },
		"only an instance":         func(e *entry.Entry) { e.Resource = &entry.Resource{Instance: "i"} },
		"only an environment":      func(e *entry.Entry) { e.Resource = &entry.Resource{Environment: "e"} },
		"a gap's times alone":      func(e *entry.Entry) { e.Gap = &entry.Gap{From: time.Unix(1, 0).UTC()} },
		"brackets as content":      func(e *entry.Entry) { e.Message, e.Flags = "{[", []string{"[", "{"} },
	}
	for name, set := range each {
		t.Run(name, func(t *testing.T) {
			e := &entry.Entry{}
			set(e)
			want := &entry.Entry{}
			set(want)
			if d := cmp.Diff(want, roundTrip(t, e), sameEntry); d != "" {
				t.Error(d)
			}
		})
	}
}

// What a line can not tell becomes what it can: the line still parses, and stays
// the same when it is written again.
func TestRoundTripRepairs(t *testing.T) {
	for _, tc := range []struct {
		name      string
		set, want entry.Entry
	}{
		{"negative durations are left out", entry.Entry{Latency: -1, Timings: entry.Timings{DNS: -5, Send: math.MinInt64}, HTTP: entry.HTTP{Deadline: -1}}, entry.Entry{}},
		{"a severity between two names", entry.Entry{Severity: 250}, entry.Entry{Severity: entry.SeverityInfo}},
		{"a severity below all names", entry.Entry{Severity: -3}, entry.Entry{}},
		{"years that RFC 3339 can not write", entry.Entry{Time: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}, entry.Entry{Time: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}},
		{"a year before the first", entry.Entry{Time: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}, entry.Entry{}},
		{"another time zone", entry.Entry{Time: time.Date(2026, 11, 20, 19, 4, 0, 0, time.FixedZone("KST", 9*3600))}, entry.Entry{Time: time.Date(2026, 11, 20, 10, 4, 0, 0, time.UTC)}},
		{"a zone that reaches into another year", entry.Entry{Time: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*3600))}, entry.Entry{Time: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}},
		{"an empty gap", entry.Entry{Gap: &entry.Gap{}}, entry.Entry{}},
		{"an empty resource", entry.Entry{Resource: &entry.Resource{}}, entry.Entry{}},
		{"a txid that is none", entry.Entry{TxID: "a b"}, entry.Entry{Refused: "not a transaction ID: 3 bytes"}},
		{"a txid that is none beside one refused before", entry.Entry{TxID: "a b", Refused: "c"}, entry.Entry{Refused: "c"}},
		{"labels that can not be members", entry.Entry{Labels: []entry.Label{{"txid", "evil"}, {"", "x"}, {"a", "1"}, {"a", "2"}, {"b", "3"}}}, entry.Entry{Labels: []entry.Label{{"a", "1"}, {"b", "3"}}}},
		{"labels that become the same", entry.Entry{Labels: []entry.Label{{"a\xff", "1"}, {"a\xfe", "2"}, {"a\ufffd", "3"}}}, entry.Entry{Labels: []entry.Label{{"a\ufffd", "1"}}}},
		{"invalid UTF-8, byte by byte", entry.Entry{Message: "a\xff\xfeb\xe2\x82"}, entry.Entry{Message: "a\ufffd\ufffdb\ufffd\ufffd"}},
		{"a surrogate in UTF-8", entry.Entry{Message: "\xed\xa0\x80"}, entry.Entry{Message: "\ufffd\ufffd\ufffd"}},
		{"overlong", entry.Entry{Message: "\xc0\x80"}, entry.Entry{Message: "\ufffd\ufffd"}},
		{"content is not nil but empty", entry.Entry{Request: entry.Message{Body: entry.Body{Content: []byte{}}}}, entry.Entry{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(&tc.want, roundTrip(t, &tc.set), sameEntry); d != "" {
				t.Error(d)
			}
		})
	}
}

// Without Seal, AppendJSON writes no member twice either.
func TestAppendJSONLabels(t *testing.T) {
	e := &entry.Entry{TxID: "12345678", Labels: []entry.Label{{"txid", "evil"}, {"", ""}, {"a", "1"}, {"a", "2"}}}
	const want = `{"txid":"12345678","logging.googleapis.com/labels":{"txid":"12345678","a":"1"},"logging.googleapis.com/operation":{"id":"12345678","producer":"github.com/txtrail/txtrail"}}`
	if got := string(e.AppendJSON([]byte("x"))); got != "x"+want {
		t.Errorf("%s", got)
	}
	e = &entry.Entry{Labels: []entry.Label{{"txid", "evil"}}}
	if got := string(e.AppendJSON(nil)); got != "{}" {
		t.Errorf("%s", got)
	}
}

var hostile = []string{
	"", "plain", `"quoted" \back`, "line\nbreak\r\ttab", "\x00\x01\x1f\x7f", "\x1b]0;title\x07\x1b[2J", "\u0080\u009b\u009f\u00a0",
	"\u2028\u2029\u202e\ufeff\u200b", "한글 日本語 😀", "\U0010ffff\ufffd\ufffe", "\xff", "\xc3(", "\xf0\x9f\x98", "\xed\xa0\xbd\xed\xb8\x80",
	"</script><!--", "'; DROP TABLE", "%00%0a", strings.Repeat("\\", 100), strings.Repeat("가\xff", 3000),
}

// Every string is written so that encoding/json reads it as it was, with U+FFFD
// for each invalid byte, and that a terminal takes no orders from it.
func TestStrings(t *testing.T) {
	for _, s := range hostile {
		checkString(t, s)
	}
}

func checkString(t *testing.T, s string) {
	t.Helper()
	want := string([]rune(s))
	line := (&entry.Entry{Message: s, Request: entry.Message{Body: entry.Body{Content: []byte(s)}}}).AppendJSON(nil)
	var got struct {
		Message string
		HTTP    struct {
			Request struct{ Body struct{ Content string } }
		}
	}
	if err := json.Unmarshal(line, &got); err != nil || got.Message != want || got.HTTP.Request.Body.Content != want {
		t.Errorf("%q reads as %q and %q, %v", s, got.Message, got.HTTP.Request.Body.Content, err)
	}
	for _, r := range string(line) {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			t.Errorf("%q is written with a raw %U", s, r)
		}
	}
	e, err := entry.Parse(line)
	if err != nil || e.Message != want || string(e.Request.Body.Content) != want {
		t.Errorf("%q parses as %q, %v", s, e.Message, err)
	}
}

func TestSeal(t *testing.T) {
	e := full()
	buf := append(make([]byte, 0, 8<<10), "before"...)
	if e.Sealed() || e.Line() != nil {
		t.Error("sealed at birth")
	}
	if err := e.Seal(buf); err != nil {
		t.Fatal(err)
	}
	if string(e.Line()) != fullLine || !e.Sealed() {
		t.Errorf("line %s", e.Line())
	}
	if !bytes.Equal(buf[:cap(buf)][6:6+len(e.Line())], e.Line()) || string(buf) != "before" {
		t.Error("the line does not lie in the buffer's spare capacity")
	}
	if extended := append(e.Line(), '!'); buf[:cap(buf)][len(fullLine)+6] == '!' {
		t.Errorf("an append to the line (%d) writes into what follows", len(extended))
	}
	if err := e.Seal(nil); !errors.Is(err, entry.ErrSealed) {
		t.Errorf("second Seal: %v", err)
	}
	for _, set := range []func(e *entry.Entry){
		func(e *entry.Entry) { e.Request.Body.Raw = []byte("secret") },
		func(e *entry.Entry) { e.Response.Body.Raw = []byte{} },
	} {
		e := full()
		set(e)
		if err := e.Seal(nil); err == nil || e.Sealed() || !strings.Contains(err.Error(), "i-000017") {
			t.Errorf("raw bytes are sealed in: %v", err)
		}
	}
}

func TestAppendTime(t *testing.T) {
	for want, at := range map[string]time.Time{
		"2026-11-20T10:04:11.204000000Z": time.Date(2026, 11, 20, 19, 4, 11, 204e6, time.FixedZone("KST", 9*3600)),
		"0001-01-01T00:00:00.000000000Z": {},
		"9999-12-31T23:59:59.999999999Z": time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC),
		"0987-06-05T04:03:02.000000001Z": time.Date(987, 6, 5, 4, 3, 2, 1, time.UTC),
	} {
		if got := string(entry.AppendTime(nil, at)); got != want {
			t.Errorf("%v is written %s, want %s", at, got, want)
		}
	}
	if got := string(entry.AppendTime(nil, time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC))); got != "0001-01-01T00:00:00.000000000Z" {
		t.Errorf("a year before the first is written %s", got)
	}
}

func TestAllocs(t *testing.T) {
	e := full()
	buf := make([]byte, 0, 8<<10)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendJSON(buf[:0]) }); n != 0 {
		t.Errorf("AppendJSON: %v allocations, want 0", n)
	}
	at := time.Now()
	if n := testing.AllocsPerRun(100, func() { buf = entry.AppendTime(buf[:0], at) }); n != 0 {
		t.Errorf("AppendTime: %v allocations, want 0", n)
	}
	e.Clip()
	if n := testing.AllocsPerRun(100, e.Clip); n != 0 {
		t.Errorf("Clip of what is within its bounds: %v allocations, want 0", n)
	}
	line := full().AppendJSON(nil)
	// The line twice, the entry and the pieces behind pointers, two ids, contents,
	// strings with escapes, and the lists, which grow.
	if n := testing.AllocsPerRun(100, func() {
		if _, err := entry.Parse(line); err != nil {
			t.Fatal(err)
		}
	}); n > 40 {
		t.Errorf("Parse: %v allocations, want at most 40", n)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := full()
	buf := make([]byte, 0, 8<<10)
	b.SetBytes(int64(len(fullLine)))
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
}

func BenchmarkParse(b *testing.B) {
	line := []byte(fullLine)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := entry.Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}
