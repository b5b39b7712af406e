package sink

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// checkLine has an entry cleaned and sealed as the worker does it. Whatever a body holds and
// whatever the policy makes of it, the line is UTF-8 and JSON, reads back, and is the one
// that is written where nothing is believed of the content.
func checkLine(t *testing.T, policy *sanitize.Policy, body []byte, contentType string, truncated bool) {
	t.Helper()
	c := newCleaner(policy, &BufferPool{})
	e := &entry.Entry{Request: entry.Message{Body: entry.Body{Raw: bytes.Clone(body), Type: contentType, Truncated: truncated}}}
	if err := c.clean(e); err != nil {
		t.Fatal(err)
	}
	careful := *e
	if err := careful.Seal(nil); err != nil {
		t.Fatal(err)
	}
	var s entry.Sealer
	if err := s.Seal(e, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Line(), careful.Line()) {
		t.Fatalf("%q as %q:\n got %q\nwant %q", body, contentType, e.Line(), careful.Line())
	}
	if !utf8.Valid(e.Line()) || !json.Valid(e.Line()) {
		t.Fatalf("%q as %q: %q", body, contentType, e.Line())
	}
	if _, err := entry.Parse(e.Line()); err != nil {
		t.Fatalf("%q as %q: %v", body, contentType, err)
	}
}

// policies are one of each mode. One that only counts leaves bodies as they are, which
// need not be UTF-8.
func policies(t testing.TB) (ps []*sanitize.Policy) {
	for _, mode := range []sanitize.Mode{sanitize.ModeDeny, sanitize.ModeAllow, sanitize.ModeShadow} {
		p, err := sanitize.New(&sanitize.Options{Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

var oddBodies = []struct{ contentType, body string }{
	{"application/json", `{"name":"아이템","memo":"a\nb \u2028 é"}`},
	{"application/json", "{\"password\":\"\xff\xfe\",\"a\":\"\xffb\"}"},
	{"application/json", "{\"a\xff\":\"x\"}"},
	{"application/json", "{\"a\":\"\xe2\x80\xa8\xc2\x85\x7f\"}"},
	{"application/json", "{\"a\":1}\xff"},
	{"application/x-ndjson", "{\"a\":1}\n{\"a\":\"\xff\"}\n\xff"},
	{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\xfe\x00\r\n--B--\r\n"},
	{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"f\xff\"\r\n\r\nabc\xff\r\n--B--\r\n"},
	{"text/plain; charset=latin1", "caf\xe9 \x80"},
	{"application/x-www-form-urlencoded", "a=%FF&b=\xff"},
	{"", "\xff\xfea\x00"},
}

func TestLinesAreUTF8(t *testing.T) {
	for _, p := range policies(t) {
		for _, tc := range oddBodies {
			checkLine(t, p, []byte(tc.body), tc.contentType, false)
			for i := range len(tc.body) {
				checkLine(t, p, []byte(tc.body[:i]), tc.contentType, true)
			}
		}
	}
}

func FuzzLinesAreUTF8(f *testing.F) {
	for _, tc := range oddBodies {
		f.Add([]byte(tc.body), tc.contentType, false)
	}
	ps := policies(f)
	f.Fuzz(func(t *testing.T, body []byte, contentType string, truncated bool) {
		for _, p := range ps {
			checkLine(t, p, body, contentType, truncated)
		}
	})
}
