package main

import "regexp"

// sayings are the parser's words for a mistake, and ours: its own name tokens and types
// of Go. The first that fits counts.
func sayings() []saying {
	const token = `"((?:[^"\\]|\\.)*)"`
	return []saying{
		{regexp.MustCompile(`^(--[a-z-]+): expected \S+(?: value)? but got "EOL" \(<EOL>\)$`), `${1} needs a value`},
		{regexp.MustCompile(`^(--[a-z-]+): missing value, expecting .*$`), `${1} needs a value`},
		{regexp.MustCompile(`^(--limit): expected .* but got ` + token + `.*$`), `${1} ${2}: want 0 for all, or how many rows`},
		{
			regexp.MustCompile(`^(--[a-z-]+): expected \S+(?: value)? but got ` + token + ` \((?:short|long) flag\).*$`),
			`${1} needs a value, and ${2} looks like a flag; if it is the value, write ${1}="${2}"`,
		},
		{regexp.MustCompile(`^(--[a-z-]+): expected duration but got ` + token + `.*$`), `${1} "${2}": want a duration: 500ms, 2s, 5m`},
		{regexp.MustCompile(`^(--[a-z-]+): bool value must be .* but got ` + token + `$`), `${1}=${2}: want true or false, or the flag alone`},
		{regexp.MustCompile(`^expected ` + token + `$`), `${1} is missing`},
	}
}

type saying struct {
	theirs *regexp.Regexp
	ours   string
}

// plainParse says in plain words what the parser of the command line found wrong.
func plainParse(msg string) string {
	for _, s := range sayings() {
		if s.theirs.MatchString(msg) {
			return s.theirs.ReplaceAllString(msg, s.ours)
		}
	}
	return msg
}
