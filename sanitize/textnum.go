package sanitize

import "bytes"

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
	if w+36 > hi || src[w+8] != '-' || src[w+13] != '-' || src[w+18] != '-' || src[w+23] != '-' {
		return false
	}
	for k := range 36 {
		if k == 8 || k == 13 || k == 18 || k == 23 {
			continue
		}
		if hexVal(src[w+k]) < 0 {
			return false
		}
	}
	return w+36 == hi || !isAlnum(src[w+36])
}

// maxGroups bounds how many groups of digits belong to one number.
const maxGroups = 20

// groups reads digit groups from i with one kind of single separator between
// them, and returns the digits, the ends of the groups and how many there are.
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
		if c != ' ' && c != '-' && c != '.' || sep != 0 && c != sep {
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

// rrn looks for a Korean resident or alien registration number: six digits of
// a date, one that says the century and sex (1-8), six more. Until October
// 2020 the last one was a check digit; later numbers need a context.
func (r *run) rrn(d *doc, i, e, hi int) int {
	if !r.rs.rules[ruleRRN].on {
		return 0
	}
	end := rrnEnd(d.src, i, e, hi)
	if end > 0 {
		r.mask(d, i, end, ruleRRN)
	}
	return end
}

func rrnEnd(src []byte, i, e, hi int) int {
	s2 := e
	if e-i == 6 {
		for s2 < hi && s2 < e+2 && src[s2] == ' ' {
			s2++
		}
		if s2 >= hi || src[s2] != '-' {
			return 0
		}
		s2++
		for k := 0; k < 2 && s2 < hi && src[s2] == ' '; k++ {
			s2++
		}
	} else {
		s2 = i + 6
	}
	if s2+7 > hi {
		return 0
	}
	for k := range 7 {
		if !isDigit(src[s2+k]) {
			return 0
		}
	}
	end := s2 + 7
	if end < hi && (isAlnum(src[end]) || src[end] == '_' || src[end] == '-' && end+1 < hi && isDigit(src[end+1])) {
		return 0
	}
	var n [13]int
	for k := range 6 {
		n[k] = int(src[i+k] - '0')
	}
	for k := range 7 {
		n[6+k] = int(src[s2+k] - '0')
	}
	year, month, day := n[0]*10+n[1], n[2]*10+n[3], n[4]*10+n[5]
	if month < 1 || month > 12 || day < 1 || day > 31 || n[6] < 1 || n[6] > 8 {
		return 0
	}
	sum := 0
	for k, w := range [12]int{2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5} {
		sum += n[k] * w
	}
	check := (11 - sum%11) % 10
	right := check == n[12] || n[6] >= 5 && (13-sum%11)%10 == n[12]
	young := (n[6] == 3 || n[6] == 4 || n[6] >= 7) && (year > 20 || year == 20 && month >= 10) && year < 50
	context := rrnContext(src, i)
	if e-i == 13 && !context {
		// In one piece it may be a time in milliseconds (2017 to 2033).
		if !right || year >= 15 && year <= 20 {
			return 0
		}
	} else if !right && !context && !(young && e-i == 6 && n[6] >= 7) {
		return 0
	}
	return end
}

// otpWords announce a short secret number in a sentence: "인증번호는 [482913]
// 입니다", "your verification code is 482913".
var otpWords = [...]string{"인증번호", "인증코드", "비밀번호", "verification code", "security code", "passcode", "one-time code", "login code", "otp", "pin"}

// otpContext looks for one of them shortly before the number at i.
func otpContext(src []byte, floor, i int) bool {
	switch c := src[i-1]; {
	case c == ' ', c == '[', c == ':', c == '(', c == '-', c == '#', c >= 0x80:
	default:
		return false
	}
	const near = 16
	w := src[max(floor, i-near-20):i]
	for k := len(w) - 1; k >= 0; k-- {
		if isDigit(w[k]) || w[k] == '\n' || w[k] == '=' {
			return false
		}
		if c := w[k]; c|0x20 != 'p' && c|0x20 != 'o' && c|0x20 != 'v' && c|0x20 != 's' && c|0x20 != 'l' && c != 0xEC && c != 0xEB {
			continue
		}
		if k > 0 && isAlnum(w[k-1]) && w[k] < 0x80 {
			continue
		}
		for _, word := range otpWords {
			if len(w)-k < len(word) || len(w)-k-len(word) > near || !equalFold(w[k:k+len(word)], word) {
				continue
			}
			return w[k] >= 0x80 || onlyConnectors(w[k+len(word):])
		}
	}
	return false
}

// onlyConnectors reports whether nothing but punctuation and words like "is"
// stand between an announcing word and its number.
func onlyConnectors(b []byte) bool {
	for _, word := range bytes.FieldsFunc(b, func(c rune) bool { return c < 0x80 && !isAlnum(byte(c)) }) {
		switch string(bytes.ToLower(word)) {
		case "is", "was", "code", "number", "no", "for", "today":
		default:
			return false
		}
	}
	return len(b) > 0 && !isAlnum(b[0])
}

// rrnContext looks for a word that announces an identity number within the 48
// bytes before i.
func rrnContext(src []byte, i int) bool {
	w := src[max(0, i-48):i]
	for k := range w {
		switch w[k] {
		case 0xEC, 0xEB: // the first bytes of 주, 신, 외, 등
			for _, word := range [...]string{"주민", "신분", "외국인등록", "등록번호"} {
				if len(w)-k >= len(word) && string(w[k:k+len(word)]) == word {
					return true
				}
			}
		case 'r', 'R', 's', 'S', 'j', 'J', 'i', 'I':
			for _, word := range [...]string{"rrn", "ssn", "jumin", "resident", "identity"} {
				if len(w)-k >= len(word) && equalFold(w[k:k+len(word)], word) {
					return true
				}
			}
		}
	}
	return false
}

func equalFold(b []byte, lower string) bool {
	for i := range len(lower) {
		if c := b[i]; c != lower[i] && (c|0x20 != lower[i] || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// localPhone looks for a Korean number with its trunk prefix.
func (r *run) localPhone(d *doc, floor, i, e, hi int) int {
	if !r.rs.rules[rulePhone].on || i >= floor+2 && src2(d.src, i) {
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
	switch {
	case n == 2:
		area = src[i+1] == '2'
	case n == 3:
		c, x := src[i+1], src[i+2]
		area = c >= '3' && c <= '6' && x >= '1' && x <= '5' || c == '7' && x == '0' || c == '8' && x == '0'
	case n == 4:
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

func src2(src []byte, i int) bool { return src[i-1] == '.' && isDigit(src[i-2]) }

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

// number looks at a JSON number: cards and registration numbers travel as
// numbers too.
func (r *run) number(v []byte) ruleID {
	for _, c := range v {
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

// ibanLength gives the length of an IBAN by country, from the SWIFT registry.
var ibanLength = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
	"CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
	"KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27,
	"MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
	"SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// iban looks for an IBAN at w, in one piece or in groups.
func (r *run) iban(d *doc, w, hi int) int {
	if !r.rs.rules[ruleIBAN].on {
		return 0
	}
	src := d.src
	var cc [2]byte
	cc[0], cc[1] = src[w]&^0x20, src[w+1]&^0x20
	want, ok := ibanLength[string(cc[:])]
	if !ok {
		return 0
	}
	n, p, mod := 0, w, 0
	var b [34]byte
	for p < hi && n < want {
		c := src[p]
		if isAlnum(c) {
			if c >= 'a' {
				c &^= 0x20
			}
			b[n] = c
			n++
		} else if c != ' ' && c != '-' || p+1 >= hi || !isAlnum(src[p+1]) {
			break
		}
		p++
	}
	if n != want || p < hi && isAlnum(src[p]) {
		return 0
	}
	for k := range want {
		c := b[(k+4)%want]
		if isDigit(c) {
			mod = (mod*10 + int(c-'0')) % 97
		} else {
			mod = (mod*100 + int(c-'A') + 10) % 97
		}
	}
	if mod != 1 {
		return 0
	}
	r.mask(d, w, p, ruleIBAN)
	return p
}
