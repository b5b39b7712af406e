package sanitize

import (
	"bytes"
)

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
