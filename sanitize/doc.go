// Package sanitize takes secrets and personal data out of what is about to be
// logged: bodies of every usual kind, headers, cookies, URLs and free text.
//
// A [Policy] is compiled once from [Options] and then used from any number of
// goroutines. A nil *Policy applies the defaults, so that forgetting to
// configure one never means logging in the clear:
//
//	var p *sanitize.Policy
//	out, res := p.AppendBody(nil, body, sanitize.Input{ContentType: "application/json"}, nil)
//
// Three promises hold for every input whatever:
//
//   - It fails closed. What cannot be parsed, decoded or recognised does not
//     come out; the [Result] says how much is missing and why.
//   - It works on a prefix. A capture that stops in the middle of a secret
//     gives no byte of that secret ([Input.Truncated] must say that it stops).
//   - It leaves the rest alone. Bytes that no rule touches come out as they
//     went in, and sanitizing twice changes nothing.
//
// What is hidden is replaced by a marker that names the rule that hid it,
// [masked:password], the same in every grammar. Which rules exist by default
// is data: see [DefaultRules]; each can be switched off by name.
package sanitize
