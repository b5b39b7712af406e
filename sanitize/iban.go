package sanitize

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
