package txid_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/txid"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		ok       bool
		says     string // part of the error
	}{
		{"uuid", "0197a3c2-7f10-7b3e-9c41-5d0c00000001", true, ""},
		{"shortest", "12345678", true, ""},
		{"longest", strings.Repeat("a", 128), true, ""},
		{"every mark", "aA0._~:=+/@-", true, ""},
		{"amazon trace id", "Root=1-67891233-abcdef012345678912345678", true, ""},
		{"empty", "", false, "0 bytes, want 8 to 128"},
		{"too short", "1234567", false, "7 bytes"},
		{"too long", strings.Repeat("a", 129), false, "129 bytes"},
		{"space inside", "1234 5678", false, "byte 0x20 at 4"},
		{"space around is not trimmed", " 12345678", false, "byte 0x20 at 0"},
		{"comma, as two joined headers have", "12345678,12345678", false, "byte 0x2c at 8"},
		{"newline", "12345678\n", false, "byte 0x0a at 8"},
		{"escape sequence", "\x1b[2J12345678", false, "byte 0x1b at 0"},
		{"quote", `12345678"`, false, "byte 0x22 at 8"},
		{"html", "<script>", false, "byte 0x3c at 0"},
		{"not ascii", "트랜잭션1234", false, "byte 0xed at 0"},
		{"full width digits", "\uff11\uff12\uff13\uff14\uff15\uff16", false, "byte 0xef at 0"},
		{"nul", "1234567\x00", false, "byte 0x00 at 7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := txid.Parse(tc.in)
			if tc.ok {
				if err != nil || string(id) != tc.in {
					t.Fatalf("Parse = %q, %v; want it whole", id, err)
				}
			} else if !errors.Is(err, txid.ErrInvalid) || !strings.Contains(err.Error(), tc.says) || id != "" {
				t.Fatalf("Parse = %q, %v; want ErrInvalid with %q", id, err, tc.says)
			}
			if got := txid.ID(tc.in).Valid(); got != tc.ok {
				t.Errorf("Valid = %v, Parse says %v", got, tc.ok)
			}
		})
	}
}

func TestIDTime(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 4, 11, 204e6, time.UTC)
	minted := txid.NewMinter(nil).At(at)
	for _, tc := range []struct {
		name string
		id   txid.ID
		want time.Time
	}{
		{"minted", minted, at},
		{"upper case", txid.ID(strings.ToUpper(string(minted))), at},
		{"the example of RFC 9562 A.6", "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)},
		{"version 4", "0197a3c2-7f10-4b3e-9c41-5d0c00000001", time.Time{}},
		{"other variant", "0197a3c2-7f10-7b3e-cc41-5d0c00000001", time.Time{}},
		{"a hyphen missing", "0197a3c207f10-7b3e-9c41-5d0c00000001", time.Time{}},
		{"no hex in the time", "0197a3cg-7f10-7b3e-9c41-5d0c00000001", time.Time{}},
		{"no hex in the tail", "0197a3c2-7f10-7b3e-9c41-5d0c0000000z", time.Time{}},
		{"a foreign id", "order-2026-11-20-0000000000000000001", time.Time{}},
		{"empty", "", time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := tc.id.Time()
			if ok != !tc.want.IsZero() || !got.Equal(tc.want) {
				t.Errorf("Time(%q) = %v, %v; want %v", tc.id, got, ok, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "12345678", "0197a3c2-7f10-7b3e-9c41-5d0c00000001", "a b c d e f", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "12345678\r\nX: y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := txid.Parse(s)
		if txid.ID(s).Valid() != (err == nil) {
			t.Fatalf("Valid and Parse disagree on %q: %v", s, err)
		}
		if err != nil {
			if !errors.Is(err, txid.ErrInvalid) || id != "" {
				t.Fatalf("Parse(%q) = %q, %v", s, id, err)
			}
			return
		}
		if string(id) != s {
			t.Fatalf("Parse(%q) = %q: edited", s, id)
		}
		if strings.ContainsAny(s, "\x00\r\n\t \"'<>\\,;%&?#\x7f\x1b") {
			t.Fatalf("Parse(%q) accepts what needs escaping", s)
		}
		if at, ok := id.Time(); ok && (at.Year() < 1970 || len(s) != 36) {
			t.Fatalf("%q has the time %v", s, at)
		}
	})
}

func TestCheckPrefix(t *testing.T) {
	for _, s := range []string{"0", "0197a3c2", "order:", strings.Repeat("a", txid.MaxLen)} {
		if err := txid.CheckPrefix(s); err != nil {
			t.Errorf("CheckPrefix(%q) = %v", s, err)
		}
	}
	for s, want := range map[string]string{
		"": "empty", strings.Repeat("a", txid.MaxLen+1): "129 bytes", "ab c": "byte 0x20 at 2", "é": "byte 0xc3 at 0", "a*": "byte 0x2a at 1",
	} {
		if err := txid.CheckPrefix(s); !errors.Is(err, txid.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckPrefix(%.20q) = %v, want %q", s, err, want)
		}
	}
}
