package sanitize

// digits looks at the digit (or "+") at i. It returns the end of what it hid,
// 0 for nothing, or minus where to go on when what follows is certainly not
// for it.
func (r *run) digits(d *doc, floor, i, hi int) int {
	src := d.src
	if src[i] == '+' {
		if i > floor && isAlnum(src[i-1]) || i+9 > hi || !isDigit(src[i+1]) {
			return 0
		}
		return r.intlPhone(d, i, hi)
	}
	w := i
	for w > floor && (isAlnum(src[w-1]) || src[w-1] == '_') {
		w--
	}
	if uuidAt(src, w, hi) {
		return -(w + 36)
	}
	e := i + 1
	for e < hi && isDigit(src[e]) {
		e++
	}
	if w < i || e < hi && (isAlnum(src[e]) || src[e] == '_') {
		if i-w == 2 && e-i >= 2 {
			if n := r.iban(d, w, hi); n > 0 {
				return n
			}
		}
		for e < hi && (isAlnum(src[e]) || src[e] == '_') {
			e++
		}
		return -e
	}
	n := e - i
	if hi-i < 9 && (n < 4 || n > 8) { // nothing that short is looked for
		return -e
	}
	first := src[i]
	fraction := i >= floor+2 && src[i-1] == '.' && isDigit(src[i-2])
	switch {
	case first == '0' && (n == 2 || n == 3 || n == 4 || n == 10 || n == 11):
		if end := r.localPhone(d, floor, i, e, hi); end > 0 {
			return end
		}
	case n == 2 && first == '8' && src[i+1] == '2', n == 12 && string(src[i:i+4]) == "8210":
		if end := r.intlPhone(d, i, hi); end > 0 {
			return end
		}
	}
	if n == 3 {
		if end := r.dashed(d, i, hi); end > 0 {
			return end
		}
	}
	if n >= 4 && n <= 8 && i-floor >= 3 && r.rs.rules[ruleOTP].on && otpContext(src, floor, i) {
		r.mask(d, i, e, ruleOTP)
		return e
	}
	if n == 6 || n == 13 {
		if end := r.rrn(d, i, e, hi); end > 0 {
			return end
		}
	}
	if first < '2' || first == '7' || first == '8' || first == '2' && n > 1 && (src[i+1] < '2' || src[i+1] > '7') {
		return -e // no card begins like this
	}
	if n >= 14 && n <= 19 || n == 4 || n == 6 || n == 8 || n == 1 {
		if end := r.card(d, i, e, hi, fraction); end > 0 {
			return end
		}
	}
	return -e
}

// uuidAt reports a UUID at w: 8-4-4-4-12 hexadecimal digits. UUIDs are ids and
// survive whatever their digits look like.
func uuidAt(src []byte, w, hi int) bool {
	return w+36 <= hi && src[w+8] == '-' && uuid(src[w:w+36]) && (w+36 == hi || !isAlnum(src[w+36]))
}

func equalFold(b []byte, lower string) bool {
	for i := range len(lower) {
		if c := b[i]; c != lower[i] && (c|0x20 != lower[i] || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func allZeros(b []byte) bool {
	for _, c := range b {
		if c != '0' {
			return false
		}
	}
	return true
}

// number looks at a JSON number: cards and registration numbers travel as
// numbers too.
func (r *run) number(v []byte) ruleID {
	for i, c := range v {
		if c == '.' && i >= 12 && allZeros(v[i+1:]) { // as languages without integers write it
			v = v[:i]
			break
		}
		if !isDigit(c) {
			return ruleNone
		}
	}
	n := len(v)
	if n >= 14 && n <= 19 && r.rs.rules[ruleCard].on && cardNumber(v) {
		return ruleCard
	}
	if n == 13 && r.rs.rules[ruleRRN].on && rrnEnd(v, 0, 13, 13) > 0 {
		return ruleRRN
	}
	if n == 12 && r.rs.rules[rulePhone].on && string(v[:4]) == "8210" {
		return rulePhone
	}
	return ruleNone
}
