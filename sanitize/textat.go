package sanitize

import "bytes"

// at looks at the "@" at i: an e-mail address, or the user information of
// something that is not a URL (app:secret@tcp(host)/db).
func (r *run) at(d *doc, floor, i, hi int) int {
	src := d.src
	if n := r.dsn(d, floor, i, hi); n > 0 {
		return n
	}
	if !r.rs.rules[ruleEmail].on {
		return 0
	}
	s := i
	for s > floor && i-s < 128 && localByte(src[s-1]) {
		s--
	}
	for s < i && (src[s] == '.' || src[s] == '-' || src[s] == '\'') {
		s++
	}
	if s == i { // a quoted or non-Latin local part
		if i > floor && src[i-1] == '"' {
			s = i - 1
			for s > floor && i-s < 66 && src[s-1] != '"' && src[s-1] != '\n' {
				s--
			}
			if s == floor || src[s-1] != '"' {
				return 0
			}
			s--
		} else {
			for s > floor && i-s < 64 && (src[s-1] >= 0x80 || localByte(src[s-1])) {
				s--
			}
		}
		if s == i {
			return 0
		}
	}
	e := domainEnd(src, i+1, hi)
	if e == 0 || i-s == 3 && string(src[s:i]) == "git" {
		return 0
	}
	r.mask(d, s, e, ruleEmail)
	return e
}

func localByte(c byte) bool {
	return isAlnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\''
}

// domainEnd returns the end of the domain at p, 0 when it is none: labels, at
// least one dot, and a last label of letters. Korean particles that follow
// without a space are not part of it.
func domainEnd(src []byte, p, hi int) int {
	if p < hi && src[p] == '[' { // an address literal
		e := p + 1
		for e < hi && e-p < 48 && (hexVal(src[e]) >= 0 || src[e] == '.' || src[e] == ':') {
			e++
		}
		if e < hi && src[e] == ']' && e > p+3 {
			return e + 1
		}
		return 0
	}
	end, dots, label := 0, 0, p
	e := p
	for e < hi && e-p < 254 {
		c := src[e]
		if isAlnum(c) || c == '-' {
			e++
			if dots > 0 && e-label >= 2 && (e == hi || !isAlnum(src[e]) && src[e] != '-') && letters(src[label:e]) {
				end = e
			}
			continue
		}
		if c == '.' && e > label && e+1 < hi && (isAlnum(src[e+1]) || src[e+1] >= 0x80) {
			dots++
			e++
			label = e
			continue
		}
		if c >= 0x80 && end == 0 { // an internationalized name
			x := e
			for x < hi && x-p < 254 && (src[x] >= 0x80 || isAlnum(src[x]) || src[x] == '-' || src[x] == '.' && x+1 < hi && src[x+1] >= 0x80) {
				x++
			}
			if dots > 0 || bytes.IndexByte(src[e:x], '.') >= 0 {
				return x
			}
		}
		break
	}
	return end
}

func letters(b []byte) bool {
	if bytes.HasPrefix(b, []byte("xn--")) {
		return true
	}
	for _, c := range b {
		if (c|0x20)-'a' >= 26 {
			return false
		}
	}
	return true
}

// dsn looks for name:secret@host where host is written as connection strings
// write it.
func (r *run) dsn(d *doc, floor, i, hi int) int {
	if !r.rs.rules[ruleUserinfo].on {
		return 0
	}
	src := d.src
	s := i
	colon := -1
	for s > floor && i-s < 128 {
		c := src[s-1]
		if isSpace(c) || c == '"' || c == '\'' || c == '`' || c == '=' || c == '<' || c == '>' || c == ',' {
			break
		}
		s--
		if src[s] == ':' {
			colon = s
		}
	}
	if colon <= s || colon+1 == i {
		return 0
	}
	for k := s; k < colon; k++ {
		if c := src[k]; !isAlnum(c) && c != '_' && c != '-' && c != '.' {
			if c == '/' || c == '(' || c == '[' || c == '{' {
				s = k + 1
				continue
			}
			return 0
		}
	}
	if s == colon {
		return 0
	}
	last := i
	for k := i + 1; k < hi && k-i < 128; k++ {
		c := src[k]
		if isSpace(c) || c == '/' || c == '(' || c == '"' || c == '\'' || c == '<' || c == ',' || c == ';' {
			break
		}
		if c == '@' {
			last = k
		}
	}
	h := last + 1
	for h < hi && (isAlnum(src[h]) || src[h] == '.' || src[h] == '-' || src[h] == '_') {
		h++
	}
	if h == last+1 {
		if h >= hi || src[h] != '[' && src[h] != '(' && src[h] != '/' {
			return 0
		}
	}
	network := h < hi && (src[h] == '(' || src[h] == '/' || src[h] == ':' && h+1 < hi && isDigit(src[h+1]))
	if !network && (last == i && domainEnd(src, last+1, hi) > 0) {
		return 0 // an address with a label before it: mailto:kim@example.kr
	}
	if r.rs.isMarker(src[colon+1 : last]) {
		return last
	}
	r.mask(d, colon+1, last, ruleUserinfo)
	return last
}
