package sanitize

// localPhone looks for a Korean number with its trunk prefix.
func (r *run) localPhone(d *doc, floor, i, e, hi int) int {
	if !r.rs.rules[rulePhone].on || i >= floor+2 && afterFraction(d.src, i) {
		return 0
	}
	src := d.src
	n := e - i
	mobile := n >= 3 && src[i+1] == '1' && (src[i+2] == '0' || src[i+2] == '1' || src[i+2] >= '6')
	if n >= 10 {
		if !mobile || n == 10 && src[i+2] == '0' {
			return 0
		}
		r.mask(d, i, e, rulePhone)
		return e
	}
	area := false
	switch n {
	case 2:
		area = src[i+1] == '2'
	case 3:
		c, x := src[i+1], src[i+2]
		area = c >= '3' && c <= '6' && x >= '1' && x <= '5' || c == '7' && x == '0' || c == '8' && x == '0'
	case 4:
		area = src[i+1] == '5' && src[i+2] == '0'
	}
	if !mobile && !area || n == 4 && mobile {
		return 0
	}
	p := e
	sep := byte(0)
	p, sep = phoneSep(src, p, hi, 0)
	if sep == 0 {
		return 0
	}
	a := p
	for p < hi && isDigit(src[p]) {
		p++
	}
	if p-a != 3 && p-a != 4 {
		return 0
	}
	p, sep2 := phoneSep(src, p, hi, sep)
	if sep2 == 0 || area && sep2 != '-' && sep != ')' {
		return 0
	}
	b := p
	for p < hi && isDigit(src[p]) {
		p++
	}
	if p-b != 4 || p < hi && (isAlnum(src[p]) || src[p] == '.' && p+1 < hi && isDigit(src[p+1])) {
		return 0
	}
	r.mask(d, i, p, rulePhone)
	return p
}

// afterFraction reports a digit before a dot before i: 0.010…
func afterFraction(src []byte, i int) bool { return src[i-1] == '.' && isDigit(src[i-2]) }

// phoneSep steps over the separator between the parts of a phone number.
func phoneSep(src []byte, p, hi int, want byte) (int, byte) {
	if p >= hi {
		return p, 0
	}
	switch c := src[p]; c {
	case ')':
		p++
		if p < hi && src[p] == ' ' || p < hi && src[p] == '-' {
			p++
		}
		return p, c
	case '-', '.', ' ':
		if want != 0 && want != ')' && want != c {
			return p, 0
		}
		p++
		if c == ' ' && p < hi && src[p] == '-' || c == '-' && p < hi && src[p] == ' ' {
			p++
			if p < hi && src[p] == ' ' {
				p++
			}
		}
		return p, c
	}
	return p, 0
}

// intlPhone looks for a number with its country code: 9 to 15 digits.
func (r *run) intlPhone(d *doc, i, hi int) int {
	if !r.rs.rules[rulePhone].on {
		return 0
	}
	src := d.src
	p := i
	plus := src[p] == '+'
	if plus {
		p++
	}
	if src[p] == '0' {
		return 0
	}
	n, end := 0, p
	for p < hi && n <= 15 {
		c := src[p]
		if isDigit(c) {
			n++
			p++
			end = p
			continue
		}
		if (c == '-' || c == ' ' || c == '.' || c == '(' || c == ')') && p+1 < hi && (isDigit(src[p+1]) || src[p+1] == '(' || src[p+1] == ' ' && c == ')') && p-end < 2 {
			p++
			continue
		}
		break
	}
	if n < 9 || n > 15 || end < hi && (isAlnum(src[end]) || src[end] == '_' || src[end] == '@') {
		return 0
	}
	if !plus && !(n == 12 || n == 11) {
		return 0
	}
	if !plus { // 82-10-1234-5678
		k := i + 2
		if k < hi && !isDigit(src[k]) {
			k++
		}
		if k >= hi || src[k] != '1' {
			return 0
		}
	}
	if i > 0 && src[i-1] == '(' && end < hi && src[end] == ')' {
		end++
	}
	r.mask(d, i, end, rulePhone)
	return end
}

// dashed looks for 3-2-4 (a US social security number) and 3-3-4 (a North
// American phone number).
func (r *run) dashed(d *doc, i, hi int) int {
	src := d.src
	if i > 0 && (src[i-1] == '-' || src[i-1] == '.') {
		return 0
	}
	p := i + 3
	sep := byte(0)
	if p >= hi {
		return 0
	}
	if src[p] == ')' && p+1 < hi && src[p+1] == ' ' {
		p += 2
	} else if src[p] == '-' {
		sep = '-'
		p++
	} else {
		return 0
	}
	a := p
	for p < hi && isDigit(src[p]) {
		p++
	}
	mid := p - a
	if mid != 2 && mid != 3 || mid == 2 && sep == 0 || p >= hi || src[p] != '-' {
		return 0
	}
	p++
	b := p
	for p < hi && isDigit(src[p]) {
		p++
	}
	if p-b != 4 || p < hi && (isAlnum(src[p]) || src[p] == '-') {
		return 0
	}
	id := rulePhone
	if mid == 2 {
		id = ruleRRN
		if src[i] == '9' || string(src[i:i+3]) == "000" || string(src[i:i+3]) == "666" {
			return 0
		}
	} else if src[i] < '2' {
		return 0
	}
	if !r.rs.rules[id].on {
		return 0
	}
	r.mask(d, i, p, id)
	return p
}
