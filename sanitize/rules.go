package sanitize

// RuleInfo describes one default rule.
type RuleInfo struct {
	// Name is what Options.Disable takes and what the marker shows.
	Name string
	// Hides says in one sentence what the rule hides.
	Hides string
	// Examples are inputs of which the rule hides a part, as key: value or as
	// free text.
	Examples []string
}
