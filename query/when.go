package query

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrTime is returned, wrapped, for text that is neither a time nor a duration.
var ErrTime = errors.New("query: invalid time")

// ParseTime reads a moment as people write it:
//
//   - a duration before now: 10m, 90s, 6h, 2d, 1w, 1h30m;
//   - a time of day in the reader's zone: 19:04, 19:04:11, the latest that is not
//     after now, so that at 00:10 "23:50" is yesterday's;
//   - a day or a moment in the reader's zone: 2026-11-20, 2026-11-20T19:04,
//     "2026-11-20 19:04:11.204", or with a zone of its own: …Z, …+09:00;
//   - now, today (midnight), yesterday.
//
// The error wraps [ErrTime] and says what is accepted.
func ParseTime(s string, now time.Time, zone *time.Location) (time.Time, error) {
	text := strings.TrimSpace(s)
	local := now.In(zone)
	midnight := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, zone)
	}
	switch strings.ToLower(text) {
	case "now":
		return now, nil
	case "today":
		return midnight(0), nil
	case "yesterday":
		return midnight(-1), nil
	}
	if d, ok := duration(text); ok {
		return now.Add(-d), nil
	}
	for _, layout := range [...]string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			day := 0
			at := func() time.Time {
				return time.Date(local.Year(), local.Month(), local.Day()+day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
			}
			if at().After(now) {
				day = -1
			}
			return at(), nil
		}
	}
	dated := text
	if len(dated) > 10 && dated[10] == ' ' {
		dated = dated[:10] + "T" + dated[11:]
	}
	for _, layout := range [...]string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.ParseInLocation(layout, dated, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w %.60q, want a duration before now (10m, 6h, 2d), a time (19:04), a date and time (2026-11-20T19:04), now, today or yesterday", ErrTime, s)
}

// duration reads what time.ParseDuration does, and days and weeks before it.
func duration(s string) (time.Duration, bool) {
	var total time.Duration
	for _, unit := range [...]struct {
		mark string
		d    time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		i := strings.Index(s, unit.mark)
		if i < 0 {
			continue
		}
		n, err := strconv.ParseUint(s[:i], 10, 16)
		if err != nil {
			return 0, false
		}
		total += time.Duration(n) * unit.d
		s = s[i+1:]
		if s == "" {
			return total, true
		}
	}
	d, err := time.ParseDuration(s)
	// "0" alone is a duration to Go, and a number without a unit to people.
	if err != nil || d < 0 || d > 1<<62 || s == "0" || strings.HasPrefix(s, "+") {
		return 0, false
	}
	return total + d, total+d >= 0
}
