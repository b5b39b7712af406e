package sanitize

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// ruleset is one compiled set of rules: the policy's own, or a route's. It is
// immutable apart from the pool of scratch states that belongs to it.
type ruleset struct {
	rules     []rule // indexed by ruleID
	byName    map[string]ruleID
	words     [256][]word // by last byte
	parts     []part
	globs     globs
	keep      keySet
	allow     keySet
	cookies   map[string]bool
	paths     pathSet
	patterns  []pattern
	mode      Mode
	dropBody  bool
	keysOnly  bool
	maxDepth  int
	maxOut    int
	maxRatio  int
	anchors   [256]uint8 // class table of the text pass
	hints     *hintTable
	glance    bool // a value may be passed by its hints
	dates     bool // no key is made of digits
	lane      bool // members of JSON may be passed in the lane
	filter    *keyFilter
	listed    bool // keys are looked for in lists, too
	pool      sync.Pool
	tokenKeys map[ruleID][]byte
}

type rule struct {
	name   string
	marker []byte // [masked:NAME]
	quoted []byte // the same as a JSON string
	action Action
	on     bool
}

func newRule(name string, a Action) rule {
	quoted := []byte(`"[masked:` + name + `]"`)
	return rule{name: name, marker: quoted[1 : len(quoted)-1], quoted: quoted, action: a, on: true}
}

type part struct {
	bytes  []byte
	rule   ruleID
	flags  uint8
	scopes uint8
}

type pattern struct {
	re     *regexp.Regexp
	anchor []byte
	rule   ruleID
}

// keySet is a list of keys in normal form, with wildcards.
type keySet struct {
	exact map[string]bool
	globs []string
}

func (s *keySet) has(t []byte) bool {
	if s.exact[string(t)] {
		return true
	}
	for _, g := range s.globs {
		if globMatch(g, t) {
			return true
		}
	}
	return false
}

func (s *keySet) add(keys []string) error {
	for _, k := range keys {
		t := normalGlob(k)
		if strings.Trim(t, "*") == "" {
			return fmt.Errorf("key %q has no letter or digit", k)
		}
		if strings.Contains(t, "*") {
			s.globs = append(s.globs, t)
			continue
		}
		if s.exact == nil {
			s.exact = map[string]bool{}
		}
		s.exact[t] = true
	}
	return nil
}

type globRule struct {
	glob   string
	rule   ruleID
	scopes uint8
}

type globs []globRule

func (g globs) match(t []byte, sc scope) ruleID {
	for i := range g {
		if g[i].scopes&(1<<sc) != 0 && globMatch(g[i].glob, t) {
			return g[i].rule
		}
	}
	return ruleNone
}

// globMatch matches t against a pattern in which "*" stands for any bytes, in
// linear time per star.
func globMatch(glob string, t []byte) bool {
	gi, ti, star, back := 0, 0, -1, 0
	for ti < len(t) {
		switch {
		case gi < len(glob) && glob[gi] == '*':
			star, back = gi, ti
			gi++
		case gi < len(glob) && glob[gi] == t[ti]:
			gi++
			ti++
		case star >= 0:
			back++
			gi, ti = star+1, back
		default:
			return false
		}
	}
	for gi < len(glob) && glob[gi] == '*' {
		gi++
	}
	return gi == len(glob)
}

// normalGlob normalizes the pieces between the stars of a user's key.
func normalGlob(k string) string {
	var ks keyScratch
	pieces := strings.Split(k, "*")
	for i, p := range pieces {
		ks.normalize([]byte(p))
		pieces[i] = string(ks.text)
	}
	return strings.Join(pieces, "*")
}

// defaultCookies are cookies whose values say nothing about who a user is.
var defaultCookies = []string{
	"theme", "lang", "language", "locale", "country", "region", "timezone", "tz", "currency", "dark_mode", "darkmode",
	"color_scheme", "consent", "cookie_consent", "i18n", "i18next", "ui_lang", "django_language", "NEXT_LOCALE",
}

func newRuleset(o *Options, route *Route) (*ruleset, error) {
	rs := &ruleset{
		rules:    make([]rule, numRules, int(numRules)+len(o.Rules)),
		byName:   map[string]ruleID{},
		cookies:  map[string]bool{},
		mode:     o.Mode,
		keysOnly: o.KeysOnly,
		maxDepth: o.MaxDepth,
		maxOut:   o.MaxDecoded,
		maxRatio: o.MaxRatio,
		dates:    true,
	}
	for i := range defaultRules {
		d := &defaultRules[i]
		rs.rules[d.id] = newRule(d.name, ActionMask)
		rs.byName[d.name] = d.id
	}
	for _, name := range o.Disable {
		id, ok := rs.byName[name]
		if !ok || id >= firstFixed {
			return nil, fmt.Errorf("sanitize: Disable: no default rule is named %q", name)
		}
		rs.rules[id].on = false
	}
	for name, a := range o.Actions {
		id, ok := rs.byName[name]
		if !ok || id >= firstFixed {
			return nil, fmt.Errorf("sanitize: Actions: no default rule is named %q", name)
		}
		if err := checkAction(a, id, o); err != nil {
			return nil, fmt.Errorf("sanitize: Actions: rule %q: %w", name, err)
		}
		rs.rules[id].action = a
	}
	rules := o.Rules
	keep := o.Keep
	allow := o.Allow
	if route != nil {
		rules = append(append([]Rule(nil), route.Rules...), o.Rules...)
		keep = append(append([]string(nil), o.Keep...), route.Keep...)
		rs.mode = route.Mode
		allow = route.Allow
		rs.dropBody = route.DropBody
	}
	for i := range rules {
		if err := rs.addRule(&rules[i], o); err != nil {
			return nil, err
		}
	}
	for i := range defaultRules {
		d := &defaultRules[i]
		if rs.rules[d.id].on {
			rs.addWords(parseWords(d.words, d.id, d.scopes))
		}
	}
	if err := rs.keep.add(keep); err != nil {
		return nil, fmt.Errorf("sanitize: Keep: %w", err)
	}
	if err := rs.allow.add(allow); err != nil {
		return nil, fmt.Errorf("sanitize: Allow: %w", err)
	}
	for _, c := range defaultCookies {
		rs.cookies[strings.ToLower(c)] = true
	}
	for _, c := range o.AllowCookies {
		if c == "" {
			return nil, fmt.Errorf("sanitize: AllowCookies: an empty name")
		}
		rs.cookies[strings.ToLower(c)] = true
	}
	rs.buildAnchors()
	rs.hints = newHintTable()
	rs.glance = len(rs.patterns) == 0 // whose anchors the hints do not know
	rs.dates = rs.dates && rs.mode != ModeAllow
	rs.lane = rs.glance || rs.keysOnly
	rs.filter = newKeyFilter(rs)
	rs.listed = rs.mode == ModeAllow || len(rs.keep.exact)+len(rs.keep.globs) > 0
	rs.deriveTokenKeys(o)
	rs.pool.New = func() any {
		return &run{rs: rs, counts: make([]int32, len(rs.rules))}
	}
	return rs, nil
}

func (rs *ruleset) addWords(ws []word) {
	for _, w := range ws {
		if w.flags&wPart == 0 {
			last := w.text[len(w.text)-1]
			rs.words[last] = append(rs.words[last], w)
		}
		if w.flags&(wPart|wSuffix) != 0 {
			rs.parts = append(rs.parts, part{[]byte(w.text), w.rule, w.flags, w.scopes})
		}
	}
}

var scopeNames = map[string]scope{"body": scopeBody, "url": scopeURL, "header": scopeHeader, "cookie": scopeCookie, "text": scopeText}

func (rs *ruleset) addRule(ur *Rule, o *Options) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("sanitize: rule %q: %w", ur.Name, fmt.Errorf(format, args...))
	}
	if err := checkName(ur.Name); err != nil {
		return fail("%w", err)
	}
	if _, dup := rs.byName[ur.Name]; dup {
		return fail("the name is taken: choose another, or change the default rule with Disable and Actions")
	}
	if len(ur.Keys) == 0 && len(ur.Paths) == 0 && ur.Pattern == "" {
		return fail("it matches nothing: give Keys, Paths or Pattern")
	}
	id := ruleID(len(rs.rules))
	if err := checkAction(ur.Action, id, o); err != nil {
		return fail("%w", err)
	}
	rs.rules = append(rs.rules, newRule(ur.Name, ur.Action))
	rs.byName[ur.Name] = id
	scopes := inAll
	if len(ur.Scopes) > 0 {
		scopes = 0
		for _, s := range ur.Scopes {
			sc, ok := scopeNames[s]
			if !ok {
				return fail("unknown scope %q: use body, url, header, cookie or text", s)
			}
			scopes |= 1 << sc
		}
	}
	for _, k := range ur.Keys {
		t := normalGlob(k)
		if strings.Trim(t, "*") == "" {
			return fail("key %q has no letter or digit", k)
		}
		if strings.Trim(t, "*t0123456789") == "" { // it might stand before the ":" of a time
			rs.dates = false
		}
		if strings.Contains(t, "*") {
			rs.globs = append(rs.globs, globRule{t, id, scopes})
			continue
		}
		w := word{text: t, rule: id, scopes: scopes}
		if t[0] >= 0x80 {
			w.flags = wPart
		}
		rs.addWords([]word{w})
	}
	for _, p := range ur.Paths {
		if err := rs.paths.add(p, id); err != nil {
			return fail("path %q: %w", p, err)
		}
	}
	if ur.Pattern != "" {
		re, err := regexp.Compile(ur.Pattern)
		if err != nil {
			return fail("pattern: %w", err)
		}
		if len(ur.Anchor) < 2 || len(ur.Anchor) > 32 {
			return fail("anchor: 2 to 32 bytes that every match contains are needed, got %d", len(ur.Anchor))
		}
		rs.patterns = append(rs.patterns, pattern{re, []byte(ur.Anchor), id})
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > 32 {
		return fmt.Errorf("a name of 1 to 32 characters of [a-z0-9-] is needed")
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("the name contains %q: use [a-z0-9-] only", c)
		}
	}
	return nil
}

func (rs *ruleset) get() *run {
	return rs.pool.Get().(*run)
}

// maxKeep bounds the memory that a pooled state keeps between calls.
const maxKeep = 1 << 20

// put ends a call and gives its state back.
func (rs *ruleset) put(r *run, rep *Report) {
	rs.settle(r, rep)
	rs.pool.Put(r)
}

// settle ends a call: what was counted goes to rep, what was decoded is wiped.
func (rs *ruleset) settle(r *run, rep *Report) {
	for _, id := range r.counted {
		rep.Add(rs.rules[id].name, int(r.counts[id])) // of 0 if it was taken back
		r.counts[id] = 0
	}
	r.counted = r.counted[:0]
	for i := range r.deepest + 1 {
		d := &r.docs[i]
		d.src = nil
		// Decoded secrets must not outlive the call.
		clear(d.buf[:max(len(d.buf), min(d.high, cap(d.buf)))])
		d.high = 0
		if cap(d.buf) > maxKeep {
			d.buf = nil
		}
		if cap(d.repl) > maxKeep {
			d.repl = nil
		}
		if cap(d.edits) > maxKeep/16 {
			d.edits = nil
		}
	}
	r.deepest = 0
	r.dec.wipe()
	if max(cap(r.work), cap(r.again), cap(r.out)) > maxKeep {
		r.work, r.again, r.out = nil, nil, nil
	}
}

// isMarker reports whether v is what a redaction leaves: our own marker with
// the name of a rule of this policy, or one of the usual placeholders of others.
func (rs *ruleset) isMarker(v []byte) bool {
	if len(v) < 3 {
		return false
	}
	switch v[0] {
	case '[':
		if len(v) > 9 && v[len(v)-1] == ']' && string(v[:8]) == "[masked:" {
			name, detail, has := bytes.Cut(v[8:len(v)-1], []byte(":"))
			id, ok := rs.byName[string(name)]
			return ok && (!has || rs.detailOK(id, detail))
		}
		switch string(v) {
		case "[REDACTED]", "[redacted]", "[Redacted]", "[FILTERED]", "[Filtered]", "[filtered]", "[MASKED]", "[masked]":
			return true
		}
	case '*':
		for _, c := range v {
			if c != '*' {
				return false
			}
		}
		return true
	case '<':
		return string(v) == "<redacted>" || string(v) == "<REDACTED>"
	}
	return false
}

// markerAt returns the end of the marker that begins at src[i], or 0.
func (rs *ruleset) markerAt(src []byte, i, hi int) int {
	if i+3 > hi || src[i] != '[' {
		return 0
	}
	if m := min(hi, i+128); m > i {
		if j := bytes.IndexByte(src[i:m], ']'); j > 0 && rs.isMarker(src[i:i+j+1]) {
			return i + j + 1
		}
	}
	return 0
}
