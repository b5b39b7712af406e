package gcltest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	end    kind = iota
	word        // unquoted text: a field's path, a number, AND
	quoted      // a string
	sign        // an operator, a parenthesis
)

type lexeme struct {
	kind kind
	text string // of a string: its value
	at   int
}

// lexer reads a filter's text. Paths are words with their quotes in them.
type lexer struct {
	s string
	i int
}

func (l *lexer) next() (lexeme, error) {
	for l.i < len(l.s) && strings.IndexByte(" \t\r\n", l.s[l.i]) >= 0 {
		l.i++
	}
	at := l.i
	if at == len(l.s) {
		return lexeme{end, "", at}, nil
	}
	for _, op := range [...]string{"!=", "!~", "=~", ">=", "<=", "=", ">", "<", ":", "(", ")", "-", "*"} {
		if strings.HasPrefix(l.s[at:], op) {
			l.i += len(op)
			return lexeme{sign, op, at}, nil
		}
	}
	if l.s[at] == '"' {
		v, err := l.str()
		return lexeme{quoted, v, at}, err
	}
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case wordByte(c):
			l.i++
		case c == '"' && l.i > at && l.s[l.i-1] == '.': // a segment of a path
			if _, err := l.str(); err != nil {
				return lexeme{}, err
			}
		default:
			if l.i == at {
				return lexeme{}, fmt.Errorf("character %q at %d", c, at)
			}
			return lexeme{word, l.s[at:l.i], at}, nil
		}
	}
	return lexeme{word, l.s[at:], at}, nil
}

func wordByte(c byte) bool {
	return c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// str reads a string with its quotes and escapes.
func (l *lexer) str() (string, error) {
	at := l.i
	l.i++
	var b strings.Builder
	for l.i < len(l.s) {
		c := l.s[l.i]
		l.i++
		switch {
		case c == '"':
			if !utf8.ValidString(b.String()) {
				return "", fmt.Errorf("string at %d is not UTF-8", at)
			}
			return b.String(), nil
		case c < 0x20:
			return "", fmt.Errorf("control character in the string at %d", at)
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		if l.i == len(l.s) {
			break
		}
		c = l.s[l.i]
		l.i++
		switch c {
		case '"', '\\':
			b.WriteByte(c)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			if l.i+4 > len(l.s) {
				return "", fmt.Errorf("short escape in the string at %d", at)
			}
			r, err := strconv.ParseUint(l.s[l.i:l.i+4], 16, 16)
			if err != nil {
				return "", fmt.Errorf("bad escape in the string at %d", at)
			}
			l.i += 4
			b.WriteRune(rune(r))
		default:
			return "", fmt.Errorf("unknown escape \\%c in the string at %d", c, at)
		}
	}
	return "", fmt.Errorf("string at %d without end", at)
}

// segments takes a path apart: jsonPayload.a."b.c".
func segments(path string) ([]string, error) {
	var out []string
	for l := (lexer{s: path}); ; {
		if l.i < len(path) && path[l.i] == '"' {
			v, err := l.str()
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		} else {
			start := l.i
			for l.i < len(path) && path[l.i] != '.' && path[l.i] != '"' {
				l.i++
			}
			if start == l.i {
				return nil, fmt.Errorf("empty segment in the path %q", path)
			}
			out = append(out, path[start:l.i])
		}
		if l.i == len(path) {
			return out, nil
		}
		if path[l.i] != '.' {
			return nil, fmt.Errorf("path %q", path)
		}
		l.i++
	}
}
