package sanitize

// maxGroups bounds how many groups of digits belong to one number.
const maxGroups = 20

// groups reads digit groups from i with one kind of single separator between
// them, any kind between the fours of a card, and returns the digits, the ends of the groups and how many there are.
func groups(src []byte, i, hi int, digits *[24]byte, ends, counts *[maxGroups]int) (n int) {
	sep := byte(0)
	nd := 0
	for n < maxGroups {
		s := i
		for i < hi && isDigit(src[i]) {
			if nd == len(digits) {
				return n
			}
			digits[nd] = src[i] - '0'
			nd++
			i++
		}
		if i == s {
			return n
		}
		if i < hi && (isAlnum(src[i]) || src[i] == '_') {
			return n // the last group belongs to a word
		}
		ends[n] = i
		counts[n] = nd
		n++
		if i+1 >= hi || !isDigit(src[i+1]) {
			return n
		}
		c := src[i]
		if c != ' ' && c != '-' && c != '.' || sep != 0 && c != sep && !(nd == 4*n && n < 4) { // fours may be written with any mixture
			return n
		}
		sep = c
		i++
	}
	return n
}

// card looks for a payment card number: 14 to 19 digits in one piece or in the
// groups they are printed in, of a known issuer, with a right Luhn digit.
func (r *run) card(d *doc, i, e, hi int, fraction bool) int {
	if !r.rs.rules[ruleCard].on || fraction {
		return 0
	}
	src := d.src
	n := e - i
	if n >= 14 {
		if cardNumber(src[i:e]) {
			r.mask(d, i, e, ruleCard)
			return e
		}
		return 0
	}
	if e >= hi || src[e] != ' ' && src[e] != '-' && src[e] != '.' {
		return 0
	}
	var digits [24]byte
	var ends, counts [maxGroups]int
	g := groups(src, i, hi, &digits, &ends, &counts)
	for k := g - 1; k > 0; k-- {
		nd := counts[k]
		if nd < 14 || nd > 19 || !cardGrouping(counts[:k+1]) {
			continue
		}
		var num [24]byte
		for j := range nd {
			num[j] = digits[j] + '0'
		}
		if cardNumber(num[:nd]) {
			r.mask(d, i, ends[k], ruleCard)
			return ends[k]
		}
	}
	return 0
}

// cardGrouping reports whether the cumulated counts are a way to write a card
// number: fours, 4-6-5, 4-6-4, 6-10, 8-8, or digit by digit.
func cardGrouping(c []int) bool {
	switch len(c) {
	case 2:
		return c[0] == 8 && c[1] == 16 || c[0] == 6 && c[1] >= 15
	case 3:
		return c[0] == 4 && c[1] == 10
	}
	step := c[0]
	if step != 4 && step != 1 {
		return false
	}
	for k := 1; k < len(c); k++ {
		if g := c[k] - c[k-1]; g != step && (k != len(c)-1 || g > step) {
			return false
		}
	}
	return true
}

// cardNumber checks issuer, length and Luhn digit. The ranges are the ones the
// card schemes publish; Korean domestic cards begin with 9.
func cardNumber(v []byte) bool {
	n := len(v)
	p := int(v[0]-'0')*1000 + int(v[1]-'0')*100 + int(v[2]-'0')*10 + int(v[3]-'0')
	ok := false
	switch {
	case p/1000 == 4: // Visa
		ok = n == 16 || n == 19
	case p >= 5100 && p < 5600, p >= 2221 && p <= 2720: // Mastercard
		ok = n == 16
	case p/100 == 34, p/100 == 37: // American Express
		ok = n == 15
	case p >= 3528 && p <= 3589: // JCB
		ok = n >= 16
	case p/100 == 36, p/100 == 38, p/100 == 39, p >= 3000 && p < 3060, p == 3095: // Diners
		ok = n == 14 || n == 16
	case p == 6011, p/100 == 65, p >= 6440 && p < 6500, p/100 == 62, p/100 == 60: // Discover, UnionPay, RuPay
		ok = n >= 16
	case p/100 == 50, p/100 >= 56 && p/100 <= 58, p/100 == 63, p/100 == 67: // Maestro
		ok = n == 16 || n == 19
	case p/1000 == 9: // Korean domestic
		ok = n == 16
	}
	if !ok {
		return false
	}
	sum := 0
	for k := range n {
		x := int(v[n-1-k] - '0')
		if k&1 == 1 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}
