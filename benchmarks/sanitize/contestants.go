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

// contest is a body and those who mask it.
type contest struct {
	name string
	body []byte
	all  []*contestant
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
	var list []contest
	for _, size := range []struct {
		name string
		n    int
	}{{"1 KB", 1 << 10}, {"16 KB", 16 << 10}, {"1 MB", 1 << 20}} {
		for _, dense := range []bool{false, true} {
			c := contest{body: page(size.n, dense), all: []*contestant{
				{name: keysOnly, mask: keys}, {name: allRules, mask: full}, {name: walker, mask: decodeWalkEncode},
			}}
			if splice != nil {
				c.all = append(c.all, &contestant{name: splicer, mask: splice()})
			}
			kind := "nothing to hide"
			if dense {
				kind = "dense"
			}
			c.name = fmt.Sprintf("JSON, %s, %s (%d B)", size.name, kind, len(c.body))
			list = append(list, c)
		}
	}
	list = append(list,
		contest{name: fmt.Sprintf("free text without a hit (%d B)", len(prose())), body: prose(), all: []*contestant{{name: allRules, mask: text}}},
		contest{name: fmt.Sprintf("%d e-mail addresses (%d B)", addresses, len(contacts())), body: contacts(), all: []*contestant{
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
