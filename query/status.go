package query

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrStatus is returned, wrapped, for text that names no statuses.
var ErrStatus = errors.New("query: invalid status")

// StatusRange is a range of HTTP statuses, both ends included. Status 0 is an
// exchange without an answer.
type StatusRange struct{ Min, Max int }

// Contains reports whether status is in the range.
func (r StatusRange) Contains(status int) bool { return r.Min <= status && status <= r.Max }

// ParseStatus reads a status (404), a class (5xx), a range (400-499), an open one
// (>=500, <400), "none" for no answer, or several of these separated by commas.
func ParseStatus(s string) ([]StatusRange, error) {
	var rs []StatusRange
	for part := range strings.SplitSeq(s, ",") {
		r, ok := statusRange(strings.ToLower(strings.TrimSpace(part)))
		if !ok {
			return nil, fmt.Errorf("%w %.40q, want 404, 5xx, 400-499, >=500, none, or several with commas", ErrStatus, part)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func statusRange(s string) (StatusRange, bool) {
	switch {
	case s == "none":
		return StatusRange{}, true
	case len(s) == 3 && s[1:] == "xx" && '1' <= s[0] && s[0] <= '5':
		low := int(s[0]-'0') * 100
		return StatusRange{low, low + 99}, true
	case strings.HasPrefix(s, ">="):
		n, ok := status(s[2:])
		return StatusRange{n, 999}, ok
	case strings.HasPrefix(s, ">"):
		n, ok := status(s[1:])
		return StatusRange{n + 1, 999}, ok
	case strings.HasPrefix(s, "<="):
		n, ok := status(s[2:])
		return StatusRange{100, n}, ok
	case strings.HasPrefix(s, "<"):
		n, ok := status(s[1:])
		return StatusRange{100, n - 1}, ok
	}
	low, high, isRange := strings.Cut(s, "-")
	a, ok := status(low)
	if !ok {
		return StatusRange{}, false
	}
	if !isRange {
		return StatusRange{a, a}, true
	}
	b, ok := status(high)
	return StatusRange{a, b}, ok && a <= b
}

func status(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil && 100 <= n && n <= 999
}
