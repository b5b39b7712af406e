package sanitize

import "fmt"

// Explain says how the policy judges a value under key in a body, and by which
// rule.
func (p *Policy) Explain(key string) Explanation {
	rs := p.forRoute("")
	r := rs.get()
	defer rs.put(r, nil)
	r.begin(nil)
	k := []byte(key)
	dec := r.decide(k, scopeBody)
	r.keys.normalize(k)
	ex := Explanation{Key: key, Normalized: spaced(&r.keys)}
	if dec.rule != ruleNone {
		ex.Rule = rs.rules[dec.rule].name
		ex.Masked = true
		switch {
		case dec.rule == ruleUnlisted:
			ex.Reason = "the mode is an allow list and the key is not on it"
		case dec.flags&wStrings != 0:
			ex.Reason = fmt.Sprintf("a word of the key belongs to rule %q, which hides strings here, not numbers or objects", ex.Rule)
		case dec.flags&wCounter != 0:
			ex.Reason = fmt.Sprintf("a word of the key belongs to rule %q; a plain number is taken for a count and stays", ex.Rule)
		default:
			ex.Reason = fmt.Sprintf("a word of the key belongs to rule %q", ex.Rule)
		}
		return ex
	}
	if dec.keep() {
		ex.Reason = "the key is listed as one to keep; detectors still look at its value"
		return ex
	}
	for _, other := range [...]struct {
		sc    scope
		where string
	}{{scopeURL, "in URLs and forms"}, {scopeHeader, "in headers"}, {scopeCookie, "in cookies"}, {scopeText, "in text"}} {
		if d := rs.match(&r.keys, other.sc); d.rule != ruleNone {
			ex.Rule = rs.rules[d.rule].name
			ex.Reason = fmt.Sprintf("rule %q hides it %s only; in a body only detectors look at its value", ex.Rule, other.where)
			return ex
		}
	}
	ex.Reason = "no rule names it; detectors still look at its value"
	return ex
}

func spaced(ks *keyScratch) string {
	var out []byte
	for i, c := range ks.text {
		if i > 0 && ks.starts[i] {
			out = append(out, ' ')
		}
		out = append(out, c)
	}
	return string(out)
}
