package sanitize

// Options configures [New]. The zero value, like nil, is the default policy.
type Options struct {
	// Disable switches default rules off by name (see [DefaultRules]).
	// Default: none.
	Disable []string
}

// Explanation says how a policy judges a key.
type Explanation struct {
	// Key is the key asked about.
	Key string
	// Normalized is the key as the rules see it: unescaped, folded, its words
	// separated by one space.
	Normalized string
	// Rule is the name of the rule that decided, "" if none did.
	Rule string
	// Masked says whether a value under this key is hidden, whatever it is.
	Masked bool
	// Reason says in one sentence why.
	Reason string
}
