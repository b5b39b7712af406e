package sanitize

// provider is a published shape of a key: a prefix and the least length of
// what follows it.
type provider struct {
	prefix string
	least  int
	upper  bool // only capitals and digits, and exactly least of them
}

// providers by first byte. Sources: the providers' own documentation of their
// prefixes, as secret scanners use them.
var providers = [256][]provider{
	'A': {{"AKIA", 16, true}, {"ASIA", 16, true}, {"ABIA", 16, true}, {"ACCA", 16, true}, {"AIza", 30, false}, {"ATATT3", 20, false}, {"AGE-SECRET-KEY-1", 20, false}},
	'E': {{"EAACEdEose0cBA", 10, false}, {"EAAG", 60, false}},
	'G': {{"GOCSPX-", 20, false}},
	'L': {{"LTAI", 12, false}},
	'P': {{"PMAK-", 24, false}},
	'S': {{"SG.", 30, false}},
	'd': {{"dckr_pat_", 16, false}, {"dop_v1_", 32, false}, {"doo_v1_", 32, false}, {"dapi", 32, false}, {"dp.pt.", 30, false}},
	'f': {{"figd_", 20, false}, {"fly_", 24, false}, {"fo1_", 24, false}},
	'g': {
		{"ghp_", 16, false},
		{"gho_", 16, false},
		{"ghu_", 16, false},
		{"ghs_", 16, false},
		{"ghr_", 16, false},
		{"github_pat_", 16, false},
		{"glpat-", 16, false},
		{"gldt-", 16, false},
		{"glrt-", 16, false},
		{"glptt-", 16, false},
		{"gsk_", 24, false},
		{"glsa_", 24, false},
		{"glc_", 24, false},
	},
	'h': {{"hf_", 24, false}, {"hvs.", 20, false}, {"hvb.", 20, false}},
	'k': {{"key-", 32, false}},
	'l': {{"lin_api_", 20, false}},
	'n': {{"npm_", 24, false}, {"ntn_", 24, false}, {"nfp_", 24, false}},
	'p': {{"pypi-", 24, false}, {"phx_", 24, false}, {"pul-", 32, false}, {"pscale_", 20, false}, {"pat-", 32, false}},
	'r': {{"rk_live_", 10, false}, {"rk_test_", 10, false}, {"r8_", 30, false}, {"rubygems_", 30, false}, {"rpa_", 30, false}},
	's': {
		{"sk-", 20, false},
		{"sk_live_", 10, false},
		{"sk_test_", 10, false},
		{"shpat_", 20, false},
		{"shpss_", 20, false},
		{"shpca_", 20, false},
		{"shppa_", 20, false},
		{"sq0csp-", 20, false},
		{"sq0atp-", 20, false},
		{"sntrys_", 20, false},
		{"sntryu_", 20, false},
		{"secret_", 32, false},
		{"sbp_", 30, false},
	},
	't': {{"tvly-", 20, false}},
	'w': {{"whsec_", 20, false}},
	'x': {{"xoxb-", 10, false}, {"xoxp-", 10, false}, {"xoxa-", 10, false}, {"xoxr-", 10, false}, {"xoxs-", 10, false}, {"xoxe-", 10, false}, {"xoxe.", 10, false}, {"xapp-", 10, false}, {"xai-", 40, false}},
	'y': {{"ya29.", 16, false}},
}

func tokenByte(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// provider looks at the word at w for a published prefix.
func (r *run) provider(d *doc, floor, w, hi int) int {
	if w >= hi || w < floor {
		return 0
	}
	src := d.src
	list := providers[src[w]]
	if list == nil || !r.rs.rules[ruleProvider].on {
		return 0
	}
	if w > floor && (isAlnum(src[w-1]) || src[w-1] == '_') {
		return 0
	}
	for i := range list {
		p := &list[i]
		if hi-w < len(p.prefix)+p.least || string(src[w:w+len(p.prefix)]) != p.prefix {
			continue
		}
		e := w + len(p.prefix)
		if p.upper {
			for e < hi && (isDigit(src[e]) || src[e]-'A' < 26) {
				e++
			}
			if e-w-len(p.prefix) != p.least || e < hi && isAlnum(src[e]) {
				continue
			}
		} else {
			for e < hi && (tokenByte(src[e]) || src[e] == '.' && e+1 < hi && isAlnum(src[e+1]) && (p.prefix == "ya29." || p.prefix == "SG." || p.prefix[0] == 'd')) {
				e++
			}
			if e-w-len(p.prefix) < p.least || !mixed(src[w+len(p.prefix):e]) {
				continue
			}
		}
		r.mask(d, w, e, ruleProvider)
		return e
	}
	return 0
}

// mixed reports whether v looks made by a machine: it has a digit, or both
// cases.
func mixed(v []byte) bool {
	var lower, upper bool
	for _, c := range v {
		switch {
		case isDigit(c):
			return true
		case c-'a' < 26:
			lower = true
		case c-'A' < 26:
			upper = true
		}
	}
	return lower && upper
}
