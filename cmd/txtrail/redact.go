package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/txtrail/txtrail/internal/redact"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/sanitize"
)

// maxPolicy bounds a policy file, in bytes.
const maxPolicy = 1 << 20

type redactCmd struct {
	ContentType     string  `placeholder:"TYPE" help:"The Content-Type that came with the input."`
	ContentEncoding string  `placeholder:"ENCODING" help:"The Content-Encoding: gzip, br, zstd, deflate."`
	Truncated       bool    `help:"The input is the beginning of something longer."`
	Kind            string  `placeholder:"KIND" help:"What the input is, if that is known: json, form, url, header, cookie, text …"`
	Route           string  `placeholder:"ROUTE" help:"The route, for rules of a route: POST /login."`
	Policy          string  `placeholder:"FILE" help:"A policy in JSON or YAML. Default: the rules that every service has."`
	Explain         *string `placeholder:"KEY" help:"Say whether values under KEY are hidden, and by which rule; reads no input."`
	Report          bool    `help:"Say on standard error what was hidden, by rule."`
	JSONL           bool    `name:"jsonl" help:"One sample a line, one result a line."`
}

// run sanitizes standard input as a service would before anything is stored.
func (c *redactCmd) run(a *app) (int, error) {
	policy, err := c.policy()
	if err != nil {
		return 0, err
	}
	if c.Explain != nil {
		return exitFound, c.explain(a, policy)
	}
	kind, err := sanitize.ParseKind(c.Kind)
	if err != nil {
		return 0, usage("--kind: %s", strings.TrimPrefix(err.Error(), "sanitize: "))
	}
	if c.JSONL && (c.Kind != "" || c.ContentType != "" || c.ContentEncoding != "" || c.Truncated || c.Route != "") {
		return 0, usage("--jsonl: each line says its own kind, content_type, content_encoding, truncated and route; leave those flags out")
	}
	out := a.stdout
	if a.terminal {
		w := render.NewTerminalWriter(a.stdout)
		defer func() { _ = w.Close() }()
		out = w
	}
	errs := render.NewTerminalWriter(a.stderr)
	defer func() { _ = errs.Close() }()
	err = redact.Run(a.stdin, out, errs, &redact.Options{
		Policy: policy, JSONL: c.JSONL, Explain: c.Report,
		Input: sanitize.Input{
			Kind: kind, ContentType: c.ContentType, ContentEncoding: c.ContentEncoding, Truncated: c.Truncated, Route: c.Route,
		},
	})
	if err != nil {
		return 0, err // what could not be read makes the output partial
	}
	return exitFound, nil
}

// policy reads the file that --policy names, nil without one.
func (c *redactCmd) policy() (*sanitize.Policy, error) {
	if c.Policy == "" {
		return sanitize.New(nil)
	}
	f, err := os.Open(c.Policy)
	if err != nil {
		return nil, policyError(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	switch {
	case err != nil:
		return nil, policyError(err)
	case len(b) > maxPolicy:
		return nil, usage("--policy %s: more than %d bytes", c.Policy, maxPolicy)
	}
	o, err := redact.ParsePolicy(c.Policy, b)
	if err != nil {
		return nil, usage("--policy %s: %s", c.Policy, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "redact: "), "sanitize: "))
	}
	p, err := sanitize.New(o)
	if err != nil {
		return nil, usage("--policy %s: %s", c.Policy, strings.TrimPrefix(err.Error(), "sanitize: "))
	}
	return p, nil
}

func policyError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("--policy: %w", err)
	}
	return usage("--policy: %v", err)
}

// explain says how the policy judges a key.
func (c *redactCmd) explain(a *app, p *sanitize.Policy) error {
	ex := p.Explain(*c.Explain)
	if a.flags.Output != "text" {
		return writing(json.NewEncoder(a.stdout).Encode(map[string]any{
			"key": ex.Key, "normalized": ex.Normalized, "rule": ex.Rule, "masked": ex.Masked, "reason": ex.Reason,
		}))
	}
	verdict := a.say("shown", "표시")
	if ex.Masked {
		verdict = a.say("hidden", "가림")
	}
	rule := ""
	if ex.Rule != "" {
		rule = a.say(", rule ", ", 규칙 ") + ex.Rule
	}
	_, err := fmt.Fprintln(a.stdout, render.Escape(cmp.Or(ex.Key, "''")+" ("+ex.Normalized+"): "+verdict+rule+": "+ex.Reason))
	return writing(err)
}
