package sanitize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
)

// guessable are rules whose values are so short or so often reused that a
// digest of them, even a keyed one, gives them away once the key is known.
func guessable(id ruleID) bool {
	switch id {
	case rulePassword, ruleOTP, rulePIN, ruleCVV:
		return true
	}
	return false
}

func checkAction(a Action, id ruleID, o *Options) error {
	if a > ActionToken {
		return fmt.Errorf("unknown action %d", a)
	}
	if a == ActionToken {
		if guessable(id) {
			return errors.New("action token is refused for values that can be guessed: use mask or drop")
		}
		if len(o.TokenKey) < 16 {
			return fmt.Errorf("action token needs a TokenKey of at least 16 bytes, got %d", len(o.TokenKey))
		}
	}
	return nil
}

// deriveTokenKeys gives each tokenizing rule its own key, so that the same
// value under two rules does not show as the same.
func (rs *ruleset) deriveTokenKeys(o *Options) {
	rs.tokenKeys = map[ruleID][]byte{}
	for i := range rs.rules {
		if rs.rules[i].action == ActionToken {
			m := hmac.New(sha256.New, o.TokenKey)
			m.Write([]byte(rs.rules[i].name))
			m.Write([]byte{0})
			m.Write([]byte(o.TokenEpoch))
			rs.tokenKeys[ruleID(i)] = m.Sum(nil)
		}
	}
}

// tokenScratch keeps one keyed hash per rule: resetting one costs a copy,
// making one costs two blocks and allocations.
type tokenScratch struct {
	macs map[ruleID]hash.Hash
	sum  [sha256.Size]byte
}

const tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

const tokenLen = 26 // 130 bits

func (r *run) appendToken(dst []byte, id ruleID, v []byte) []byte {
	m := r.tok.macs[id]
	if m == nil {
		if r.tok.macs == nil {
			r.tok.macs = map[ruleID]hash.Hash{}
		}
		m = hmac.New(sha256.New, r.rs.tokenKeys[id])
		r.tok.macs[id] = m
	}
	m.Reset()
	m.Write(v)
	sum := m.Sum(r.tok.sum[:0])
	acc, bits := uint(0), 0
	for i, n := 0, 0; n < tokenLen; n++ {
		if bits < 5 {
			acc = acc<<8 | uint(sum[i])
			i++
			bits += 8
		}
		bits -= 5
		dst = append(dst, tokenAlphabet[acc>>bits&31])
	}
	return dst
}

func lengthClass(n int) string {
	switch {
	case n <= 8:
		return "1-8"
	case n <= 16:
		return "9-16"
	case n <= 32:
		return "17-32"
	case n <= 64:
		return "33-64"
	case n <= 256:
		return "65-256"
	}
	return "257+"
}

// appendMarker appends what stands in the place of v.
func (r *run) appendMarker(dst []byte, id ruleID, v []byte) []byte {
	ru := &r.rs.rules[id]
	open := ru.marker[:len(ru.marker)-1]
	switch ru.action {
	case ActionDrop:
		return dst
	case ActionLast4:
		var last [4]byte
		n, all := 0, 0
		for i := len(v) - 1; i >= 0; i-- {
			if c := v[i]; isAlnum(c) {
				if n < 4 {
					n++
					last[4-n] = c
				}
				all++
			} else if c >= 0x80 || c == '\\' || c == '%' {
				all = 0 // encoded: what the last four are is not certain
				break
			}
		}
		if all >= 12 {
			dst = append(append(dst, open...), ':')
			dst = append(dst, last[:]...)
			return append(dst, ']')
		}
	case ActionDomain:
		if at := bytes.LastIndexByte(v, '@'); at >= 0 && validDomain(v[at+1:]) {
			dst = append(append(dst, open...), ':')
			dst = append(dst, v[at+1:]...)
			return append(dst, ']')
		}
	case ActionLength:
		dst = append(append(dst, open...), ':')
		dst = append(dst, lengthClass(len(v))...)
		return append(dst, ']')
	case ActionToken:
		dst = append(append(dst, open...), ':', 't')
		dst = r.appendToken(dst, id, v)
		return append(dst, ']')
	}
	if id == ruleUnlisted {
		dst = append(append(dst, open...), ':')
		dst = append(dst, lengthClass(len(v))...)
		return append(dst, ']')
	}
	return append(dst, ru.marker...)
}

// detailOK reports whether detail is what the rule's action leaves.
func (rs *ruleset) detailOK(id ruleID, detail []byte) bool {
	action := rs.rules[id].action
	if id == ruleUnlisted {
		action = ActionLength
	}
	switch action {
	case ActionLast4:
		return len(detail) == 4
	case ActionDomain:
		return validDomain(detail)
	case ActionLength:
		switch string(detail) {
		case "1-8", "9-16", "17-32", "33-64", "65-256", "257+":
			return true
		}
	case ActionToken:
		return len(detail) == tokenLen+1 && detail[0] == 't'
	}
	return false
}

func validDomain(d []byte) bool {
	dot := false
	for i, c := range d {
		switch {
		case isAlnum(c):
		case c == '.':
			dot = i > 0
		case c == '-':
		default:
			return false
		}
	}
	return dot && len(d) <= 253 && d[len(d)-1] != '.'
}

// mask hides src[s:e] with the rule's marker.
func (r *run) mask(d *doc, s, e int, id ruleID) {
	ro := len(d.repl)
	d.repl = r.appendMarker(d.repl, id, d.src[s:e])
	d.edits = append(d.edits, edit{s: s, e: e, ro: ro, rl: len(d.repl) - ro, rule: id})
}

// maskJSON hides the JSON value src[s:e], quotes or brackets included.
func (r *run) maskJSON(d *doc, s, e int, id ruleID) {
	if ru := &r.rs.rules[id]; ru.action == ActionMask && id != ruleUnlisted {
		// Made in its place, as a frame is.
		if n := len(d.edits); n < cap(d.edits) {
			d.edits = d.edits[:n+1]
		} else {
			d.edits = append(d.edits, edit{})
		}
		ed := &d.edits[len(d.edits)-1]
		ed.s, ed.e, ed.ro, ed.rl, ed.rule = s, e, len(d.repl), len(ru.quoted), id
		d.repl = append(d.repl, ru.quoted...)
		return
	}
	d.edits = append(d.edits, r.jsonEdit(d, s, e, id))
}

func (r *run) jsonEdit(d *doc, s, e int, id ruleID) edit {
	ro := len(d.repl)
	ru := &r.rs.rules[id]
	switch {
	case ru.action == ActionMask && id != ruleUnlisted:
		d.repl = append(d.repl, ru.quoted...)
	case ru.action == ActionDrop:
		d.repl = append(d.repl, "null"...)
	default:
		v := d.src[s:e]
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		d.repl = append(d.repl, '"')
		d.repl = r.appendMarker(d.repl, id, v)
		d.repl = append(d.repl, '"')
	}
	return edit{s: s, e: e, ro: ro, rl: len(d.repl) - ro, rule: id}
}
