package sanitize

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// The policy file is JSON with the names of Options in snake case:
//
//	{
//	  "mode": "deny",
//	  "disable": ["phone"],
//	  "actions": {"email": "domain", "card": "last4"},
//	  "rules": [{"name": "member-no", "keys": ["member no"], "action": "token"}],
//	  "keep": ["push_token_kind"],
//	  "routes": [{"pattern": "POST /login", "drop_body": true}],
//	  "token_key": "base64…", "token_epoch": "2026-11"
//	}
type fileOptions struct {
	Mode         string            `json:"mode"`
	Disable      []string          `json:"disable"`
	Actions      map[string]string `json:"actions"`
	Rules        []fileRule        `json:"rules"`
	Keep         []string          `json:"keep"`
	Allow        []string          `json:"allow"`
	AllowCookies []string          `json:"allow_cookies"`
	Routes       []fileRoute       `json:"routes"`
	KeysOnly     bool              `json:"keys_only"`
	MaxDepth     int               `json:"max_depth"`
	MaxDecoded   int               `json:"max_decoded"`
	MaxRatio     int               `json:"max_ratio"`
	TokenKey     string            `json:"token_key"`
	TokenEpoch   string            `json:"token_epoch"`
}

type fileRule struct {
	Name    string   `json:"name"`
	Keys    []string `json:"keys"`
	Paths   []string `json:"paths"`
	Scopes  []string `json:"scopes"`
	Pattern string   `json:"pattern"`
	Anchor  string   `json:"anchor"`
	Action  string   `json:"action"`
}

type fileRoute struct {
	Pattern  string     `json:"pattern"`
	Mode     string     `json:"mode"`
	Allow    []string   `json:"allow"`
	Rules    []fileRule `json:"rules"`
	Keep     []string   `json:"keep"`
	DropBody bool       `json:"drop_body"`
}

var modeNames = map[string]Mode{"": ModeDeny, "deny": ModeDeny, "allow": ModeAllow, "shadow": ModeShadow}

var actionNames = map[string]Action{
	"": ActionMask, "mask": ActionMask, "drop": ActionDrop, "last4": ActionLast4,
	"domain": ActionDomain, "length": ActionLength, "token": ActionToken,
}

// ParseOptions reads a policy file and checks it whole, as [New] would. The
// file is JSON with the fields of [Options] in snake case ("max_depth"), modes
// "deny", "allow" and "shadow", actions "mask", "drop", "last4", "domain",
// "length" and "token", and token_key in base64. Unknown fields are refused;
// the error names the field or the rule that is wrong.
func ParseOptions(b []byte) (*Options, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var f fileOptions
	if err := dec.Decode(&f); err != nil {
		line := func(offset int64) int { return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n")) }
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("sanitize: policy file: line %d: %w", line(syntax.Offset), err)
		}
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return nil, fmt.Errorf("sanitize: policy file: line %d: field %q is a %s, want %s", line(typ.Offset), typ.Field, typ.Value, wanted(typ.Type))
		}
		return nil, fmt.Errorf("sanitize: policy file: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("sanitize: policy file: something follows the policy")
	}
	o := &Options{
		Disable: f.Disable, Keep: f.Keep, Allow: f.Allow, AllowCookies: f.AllowCookies, KeysOnly: f.KeysOnly,
		MaxDepth: f.MaxDepth, MaxDecoded: f.MaxDecoded, MaxRatio: f.MaxRatio, TokenEpoch: f.TokenEpoch,
	}
	var err error
	if o.Mode, err = parseMode(f.Mode); err != nil {
		return nil, fmt.Errorf("sanitize: policy file: %w", err)
	}
	for name, a := range f.Actions {
		act, ok := actionNames[a]
		if !ok {
			return nil, fmt.Errorf("sanitize: policy file: actions: rule %q: unknown action %q: use mask, drop, last4, domain, length or token", name, a)
		}
		if o.Actions == nil {
			o.Actions = map[string]Action{}
		}
		o.Actions[name] = act
	}
	if o.Rules, err = fileRules(f.Rules); err != nil {
		return nil, err
	}
	for _, fr := range f.Routes {
		rt := Route{Pattern: fr.Pattern, Allow: fr.Allow, Keep: fr.Keep, DropBody: fr.DropBody}
		if rt.Mode, err = parseMode(fr.Mode); err != nil {
			return nil, fmt.Errorf("sanitize: policy file: route %q: %w", fr.Pattern, err)
		}
		if rt.Rules, err = fileRules(fr.Rules); err != nil {
			return nil, err
		}
		o.Routes = append(o.Routes, rt)
	}
	if f.TokenKey != "" {
		if o.TokenKey, err = base64.StdEncoding.DecodeString(f.TokenKey); err != nil {
			// The key itself must not end up in an error message.
			return nil, errors.New("sanitize: policy file: token_key is not base64")
		}
	}
	if _, err := New(o); err != nil {
		return nil, err
	}
	return o, nil
}

// wanted names a Go type as people name it who write JSON.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func parseMode(s string) (Mode, error) {
	m, ok := modeNames[s]
	if !ok {
		return 0, fmt.Errorf("unknown mode %q: use deny, allow or shadow", s)
	}
	return m, nil
}

func fileRules(list []fileRule) ([]Rule, error) {
	var out []Rule
	for _, fr := range list {
		act, ok := actionNames[fr.Action]
		if !ok {
			return nil, fmt.Errorf("sanitize: rule %q: unknown action %q: use mask, drop, last4, domain, length or token", fr.Name, fr.Action)
		}
		out = append(out, Rule{fr.Name, fr.Keys, fr.Paths, fr.Scopes, fr.Pattern, fr.Anchor, act})
	}
	return out, nil
}
