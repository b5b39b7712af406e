package entry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/entry"
)

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct {
		name, line, says string
	}{
		{"empty", "", "want '{' at byte 0"},
		{"only space", " \n", "want '{' at byte 2"},
		{"an array", "[]", "want '{' at byte 0"},
		{"cut in a key", `{"ti`, "string without end at byte 4"},
		{"cut after a key", `{"time"`, "want ':' at byte 7"},
		{"cut before a value", `{"time":`, `want '"' at byte 8`},
		{"cut in a string", `{"message":"hel`, "string without end at byte 15"},
		{"cut in an escape", `{"message":"a\`, "string without end at byte 13"},
		{"cut in a \\u", `{"message":"a\u12`, "short \\u escape at byte 15"},
		{"cut after a value", `{"message":"a"`, "want ',' or '}' at byte 14"},
		{"a comma too many", `{"message":"a",}`, `want '"' at byte 15`},
		{"a comma too few", `{"message":"a" "kind":"log"}`, "want ',' or '}' at byte 15"},
		{"two objects", `{}{}`, "data after the object at byte 2"},
		{"something behind", `{} x`, "data after the object at byte 3"},
		{"a key without quotes", `{message:"a"}`, `want '"' at byte 1`},
		{"number for a string", `{"message":1}`, `want '"' at byte 11`},
		{"null for a string", `{"message":null}`, `want '"' at byte 11`},
		{"string for an object", `{"httpRequest":"x"}`, "want '{' at byte 15"},
		{"object for a list", `{"flags":{}}`, "want '[' at byte 9"},
		{"number in a list of strings", `{"flags":[1]}`, `want '"' at byte 10`},
		{"list without end", `{"flags":["a"`, "want ',' or ']' at byte 13"},
		{"string for a truth", `{"httpRequest":{"cacheHit":"true"}}`, "want true or false at byte 27"},
		{"half a truth", `{"httpRequest":{"cacheHit":tru}}`, "want true at byte 27"},
		{"fraction for a whole", `{"httpRequest":{"status":1.5}}`, `want a whole number, have "1.5", before at byte 28`},
		{"too large a number", `{"gap":{"count":9223372036854775808}}`, `want a whole number, have "9223372036854775808", before at byte 35`},
		{"words for a number", `{"httpRequest":{"requestSize":"many"}}`, `want a whole number, have "many", before at byte 36`},
		{"unknown escape", `{"message":"\x41"}`, "unknown escape at byte 12"},
		{"bad \\u", `{"message":"\u12g4"}`, "bad \\u escape at byte 14"},
		{"raw control character", "{\"message\":\"a\nb\"}", "control character in a string at byte 13"},
		{"raw control character behind an escape", "{\"message\":\"\\na\x01\"}", "control character in a string at byte 15"},
		{"invalid UTF-8", "{\"message\":\"ab\xff\"}", "invalid UTF-8 at byte 14"},
		{"invalid UTF-8 behind U+FFFD", "{\"message\":\"\ufffd\xff\"}", "invalid UTF-8 at byte 15"},
		{"bad time", `{"time":"yesterday"}`, "want an RFC 3339 time before at byte 19"},
		{"year 0", `{"time":"0000-01-01T00:00:00Z"}`, "want an RFC 3339 time before"},
		{"beyond year 9999 in UTC", `{"time":"9999-12-31T23:59:59-10:00"}`, "want an RFC 3339 time before"},
		{"bad span", `{"span":"xyz"}`, "3 bytes, want 16 hex digits"},
		{"span of zeros", `{"span":"0000000000000000"}`, "all zero"},
		{"unknown severity", `{"severity":"LOUD"}`, `unknown severity "LOUD"`},
		{"duration without its unit", `{"httpRequest":{"latency":"1.5"}}`, "want a duration before at byte 31"},
		{"only the unit", `{"httpRequest":{"latency":"s"}}`, "want a duration before"},
		{"negative duration", `{"httpRequest":{"latency":"-1s"}}`, "want a duration before"},
		{"finer than a nanosecond", `{"httpRequest":{"latency":"0.0000000001s"}}`, "want a duration before"},
		{"duration beyond 292 years", `{"httpRequest":{"latency":"9223372036.854775808s"}}`, "want a duration before"},
		{"duration with an exponent", `{"timings_ms":{"dns":1e3}}`, "want a duration before"},
		{"duration as a word", `{"timings_ms":{"dns":x}}`, "want a value at byte 21"},
		{"unacceptable txid", `{"txid":"a b"}`, "invalid txid before at byte 14"},
		{"unacceptable txid, hostile", `{"txid":"\u001b[2J12345678"}`, "invalid txid before"},
		{"unknown field, bad number", `{"new":01}`, "want ',' or '}' at byte 8"},
		{"unknown field, no number", `{"new":-}`, "want a value at byte 8"},
		{"unknown field, half a number", `{"new":1.}`, "want a digit at byte 9"},
		{"unknown field, half an exponent", `{"new":1e+}`, "want a digit at byte 10"},
		{"unknown field, bad literal", `{"new":nil}`, "want null at byte 7"},
		{"unknown field, nothing", `{"new":}`, "want a value at byte 7"},
		{"unknown field, too deep", `{"new":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested too deep at byte 72"},
		{"too long", "{" + strings.Repeat(" ", entry.MaxLine) + "}", "at most 16777216"},
		{"byte order mark", "\ufeff{}", "want '{' at byte 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := entry.Parse([]byte(tc.line))
			if e != nil || !errors.Is(err, entry.ErrSyntax) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, %v; want ErrSyntax with %q", e, err, tc.says)
			}
		})
	}
}

// A line that ends anywhere but at its end is an error that names where.
func TestParseCutAnywhere(t *testing.T) {
	for n := range len(fullLine) {
		e, err := entry.Parse([]byte(fullLine[:n]))
		if e != nil || !errors.Is(err, entry.ErrSyntax) || !strings.Contains(err.Error(), " at byte ") {
			t.Fatalf("cut at %d: %v, %v", n, e, err)
		}
	}
}

func TestParseUnknown(t *testing.T) {
	// Each object of the line gets a member of a newer version before its own,
	// of every type.
	for _, v := range []string{`null`, `true`, `false`, `-12.5e+3`, `"a\"b"`, `[]`, `{}`, `[1,[2,{"a":[null]}],"x"]`, `{"a":{"b":[{}]}}`} {
		newer := strings.ReplaceAll(fullLine, `{"`, `{"newer":`+v+`,"`)
		newer = strings.ReplaceAll(newer, `"content":"{"newer":`+v+`,"a`, `"content":"{\"a`) // not in the content
		newer = strings.Replace(newer, `"logging.googleapis.com/labels":{"newer":`+v+`,`, `"logging.googleapis.com/labels":{`, 1)
		e, err := entry.Parse([]byte(newer))
		if err != nil {
			t.Errorf("%s: %v", v, err)
			continue
		}
		if d := cmp.Diff(fullLine, string(e.AppendJSON(nil))); d != "" {
			t.Errorf("%s: %s", v, d)
		}
		if string(e.Line()) != newer {
			t.Errorf("%s: the line was changed", v)
		}
	}
}

func TestParseLenient(t *testing.T) {
	for _, tc := range []struct {
		name, line, own string
		want            entry.Entry
	}{
		{"newline", "{\"message\":\"a\"}\n", `{"message":"a"}`, entry.Entry{Message: "a"}},
		{"space around", " \t{\"message\":\"a\"} \r\n", `{"message":"a"}`, entry.Entry{Message: "a"}},
		{"over several lines", "{\n \"message\" :\r\n\t\"a\\nb\"\n}\n", "{  \"message\" :  \t\"a\\nb\" }", entry.Entry{Message: "a\nb"}},
		{"every escape", `{"message":"\"\\\/\b\f\n\r\t\u0041\uD55c\ud83d\ude00"}`, "", entry.Entry{Message: "\"\\/\b\f\n\r\tA한😀"}},
		{"half a surrogate", `{"message":"\ud83dx\ude00\ud83d\ud83d\ude00"}`, "", entry.Entry{Message: "\ufffdx\ufffd\ufffd😀"}},
		{"numbers as text and back", `{"httpRequest":{"status":"502","requestSize":14}}`, "", entry.Entry{HTTP: entry.HTTP{Status: 502}, Request: entry.Message{Body: entry.Body{Size: 14}}}},
		{"another zone", `{"time":"2026-11-20T19:04:00+09:00"}`, "", entry.Entry{Time: time.Date(2026, 11, 20, 10, 4, 0, 0, time.UTC)}},
		{"a label twice", `{"logging.googleapis.com/labels":{"txid":5,"a":"1","a":"2","":"3"}}`, "", entry.Entry{Labels: []entry.Label{{Name: "a", Value: "1"}}}},
		{"empty lists and objects", `{"flags":[],"http":{},"gap":{},"service":{},"error":{},"redactions":[]}`, "", entry.Entry{}},
		{"a field twice: the last one", `{"message":"a","message":"b"}`, "", entry.Entry{Message: "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := []byte(tc.line)
			got, err := entry.Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&tc.want, got, sameEntry); d != "" {
				t.Error(d)
			}
			if tc.own != "" && string(got.Line()) != tc.own {
				t.Errorf("line %q, want %q", got.Line(), tc.own)
			}
			for i := range in { // the caller's buffer is its own again
				in[i] = 'x'
			}
			if d := cmp.Diff(&tc.want, got, sameEntry); d != "" || bytes.Contains(got.Line(), []byte("xx")) {
				t.Errorf("shares memory with the argument: %s", d)
			}
		})
	}
}

// FuzzParseLine: whatever is accepted is valid JSON in one line, and writing it
// reaches at once a form that reads and writes as itself.
func FuzzParseLine(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte(`{"time":"9999-12-31T23:59:59-00:01","httpRequest":{"latency":"9223372036.854775807s"}}`))
	f.Add([]byte(`{"logging.googleapis.com/labels":{"txid":{},"a":"1","a":"2"},"gap":{},"service":{}}`))
	f.Add([]byte("{\n\"x\":[-0.1e-5,null,{\"\":[]}]}\n"))
	f.Add([]byte(`{"message":"\ud83d\ude00\ud83d"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := entry.Parse(line)
		if err != nil {
			if e != nil || !errors.Is(err, entry.ErrSyntax) {
				t.Fatalf("%v, %v", e, err)
			}
			return
		}
		if !json.Valid(e.Line()) || bytes.ContainsAny(e.Line(), "\n\r") {
			t.Fatalf("accepted %q as a line", e.Line())
		}
		first := e.AppendJSON(nil)
		again, err := entry.Parse(first)
		if err != nil {
			t.Fatalf("%v\nin %s\nof %s", err, first, line)
		}
		if d := cmp.Diff(e, again, sameEntry); d != "" {
			t.Fatalf("%s\nof %s", d, line)
		}
		if second := again.AppendJSON(nil); !bytes.Equal(first, second) {
			t.Fatalf("\n%s\n%s", first, second)
		}
	})
}

// FuzzEntry: an entry with anything in it makes a line that parses as itself.
func FuzzEntry(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, strconv.Itoa(i), hostile[(i+1)%len(hostile)], int64(i)<<40-1, int64(-i))
	}
	f.Add("0197a3c2-7f10-7b3e-9c41-5d0c00000001", "txid", "txid", int64(9223372036854775807), int64(1<<62))
	f.Add("a\xff", "a\xfe", "a\ufffd", int64(-1<<63), int64(253402300800))
	f.Fuzz(func(t *testing.T, a, b, c string, n, sec int64) {
		e := full()
		e.Time, e.Latency, e.Timings.DNS = time.Unix(sec, n), time.Duration(n), time.Duration(sec)
		e.TxID, e.Origin, e.Refused, e.Kind, e.InsertID = "12345678", "minted", b, entry.Kind(c), a
		if len(a)%2 == 0 {
			e.TxID = ""
		}
		e.Severity, e.Message, e.HTTP.Status = entry.Severity(n%1000), c, int(sec)
		e.HTTP.URL, e.HTTP.Route, e.Trace.ID = a, b, c
		e.Request.Headers = []entry.Header{{Name: a, Value: b}, {Name: b, Value: c}}
		e.Request.Body = entry.Body{Content: []byte(a), Encoding: b, Type: c, Size: n, Reason: c}
		e.Labels = []entry.Label{{Name: a, Value: b}, {Name: b, Value: c}, {Name: c, Value: a}}
		e.Attributes, e.Flags, e.Error.Stack = e.Labels[:2:2], []string{c, a, b}, a
		e.Gap, e.Resource = &entry.Gap{Count: n, Reason: a, From: time.Unix(n, sec)}, &entry.Resource{Service: a, Instance: b, PID: int(n)}
		got := roundTrip(t, e)
		checkString(t, a)
		if got.Message != string([]rune(e.Message)) {
			t.Fatalf("message %q, was %q", got.Message, e.Message)
		}
	})
}
