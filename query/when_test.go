package query_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txtrail/txtrail/query"
)

func TestParseTime(t *testing.T) {
	seoul := time.FixedZone("KST", 9*3600)
	now := time.Date(2026, 11, 20, 0, 10, 0, 0, seoul)
	at := func(d, h, m, s int) time.Time { return time.Date(2026, 11, d, h, m, s, 0, seoul) }
	for in, want := range map[string]time.Time{
		"10m":                       now.Add(-10 * time.Minute),
		"1h30m":                     now.Add(-90 * time.Minute),
		"500ms":                     now.Add(-500 * time.Millisecond),
		"2d":                        now.Add(-48 * time.Hour),
		"1w2d3h":                    now.Add(-(9*24 + 3) * time.Hour),
		"0s":                        now,
		"now":                       now,
		"today":                     at(20, 0, 0, 0),
		"Yesterday":                 at(19, 0, 0, 0),
		"00:05":                     at(20, 0, 5, 0),
		"00:10":                     at(20, 0, 10, 0),
		"23:50":                     at(19, 23, 50, 0), // today's is to come
		"19:04:11":                  at(19, 19, 4, 11),
		"19:04:11.5":                at(19, 19, 4, 11).Add(500 * time.Millisecond),
		"2026-11-18":                at(18, 0, 0, 0),
		"2026-11-18T19:04":          at(18, 19, 4, 0),
		"2026-11-18 19:04":          at(18, 19, 4, 0),
		" 2026-11-18 19:04:11.2 ":   at(18, 19, 4, 11).Add(200 * time.Millisecond),
		"2026-11-18T10:04Z":         at(18, 19, 4, 0),
		"2026-11-18T10:04:11Z":      at(18, 19, 4, 11),
		"2026-11-18T19:04:11+09:00": at(18, 19, 4, 11),
		"2027-01-01":                time.Date(2027, 1, 1, 0, 0, 0, 0, seoul),
	} {
		got, err := query.ParseTime(in, now, seoul)
		if err != nil || !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", "-10m", "+10m", "10", "10x", "25:00", "19:4x", "2026-13-01", "d", "w", "1.5d", "99999d", "1d-1h", "0", "soon", "19:04\x1b[31m"} {
		if got, err := query.ParseTime(in, now, seoul); !errors.Is(err, query.ErrTime) {
			t.Errorf("ParseTime(%q) = %v, %v; want ErrTime", in, got, err)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"10m", "1w2d", "19:04", "2026-11-20T19:04", "9223372036854775807ns", "65535w"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := query.ParseTime(s, now, time.UTC); err == nil && got.IsZero() {
			t.Errorf("%q is no time, and no error", s)
		}
	})
}

func TestParseStatus(t *testing.T) {
	for in, want := range map[string]struct{ yes, no []int }{
		"404":       {[]int{404}, []int{403, 405, 0}},
		"5xx":       {[]int{500, 599}, []int{499, 600, 0}},
		"5XX, 404":  {[]int{503, 404}, []int{400}},
		"400-403":   {[]int{400, 403}, []int{399, 404}},
		">=500":     {[]int{500, 599}, []int{499, 0}},
		">499":      {[]int{500}, []int{499}},
		"<400":      {[]int{200, 399}, []int{400, 0}},
		"<=399":     {[]int{399}, []int{400, 0}},
		"none":      {[]int{0}, []int{200}},
		"none,5xx":  {[]int{0, 500}, []int{200}},
		" 200 ":     {[]int{200}, []int{201}},
		">= 500":    {[]int{500}, []int{200}},
		"200 - 299": {[]int{204}, []int{300}},
	} {
		rs, err := query.ParseStatus(in)
		if err != nil {
			t.Errorf("ParseStatus(%q): %v", in, err)
		}
		contains := func(n int) bool {
			for _, r := range rs {
				if r.Contains(n) {
					return true
				}
			}
			return false
		}
		for _, n := range want.yes {
			if !contains(n) {
				t.Errorf("%q leaves out %d", in, n)
			}
		}
		for _, n := range want.no {
			if contains(n) {
				t.Errorf("%q contains %d", in, n)
			}
		}
	}
	for _, in := range []string{"", "5x", "6xx", "0xx", "40", "1000", "500-400", "4xx-5xx", "abc", "200,", ">", "=500", "-", "5xx;4xx"} {
		if rs, err := query.ParseStatus(in); !errors.Is(err, query.ErrStatus) {
			t.Errorf("ParseStatus(%q) = %v, %v; want ErrStatus", in, rs, err)
		}
	}
}

func TestLangOf(t *testing.T) {
	for in, want := range map[string]query.Lang{
		"ko_KR.UTF-8": query.Korean, "ko": query.Korean, "KO-kr": query.Korean, "ko.UTF-8": query.Korean,
		"en_US.UTF-8": query.English, "C": query.English, "": query.English, "kok_IN": query.English, "korean": query.English,
	} {
		if got := query.LangOf(in); got != want {
			t.Errorf("LangOf(%q) = %s", in, got)
		}
	}
}
