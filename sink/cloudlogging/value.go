package cloudloggingsink

import (
	"math"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// The keys of the canonical line that are fields of a LogEntry: the special fields
// of structured logging (cloud.google.com/logging/docs/structured-logging).
const (
	keyInsertID  = "logging.googleapis.com/insertId"
	keyLabels    = "logging.googleapis.com/labels"
	keyOperation = "logging.googleapis.com/operation"
	keySource    = "logging.googleapis.com/sourceLocation"
	keySpanID    = "logging.googleapis.com/spanId"
	keyTrace     = "logging.googleapis.com/trace"
	keySampled   = "logging.googleapis.com/trace_sampled"
)

// severity reads a severity's name; one that is none is the default.
func severity(name []byte) entry.Severity {
	for s := entry.SeverityDebug; s <= entry.SeverityEmergency; s += 100 {
		if string(name) == s.String() {
			return s
		}
	}
	return entry.SeverityDefault
}

// days are the days of each month in every year.
var days = [12]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// parseTime reads RFC 3339; the form that package entry writes without an
// allocation.
func parseTime(v []byte) (time.Time, bool) {
	const form = "2006-01-02T15:04:05.000000000Z"
	if len(v) != len(form) {
		return parseAnyTime(v)
	}
	for i := range form {
		if c, f := v[i], form[i]; f >= '0' && f <= '9' {
			if c < '0' || c > '9' {
				return parseAnyTime(v)
			}
		} else if c != f {
			return parseAnyTime(v)
		}
	}
	num := func(from, to int) (n int) {
		for _, c := range v[from:to] {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := num(0, 4), num(5, 7), num(8, 10)
	hour, minute, second := num(11, 13), num(14, 16), num(17, 19)
	if year < 1 || month < 1 || month > 12 || day < 1 || day > days[month-1] || hour > 23 || minute > 59 || second > 59 {
		return parseAnyTime(v)
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, num(20, 29), time.UTC), true
}

func parseAnyTime(v []byte) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(v))
	return t, err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999
}

// parseSeconds reads "1.5s", as protobuf's JSON has a duration.
func parseSeconds(v []byte) (time.Duration, bool) {
	if len(v) < 2 || v[len(v)-1] != 's' {
		return 0, false
	}
	var n, unit int64 = 0, int64(time.Second)
	dot := false
	for i, c := range v[:len(v)-1] {
		switch {
		case c == '.' && !dot && i > 0:
			dot = true
			continue
		case c < '0' || c > '9':
			return 0, false
		}
		if dot {
			unit /= 10
			if unit == 0 {
				return 0, false
			}
			if n > math.MaxInt64-int64(c-'0')*unit {
				return 0, false
			}
			n += int64(c-'0') * unit
			continue
		}
		if n > (math.MaxInt64-int64(c-'0')*unit)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')*unit
	}
	return time.Duration(n), true
}
