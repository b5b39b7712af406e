package gcltest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/logging/apiv2/loggingpb"
)

// filter is a parsed filter.
type filter interface {
	match(e *loggingpb.LogEntry) bool
}

type (
	all   []filter
	some  []filter
	not   struct{ filter }
	yes   struct{}
	logID string
	// anywhere is a global restriction: a text in any field.
	anywhere string
	compare  struct {
		path  []string
		op    string
		value string
		quote bool
		re    *regexp.Regexp
	}
)

func (a all) match(e *loggingpb.LogEntry) bool {
	return !slices.ContainsFunc(a, func(f filter) bool { return !f.match(e) })
}

func (s some) match(e *loggingpb.LogEntry) bool {
	return slices.ContainsFunc(s, func(f filter) bool { return f.match(e) })
}

func (n not) match(e *loggingpb.LogEntry) bool { return !n.filter.match(e) }

func (yes) match(*loggingpb.LogEntry) bool { return true }

func (id logID) match(e *loggingpb.LogEntry) bool {
	_, l, _ := strings.Cut(e.LogName, "/logs/")
	return strings.ReplaceAll(l, "%2F", "/") == string(id)
}

// parser reads what this module emits of the language. NOT binds tightest, then OR,
// then AND, as the documentation has it.
type parser struct {
	lexer
	cur lexeme
}

func parseFilter(text string) (filter, error) {
	p := &parser{lexer: lexer{s: text}}
	if err := p.step(); err != nil {
		return nil, err
	}
	if p.cur.kind == end {
		return yes{}, nil
	}
	f, err := p.and()
	if err != nil {
		return nil, err
	}
	if p.cur.kind != end {
		return nil, p.unexpected()
	}
	return f, nil
}

func (p *parser) step() (err error) {
	p.cur, err = p.next()
	return err
}

func (p *parser) unexpected() error {
	if p.cur.kind == end {
		return fmt.Errorf("unexpected end")
	}
	return fmt.Errorf("unexpected %q at %d", p.cur.text, p.cur.at)
}

func (p *parser) is(k kind, text string) bool { return p.cur.kind == k && p.cur.text == text }

func (p *parser) take(k kind, text string) error {
	if !p.is(k, text) {
		return fmt.Errorf("want %q: %w", text, p.unexpected())
	}
	return p.step()
}

// list reads one operand after the other, with op between them.
func (p *parser) list(op string, operand func() (filter, error)) ([]filter, error) {
	var fs []filter
	for {
		f, err := operand()
		if err != nil {
			return nil, err
		}
		fs = append(fs, f)
		if !p.is(word, op) {
			return fs, nil
		}
		if err := p.step(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) and() (filter, error) {
	fs, err := p.list("AND", p.or)
	return all(fs), err
}

func (p *parser) or() (filter, error) {
	fs, err := p.list("OR", p.unary)
	return some(fs), err
}

func (p *parser) unary() (filter, error) {
	switch {
	case p.is(word, "NOT"), p.is(sign, "-"):
		if err := p.step(); err != nil {
			return nil, err
		}
		f, err := p.unary()
		return not{f}, err
	case p.is(sign, "("):
		if err := p.step(); err != nil {
			return nil, err
		}
		f, err := p.and()
		if err != nil {
			return nil, err
		}
		return f, p.take(sign, ")")
	case p.cur.kind == quoted:
		f := anywhere(strings.ToLower(p.cur.text))
		return f, p.step()
	case p.cur.kind == word:
		return p.comparison()
	}
	return nil, p.unexpected()
}

func (p *parser) comparison() (filter, error) {
	name := p.cur
	if err := p.step(); err != nil {
		return nil, err
	}
	if name.text == "log_id" {
		if err := p.take(sign, "("); err != nil {
			return nil, err
		}
		id := p.cur
		if id.kind != quoted {
			return nil, p.unexpected()
		}
		if err := p.step(); err != nil {
			return nil, err
		}
		return logID(id.text), p.take(sign, ")")
	}
	path, err := segments(name.text)
	if err != nil {
		return nil, err
	}
	if !known(path) {
		return nil, fmt.Errorf("unknown field %q at %d", name.text, name.at)
	}
	op := p.cur.text
	if p.cur.kind != sign || !slices.Contains([]string{"=", "!=", ">", "<", ">=", "<=", ":", "=~", "!~"}, op) {
		return nil, fmt.Errorf("want an operator after %q: %w", name.text, p.unexpected())
	}
	if err := p.step(); err != nil {
		return nil, err
	}
	if !p.is(sign, "(") {
		return p.value(path, op)
	}
	if err := p.step(); err != nil {
		return nil, err
	}
	fs, err := p.list("OR", func() (filter, error) { return p.value(path, op) })
	if err != nil {
		return nil, err
	}
	return some(fs), p.take(sign, ")")
}

func (p *parser) value(path []string, op string) (filter, error) {
	c := compare{path: path, op: op, value: p.cur.text, quote: p.cur.kind == quoted}
	switch {
	case p.cur.kind == quoted:
	case p.is(sign, "*") && op == ":": // present
	case p.cur.kind == word && !slices.Contains([]string{"AND", "OR", "NOT"}, p.cur.text) && op != "=~" && op != "!~":
	default:
		return nil, p.unexpected()
	}
	if op == "=~" || op == "!~" {
		re, err := regexp.Compile(c.value)
		if err != nil {
			return nil, err
		}
		c.re = re
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, p.step()
}
