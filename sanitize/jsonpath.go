package sanitize

import (
	"errors"
	"strings"
)

// pathSet runs all JSON path rules at once: one bit per step, set where the
// steps before it have matched the way from the root.
type pathSet struct {
	steps []pathStep
	n     int
	start uint64
}

type pathStep struct {
	name  string
	any   bool // "*"
	index bool // "[*]"
	rule  ruleID
	last  bool
}

func (p *pathSet) add(path string, id ruleID) error {
	if !strings.HasPrefix(path, "$") {
		return errors.New(`must begin with "$"`)
	}
	rest := path[1:]
	var steps []pathStep
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "[*]"):
			steps = append(steps, pathStep{index: true})
			rest = rest[3:]
		case strings.HasPrefix(rest, "['"):
			name, after, ok := strings.Cut(rest[2:], "']")
			if !ok || name == "" {
				return errors.New(`"['" without "']"`)
			}
			steps = append(steps, pathStep{name: name})
			rest = after
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			name := rest[1 : 1+end]
			if name == "" {
				return errors.New("an empty step")
			}
			steps = append(steps, pathStep{name: name, any: name == "*"})
			rest = rest[1+end:]
		default:
			return errors.New(`after a step comes ".name", "['name']" or "[*]"`)
		}
	}
	if len(steps) == 0 {
		return errors.New("it has no step")
	}
	if len(p.steps)+len(steps) > 47 {
		return errors.New("more than 47 steps in all paths together")
	}
	steps[len(steps)-1].last = true
	steps[len(steps)-1].rule = id
	p.start |= 1 << len(p.steps)
	p.steps = append(p.steps, steps...)
	p.n = len(p.steps)
	return nil
}

// A state's bit k below 48 means: step k is the next to match. Bit 63 means
// that a path is complete here; the bits from 48 on are then its rule.

// member advances the state over an object member.
func (p *pathSet) member(state uint64, key []byte) uint64 {
	return p.advance(state, func(s *pathStep) bool {
		return !s.index && (s.any || s.name == string(key))
	})
}

// element advances the state over an array element.
func (p *pathSet) element(state uint64) uint64 {
	return p.advance(state, func(s *pathStep) bool { return s.index })
}

func (p *pathSet) advance(state uint64, match func(*pathStep) bool) uint64 {
	var out uint64
	for k := range p.steps {
		if state&(1<<k) != 0 && match(&p.steps[k]) {
			if p.steps[k].last {
				if out>>63 == 0 {
					out |= 1<<63 | uint64(p.steps[k].rule)<<48
				}
			} else {
				out |= 1 << (k + 1)
			}
		}
	}
	return out
}

// accept returns the rule of a path that the state completes.
func (p *pathSet) accept(state uint64) ruleID {
	if state>>63 == 0 {
		return ruleNone
	}
	return ruleID(state >> 48 & 0x7fff)
}
