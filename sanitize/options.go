package sanitize

// Mode says what a policy does with what it knows.
type Mode uint8

const (
	// ModeDeny is the default: it hides what a rule names and lets the rest pass.
	ModeDeny Mode = iota
	// ModeAllow hides every value whose key is not listed in Allow; of those
	// only the length stays. Rules still apply to listed keys.
	ModeAllow
	// ModeShadow counts what it would hide, by rule, and changes nothing that
	// it can read. What cannot be read is held back as in the other modes. It
	// is for trying a policy out where everything may be seen.
	ModeShadow
)

// Action says what stands in the place of a hidden value.
type Action uint8

const (
	// ActionMask is the default: it leaves the marker [masked:RULE].
	ActionMask Action = iota
	// ActionDrop leaves nothing: null in JSON, the empty string elsewhere.
	ActionDrop
	// ActionLast4 leaves the marker with the last four letters or digits,
	// [masked:RULE:1234], of values that have at least twelve.
	ActionLast4
	// ActionDomain leaves the marker with what follows the last "@",
	// [masked:RULE:example.kr].
	ActionDomain
	// ActionLength leaves the marker with the class of the length in bytes:
	// [masked:RULE:1-8], 9-16, 17-32, 33-64, 65-256, 257+.
	ActionLength
	// ActionToken leaves the marker with a keyed digest of the value,
	// [masked:RULE:t…], so that equal values can be joined within an epoch. It
	// needs Options.TokenKey and is refused for values short enough to be
	// guessed: passwords, PINs, one-time codes, security codes.
	ActionToken
)

// Rule is a rule of the user's own.
type Rule struct {
	// Name stands in the marker and in reports: 1 to 32 of [a-z0-9-], not
	// the name of a default rule. Required.
	Name string
	// Keys are key words. They match whole words of a key after unescaping,
	// folding and dropping separators, as the default ones do: "resident no"
	// matches residentNo, RESIDENT_NO and user[resident-no]. A "*" makes it a
	// wildcard over the whole key instead: "x_*_pin".
	Keys []string
	// Paths are JSON paths from the root of a JSON body: "$.user.memo",
	// "$.items[*].note". Names are compared exactly. At most 47 steps in all.
	Paths []string
	// Scopes limit Keys: "body", "url", "header", "cookie", "text".
	// Default: everywhere.
	Scopes []string
	// Pattern is a regular expression (RE2) for free text and string values.
	// It runs only in a window of 256 bytes around each place where Anchor
	// occurs, so that it costs nothing elsewhere. Its match, or its first
	// group when it has one, is hidden.
	Pattern string
	// Anchor is a literal that every match of Pattern contains, 2 to 32
	// bytes, in the same case. Required with Pattern.
	Anchor string
	// Action is what is left in its place. Default ActionMask.
	Action Action
}

// Route changes the policy for the requests of one route.
type Route struct {
	// Pattern is compared with Input.Route: equal, or, when it ends in "*",
	// beginning with what stands before. The longest one wins.
	Pattern string
	// Mode of this route. Default ModeDeny, whatever the policy's own mode is.
	Mode Mode
	// Allow lists the keys that pass in ModeAllow.
	Allow []string
	// Rules are added to the policy's own, and are asked first.
	Rules []Rule
	// Keep lists keys that hide nothing here although a rule names them.
	Keep []string
	// DropBody hides the body whole.
	DropBody bool
}

// Options configures [New]. The zero value, like nil, is the default policy.
type Options struct {
	// Mode. Default ModeDeny.
	Mode Mode
	// Disable switches default rules off by name (see [DefaultRules]).
	// Default: none.
	Disable []string
	// Actions changes what a default rule leaves in place. Default ActionMask
	// for each.
	Actions map[string]Action
	// Rules are added to the default ones, and are asked first. Default: none.
	Rules []Rule
	// Keep lists keys that hide nothing although a rule names them; the
	// detectors still run on their values. Default: none.
	Keep []string
	// Allow lists the keys that pass in ModeAllow. Default: none.
	Allow []string
	// AllowCookies lists further cookies whose values pass. Default: a short
	// list of languages, themes and the like.
	AllowCookies []string
	// Routes are per-route changes. Default: none.
	Routes []Route
	// KeysOnly switches every detector off: only keys decide. It is several
	// times faster, and leaks what stands in free text. Default false.
	KeysOnly bool
	// MaxDepth bounds the nesting of a JSON body; what is deeper is cut off.
	// Default 512, at most 10000.
	MaxDepth int
	// MaxDecoded bounds what is decompressed of a body, in bytes; the rest is
	// cut off. Default 4 MiB.
	MaxDecoded int
	// MaxRatio bounds decompressed to compressed size; a body that exceeds it
	// beyond its first 64 KiB is dropped. Default 200.
	MaxRatio int
	// TokenKey is the secret of ActionToken, at least 16 bytes. Each rule
	// gets a key of its own derived from it.
	TokenKey []byte
	// TokenEpoch changes all tokens when it changes, for example "2026-11".
	// Default "".
	TokenEpoch string
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
	// Masked says whether a value under this key in a body is hidden,
	// whatever it is.
	Masked bool
	// Reason says in one sentence why.
	Reason string
}
