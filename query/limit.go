package query

import (
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// headerLimit returns the limit for response headers alone that a call ran into, 0 for
// none: a limit of the client's transport, which the entry tells in its error's words,
// "timed out waiting for response headers (response header timeout of 1.5 s): …". What
// has a context's deadline beside has run into this one all the same.
func headerLimit(e *entry.Entry) time.Duration {
	if e.Kind != entry.KindClient || e.Error.Type != entry.ErrorHeaderTimeout {
		return 0
	}
	words, ok := strings.CutPrefix(e.Error.Message, "timed out ")
	if !ok {
		return 0
	}
	phase, words, _ := strings.Cut(words, " (response header timeout of ")
	words, _, ok = strings.Cut(words, ")")
	if !ok || strings.Contains(phase, ":") { // what follows a colon are the words of others
		return 0
	}
	return written(words)
}

// written reads a duration as a call's entry writes it, "85 µs", "1.5 s", "2 min 5 s";
// anything else is 0.
func written(s string) time.Duration {
	words := strings.Fields(s)
	var sum time.Duration
	for ; len(words) >= 2; words = words[2:] {
		n, err := strconv.ParseFloat(words[0], 64)
		var unit time.Duration
		switch words[1] {
		case "µs":
			unit = time.Microsecond
		case "ms":
			unit = time.Millisecond
		case "s":
			unit = time.Second
		case "min":
			unit = time.Minute
		}
		if err != nil || unit == 0 || !(n > 0 && n < 1e6) {
			return 0
		}
		sum += time.Duration(n * float64(unit))
	}
	if len(words) > 0 {
		return 0
	}
	return sum
}

// inPhase reports whether an error says that one part of the call took too long. That
// part had a limit, whatever the whole call had.
func inPhase(errType string) bool { return isTimeout(errType) && errType != entry.ErrorTimeout }
