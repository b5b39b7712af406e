package sanitize

import (
	"bytes"
	"strings"
)

// decision is what the key policy says about one key in one scope. It is small
// enough to stay in registers.
type decision struct {
	rule  ruleID
	flags uint8
	role  role
}

func (d decision) hit() bool  { return d.flags&wHit != 0 }
func (d decision) keep() bool { return d.flags&wKeep != 0 }

// decide is the uncached key policy, with the detectors run on the key.
func (r *run) decide(k []byte, sc scope) decision {
	may := r.rs.listed || r.rs.mayMatch(k)
	if !may && sc != scopeBody {
		return decision{}
	}
	r.keys.normalize(k)
	var dec decision
	if may {
		dec = r.rs.match(&r.keys, sc)
	}
	if dec.rule == ruleNone && r.rs.mode == ModeAllow && sc != scopeText && !r.rs.allow.has(r.keys.text) {
		dec.rule = ruleUnlisted
	}
	if sc == scopeBody {
		if len(r.keys.text) <= len(k) {
			dec.role = roleOf(r.keys.text)
			if dec.role == roleName && !strongName(k) {
				dec.role = roleLabel
			}
		}
	}
	if may && dec.rule == ruleNone && !dec.keep() && len(k) < 64 && r.keys.unleet(k) {
		if leet := r.rs.match(&r.keys, sc); leet.flags&wLong != 0 {
			dec.rule = leet.rule
		}
	}
	if sc == scopeBody {
		if dec.rule == ruleNone && !r.rs.keysOnly && len(k) >= 6 && (bytes.IndexByte(k, '\\') >= 0 || !r.rs.plain(k)) {
			if d := r.push(len(k)); d != nil {
				d.buf = appendUnescaped(d.buf, k)
				d.src = d.buf
				// It is only asked: what is hidden in the key is counted where the key stands,
				// each time.
				n := len(r.asked)
				r.asked = append(r.asked, r.counts...)
				r.text(d, 0, len(d.src), scopeBody, false)
				copy(r.counts, r.asked[n:])
				r.asked = r.asked[:n]
				if d.changed(mark{}) {
					dec.flags |= wHit
				}
				r.pop()
			} else {
				dec.flags |= wHit
			}
		}
	}
	return dec
}

// wordEnds calls f at the end of each word of the key, and once more before
// the digits that end it, until f returns false.
func (ks *keyScratch) wordEnds(f func(end, next int) bool) {
	n := len(ks.text)
	start := 0
	for i := 1; i <= n; i++ {
		if i < n && !ks.starts[i] {
			continue
		}
		if !f(i, i) {
			return
		}
		e := i
		for e > start && '0' <= ks.text[e-1] && ks.text[e-1] <= '9' {
			e--
		}
		if e < i && e > start && !f(e, i) {
			return
		}
		start = i
	}
}

// match applies the words of the ruleset to a normalized key.
func (rs *ruleset) match(ks *keyScratch, sc scope) decision {
	t := ks.text
	n := len(t)
	if n == 0 {
		return decision{}
	}
	if rs.keep.has(t) {
		return decision{flags: wKeep}
	}
	if id := rs.globs.match(t, sc); id != ruleNone {
		return decision{rule: id}
	}
	var best decision
	bestLen := 0
	ks.wordEnds(func(end, next int) bool {
		for i := range rs.words[t[end-1]] {
			w := &rs.words[t[end-1]][i]
			if w.scopes&(1<<sc) == 0 || len(w.text) > end || string(t[end-len(w.text):end]) != w.text {
				continue
			}
			start := end - len(w.text)
			if !ks.starts[start] && w.flags&wSuffix == 0 {
				continue
			}
			if w.flags&wExact != 0 && (start != 0 || next != n) {
				continue
			}
			if w.rule < firstFixed && ks.metadata(next) {
				continue
			}
			if len(w.text) > bestLen || best.flags&(wStrings|wCounter) != 0 && w.flags&(wStrings|wCounter) == 0 {
				best = decision{rule: w.rule, flags: w.flags & (wStrings | wCounter)}
				if len(w.text) >= 5 && w.flags&wSuffix != 0 {
					best.flags |= wLong
				}
				bestLen = len(w.text)
			}
		}
		return true
	})
	if best.rule == ruleNone {
		best = rs.matchInside(ks, sc)
	}
	return best
}

// matchInside finds words that stand inside an unbroken one: Korean words, and
// "passwordconfirm".
func (rs *ruleset) matchInside(ks *keyScratch, sc scope) decision {
	t := ks.text
	for i := range rs.parts {
		w := &rs.parts[i]
		if w.scopes&(1<<sc) == 0 {
			continue
		}
		at := bytes.Index(t, w.bytes)
		if at < 0 {
			continue
		}
		end := at + len(w.bytes)
		if w.flags&wPart != 0 {
			if koreanMetadata(t[end:]) || ks.metadata(end) {
				continue
			}
			return decision{rule: w.rule}
		}
		if !ks.starts[at] { // a suffix word with a known ending
			continue
		}
		stop := end
		for stop < len(t) && !ks.starts[stop] {
			stop++
		}
		if stop > end && tailAffixes[string(t[end:stop])] && !ks.metadata(stop) {
			return decision{rule: w.rule}
		}
	}
	return decision{}
}

func koreanMetadata(tail []byte) bool {
	for _, s := range safeTailsKorean {
		if strings.HasSuffix(string(tail), s) {
			return true
		}
	}
	return false
}

// metadata reports whether the words from end on say that the key is about a
// secret and not the secret itself: the last word does, or "policy" is one of
// them.
func (ks *keyScratch) metadata(end int) bool {
	if end >= len(ks.text) {
		return false
	}
	if ks.tail < 0 {
		ks.findTail()
	}
	return ks.safe && ks.tail >= end || ks.policy >= end
}

func (ks *keyScratch) findTail() {
	n := len(ks.text)
	ks.tail, ks.policy = n, -1
	last := n
	for i := n - 1; i >= 0; i-- {
		if !ks.starts[i] {
			continue
		}
		if ks.tail == n {
			ks.tail = i
			ks.safe = safeTails[string(ks.text[i:n])]
		}
		if string(ks.text[i:last]) == "policy" {
			ks.policy = i
			return
		}
		last = i
	}
}
