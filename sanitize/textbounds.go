package sanitize

import (
	"bytes"
)

// quoteAt recognises an opening quote at v: its length, its character, and how
// many backslashes escape it.
func quoteAt(src []byte, v, hi int) (open int, q byte, nb int) {
	i := v
	for i < hi && src[i] == '\\' {
		i++
	}
	if i >= hi {
		return 0, 0, 0
	}
	switch src[i] {
	case '"', '\'', '`':
		if i == v && i+2 < hi && src[i] == '"' && src[i+1] == '"' && src[i+2] == '"' {
			return 3, '"', 0
		}
		return i - v + 1, src[i], i - v
	case 0xE2: // “ and ‘
		if i == v && i+2 < hi && src[i+1] == 0x80 && (src[i+2] == 0x9C || src[i+2] == 0x98) {
			return 3, src[i+2] + 1, 0
		}
	}
	return 0, 0, 0
}

// quoteEnd returns where the closing quote begins, hi when there is none.
func quoteEnd(src []byte, s, hi int, q byte, nb, open int) int {
	switch {
	case open == 3 && q == '"' && nb == 0:
		if j := bytes.Index(src[s:hi], []byte(`"""`)); j >= 0 {
			return s + j
		}
		return hi
	case q >= 0x80:
		if j := bytes.Index(src[s:hi], []byte{0xE2, 0x80, q}); j >= 0 {
			return s + j
		}
		return hi
	}
	for i := s; i < hi; {
		j := bytes.IndexByte(src[i:hi], q)
		if j < 0 {
			return hi
		}
		j += i
		b := j
		for b > s && src[b-1] == '\\' {
			b--
		}
		if n := j - b; nb == 0 && n%2 == 0 || nb > 0 && n <= nb {
			return b
		}
		i = j + 1
	}
	return hi
}

// balancedEnd returns the end of the bracketed structure at v, hi when it is
// not closed.
func balancedEnd(src []byte, v, hi int) int {
	depth := 0
	for i := v; i < hi; i++ {
		switch c := src[i]; c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"', '\'', '`':
			if c == '\'' && i > v && isAlnum(src[i-1]) { // an apostrophe
				continue
			}
			nb := 0
			for b := i; b > v && src[b-1] == '\\'; b-- {
				nb++
			}
			if e := quoteEnd(src, i+1, hi, c, nb, 1+nb); e < hi {
				i = e
				for i < hi && src[i] == '\\' {
					i++
				}
			}
		}
	}
	return hi
}

// bareEnd returns the end of an unquoted value. It ends at white space and
// where something else clearly begins: a bracket, comma or semicolon inside a
// password does not end it.
func bareEnd(src []byte, v, hi int) int {
	for i := v; i < hi; i++ {
		switch c := src[i]; c {
		case ' ', '\t', '\n', '\r', '&', 0x1b, '"', '<', '`':
			if c == '<' && i == v {
				continue
			}
			return i
		case '[':
			if bytes.HasPrefix(src[i:hi], []byte("[masked:")) {
				if j := bytes.IndexByte(src[i:min(hi, i+128)], ']'); j > 0 {
					i += j
				}
			}
		case '\'':
			if i > v && (i+1 >= hi || !isAlnum(src[i+1])) {
				return i
			}
		case '\\':
			if i+1 < hi && (src[i+1] == '"' || src[i+1] == '\'' || src[i+1] == 'n' || src[i+1] == 'r' || src[i+1] == 't') {
				return i
			}
		case ',', ';', ')', '}', ']', '|':
			if i > v && boundary(src, i+1, hi) {
				return i
			}
		}
	}
	return hi
}

// boundary reports whether what follows a separator is the end, space, more
// punctuation, or another key.
func boundary(src []byte, i, hi int) bool {
	if i >= hi {
		return true
	}
	switch src[i] {
	case ' ', '\t', '\n', '\r', '"', '\'', '`', ')', '}', ']', ',', ';', '\\', '<', '{', '[', '|', '.':
		return true
	}
	j := i
	for j < hi && j-i < 40 && (keyByte(src[j]) || src[j] == '[' || src[j] == ']') {
		j++
	}
	return j > i && j < hi && (src[j] == '=' || src[j] == ':')
}

func lineEnd(src []byte, v, hi int) int {
	for i := v; i < hi; i++ {
		switch src[i] {
		case '\n', '\r':
			return i
		case '\\':
			if i+1 < hi && (src[i+1] == 'n' || src[i+1] == 'r') {
				return i
			}
		}
	}
	return hi
}

func isLiteral(v []byte) bool {
	switch string(v) {
	case "true", "false", "null", "nil", "None", "none", "undefined", "True", "False", "NULL", "<nil>":
		return true
	}
	return false
}

func isNumber(v []byte) bool {
	if len(v) == 0 || len(v) > 20 {
		return false
	}
	for _, c := range v {
		if !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return false
		}
	}
	return isDigit(v[len(v)-1])
}

// blockScalar recognises "|", ">-" and the like at the end of a line.
func blockScalar(v []byte) bool {
	for i, c := range v {
		if c == '\n' || c == '\r' {
			return i > 0
		}
		if c != '|' && c != '>' && c != '-' && c != '+' && c != ' ' && !isDigit(c) {
			return false
		}
	}
	return true
}
