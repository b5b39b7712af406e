package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/txtrail/txtrail/sanitize"
)

// mask appends the masked body to dst.
type mask func(dst, body []byte) ([]byte, error)

// contestant is one way to mask a body.
type contestant struct {
	name string
	mask mask
	samples
}

// contest is bodies, one after the other, and those who mask them.
type contest struct {
	name   string
	bodies [][]byte
	all    []*contestant
}

// size is the mean length of a body, in bytes.
func (c *contest) size() int {
	n := 0
	for _, b := range c.bodies {
		n += len(b)
	}
	return n / len(c.bodies)
}

const (
	keysOnly = "txtrail, keys only"
	allRules = "txtrail, all rules"
	masked   = "txtrail, masks"
	tokens   = "txtrail, tokens"
	walker   = "encoding/json, decode, walk, encode"
	splicer  = "jsontext, splice"
)

func contests() ([]contest, error) {
	keys, err := ours(&sanitize.Options{KeysOnly: true}, sanitize.KindJSON)
	if err != nil {
		return nil, err
	}
	full, err := ours(nil, sanitize.KindJSON)
	if err != nil {
		return nil, err
	}
	text, err := ours(nil, sanitize.KindText)
	if err != nil {
		return nil, err
	}
	token, err := ours(&sanitize.Options{
		Actions: map[string]sanitize.Action{"email": sanitize.ActionToken}, TokenKey: []byte("0123456789abcdef0123456789abcdef"),
	}, sanitize.KindJSON)
	if err != nil {
		return nil, err
	}
	others := func() []*contestant {
		all := []*contestant{{name: keysOnly, mask: keys}, {name: allRules, mask: full}, {name: walker, mask: decodeWalkEncode}}
		if splice != nil {
			all = append(all, &contestant{name: splicer, mask: splice()})
		}
		return all
	}
	var list []contest
	for _, size := range []struct {
		name string
		n    int
	}{{"1 KB", 1 << 10}, {"16 KB", 16 << 10}, {"1 MB", 1 << 20}} {
		for _, dense := range []bool{false, true} {
			c := contest{bodies: [][]byte{page(size.n, dense)}, all: others()}
			kind := "nothing to hide"
			if dense {
				kind = "dense"
			}
			c.name = fmt.Sprintf("JSON, %s, %s (%d B)", size.name, kind, c.size())
			list = append(list, c)
		}
	}
	varied := contest{bodies: orders(), all: others()}
	varied.name = fmt.Sprintf("JSON, 1 KB, %d orders of which no value comes again (%d B)", len(varied.bodies), varied.size())
	list = append(list, varied,
		contest{name: fmt.Sprintf("free text without a hit (%d B)", len(prose())), bodies: [][]byte{prose()}, all: []*contestant{{name: allRules, mask: text}}},
		contest{name: fmt.Sprintf("%d e-mail addresses (%d B)", addresses, len(contacts())), bodies: [][]byte{contacts()}, all: []*contestant{
			{name: masked, mask: full}, {name: tokens, mask: token},
		}})
	return list, nil
}

// ours masks with a policy, as the library does, counting by rule.
func ours(o *sanitize.Options, kind sanitize.Kind) (mask, error) {
	p, err := sanitize.New(o)
	if err != nil {
		return nil, err
	}
	var rep sanitize.Report
	return func(dst, body []byte) ([]byte, error) {
		rep.Reset()
		dst, res := p.AppendBody(dst, body, sanitize.Input{Kind: kind}, &rep)
		if res.Reason != "" {
			return nil, fmt.Errorf("refused: %s", res.Reason)
		}
		return dst, nil
	}, nil
}

// decodeWalkEncode is what most services do.
func decodeWalkEncode(dst, body []byte) ([]byte, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // or 1000.50 becomes 1000.5
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(walk(v))
	return append(dst, b...), err
}

func walk(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if sensitive[k] {
				x[k] = "[masked]"
			} else {
				x[k] = walk(e)
			}
		}
	case []any:
		for i := range x {
			x[i] = walk(x[i])
		}
	}
	return v
}
