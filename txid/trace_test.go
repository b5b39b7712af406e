package txid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/txid"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestParseSpan(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want txid.SpanID
		says string
	}{
		{"b7ad6b7169203331", 0xb7ad6b7169203331, ""},
		{"B7AD6B7169203331", 0xb7ad6b7169203331, ""},
		{"0000000000000001", 1, ""},
		{"ffffffffffffffff", 1<<64 - 1, ""},
		{"0000000000000000", 0, "all zero"},
		{"", 0, "0 bytes"},
		{"b7ad6b716920333", 0, "15 bytes"},
		{"b7ad6b71692033311", 0, "17 bytes"},
		{"b7ad6b716920333g", 0, "byte 0x67 at 15"},
		{"+7ad6b7169203331", 0, "byte 0x2b at 0"},
		{"b7ad_b7169203331", 0, "byte 0x5f at 4"},
	} {
		got, err := txid.ParseSpan(tc.in)
		if got != tc.want || (err == nil) != (tc.says == "") {
			t.Errorf("ParseSpan(%q) = %x, %v", tc.in, got, err)
		}
		if tc.says != "" && (!errors.Is(err, txid.ErrSpan) || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("ParseSpan(%q): %v, want ErrSpan with %q", tc.in, err, tc.says)
		}
		if err == nil {
			if s, lower := got.String(), strings.ToLower(tc.in); s != lower || string(got.Append([]byte("x"))) != "x"+s {
				t.Errorf("String = %q, Append = %q", s, got.Append(nil))
			}
		}
	}
	if s := txid.SpanID(0); s.String() != "" || len(s.Append(nil)) != 0 {
		t.Error("no span is written as nothing")
	}
}

func TestParseTraceparent(t *testing.T) {
	ok := txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 0xb7ad6b7169203331, Sampled: true}
	unsampled := ok
	unsampled.Sampled = false
	for _, tc := range []struct {
		why, in string
		want    txid.Trace
	}{
		{"version 00", traceparent, ok},
		{"not sampled", traceparent[:53] + "00", unsampled},
		{"the random flag alone is not sampled", traceparent[:53] + "02", unsampled},
		{"all flags", traceparent[:53] + "ff", ok},
		{"an unknown version is read as 00", "cc" + traceparent[2:], ok},
		{"an unknown version may go on", "cc" + traceparent[2:] + "-what-the-future", ok},
		{"version 00 may not", traceparent + "-what", txid.Trace{}},
		{"an unknown version goes on after a hyphen only", "cc" + traceparent[2:] + ".x", txid.Trace{}},
		{"version ff is forbidden", "ff" + traceparent[2:], txid.Trace{}},
		{"upper case", strings.ToUpper(traceparent), txid.Trace{}},
		{"no trace id", "00-00000000000000000000000000000000-b7ad6b7169203331-01", txid.Trace{}},
		{"no span", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", txid.Trace{}},
		{"cut", traceparent[:54], txid.Trace{}},
		{"no hex", "0g" + traceparent[2:], txid.Trace{}},
		{"flags not hex", traceparent[:53] + "0x", txid.Trace{}},
		{"wrong marks", strings.ReplaceAll(traceparent, "-", "_"), txid.Trace{}},
		{"empty", "", txid.Trace{}},
		{"control characters in what follows", "cc" + traceparent[2:] + "-\r\nX: y", txid.Trace{}},
		{"endless", "cc" + traceparent[2:] + "-" + strings.Repeat("a", 100), txid.Trace{}},
	} {
		got, err := txid.ParseTraceparent(tc.in)
		if tc.want.ID == "" {
			if !errors.Is(err, txid.ErrTraceparent) || got != (txid.Trace{}) {
				t.Errorf("%s: %q gives %+v, %v", tc.why, tc.in, got, err)
			}
			continue
		}
		tc.want.Parent = tc.in
		if d := cmp.Diff(tc.want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", tc.why, err, d)
		}
	}
}

func FuzzParseTraceparent(f *testing.F) {
	for _, s := range []string{traceparent, "cc" + traceparent[2:] + "-more", "", "00--", strings.Repeat("0", 55), strings.Repeat("-", 55)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tr, err := txid.ParseTraceparent(s)
		if err != nil {
			if tr != (txid.Trace{}) {
				t.Fatalf("%+v beside %v", tr, err)
			}
			return
		}
		if tr.Parent != s || len(tr.ID) != 32 || tr.Span == 0 || tr.ID != s[3:35] || tr.Span.String() != s[36:52] {
			t.Fatalf("ParseTraceparent(%q) = %+v", s, tr)
		}
		for i := range len(s) {
			if s[i] < 0x21 || s[i] > 0x7e {
				t.Fatalf("accepts byte %#x", s[i])
			}
		}
	})
}

func FuzzParseSpan(f *testing.F) {
	f.Add("b7ad6b7169203331")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		span, err := txid.ParseSpan(s)
		if (span == 0) != (err != nil) {
			t.Fatalf("ParseSpan(%q) = %v, %v", s, span, err)
		}
		if lower := strings.ToLower(s); err == nil && span.String() != lower {
			t.Fatalf("%q is written %q", s, span)
		}
	})
}
