package sanitize

import "bytes"

// pathKey returns the rule of a path segment that names what stands in the
// next one: /access_token/<value>. Plural collections and what is mostly a
// resource (cookies, sessions, auth) are left to the segments that look made by
// a machine.
func (r *run) pathKey(seg []byte) ruleID {
	if len(seg) > 64 || len(seg) < 3 || bytes.IndexByte(seg, '.') >= 0 || !r.rs.mayMatch(seg) {
		return ruleNone
	}
	dec := r.key(seg, scopeText)
	if dec.flags&(wStrings|wCounter) != 0 || dec.keep() {
		return ruleNone
	}
	switch dec.rule {
	case ruleNone, ruleUnlisted, ruleCookie, ruleAuthorization, ruleCSRF:
		return ruleNone
	}
	if c := seg[len(seg)-1]; c|0x20 == 's' && dec.rule < numRules {
		return ruleNone
	}
	return dec.rule
}

// pathValue reports whether a segment behind a sensitive one is its value, and
// not a verb, an id or a file.
func pathValue(seg []byte, rule ruleID) bool {
	if len(seg) == 0 || seg[0] == ':' && letterWords(seg[1:]) || seg[0] == '{' && seg[len(seg)-1] == '}' || seg[0] == '*' {
		return false // a verb, or the place of a parameter
	}
	if len(seg) <= 8 && allDigits(seg) {
		switch rule {
		case ruleToken, ruleSecret, ruleAPIKey, rulePrivateKey, ruleEmail, rulePhone, ruleAccount, ruleCredential:
			return false // an id
		}
	}
	if dot := bytes.LastIndexByte(seg, '.'); dot > 0 && pathFile(seg[dot+1:]) && letterWords(seg[:dot]) {
		return false
	}
	for s := 0; s < len(seg); {
		e := s
		for e < len(seg) && seg[e] != '-' && seg[e] != '_' && seg[e] != '.' {
			if e > s && seg[e]-'A' < 26 && seg[e-1]-'a' < 26 { // resetPassword
				break
			}
			e++
		}
		if e > s && !pathVerb(seg[s:e]) {
			return true
		}
		if e < len(seg) && (seg[e] == '-' || seg[e] == '_' || seg[e] == '.') {
			e++
		}
		s = e
	}
	return false
}

// letterWords reports words of letters.
func letterWords(b []byte) bool {
	for _, c := range b {
		if (c|0x20)-'a' >= 26 && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(b) > 0
}

// sourceFile reports a path whose last segment is a file of a program: its
// folders are no keys.
func sourceFile(p []byte) bool {
	last := 0
	for i, c := range p {
		if c == '?' || c == '#' {
			p = p[:i]
			break
		}
		if c == '/' {
			last = i + 1
		}
	}
	p = p[last:]
	if i := bytes.IndexByte(p, ':'); i >= 0 { // a line number
		p = p[:i]
	}
	dot := bytes.LastIndexByte(p, '.')
	if dot <= 0 {
		return false
	}
	switch string(p[dot+1:]) {
	case "go", "js", "mjs", "ts", "tsx", "jsx", "py", "rb", "java", "kt", "rs", "c", "h", "cc", "cpp", "cs", "swift", "php", "scala", "sql", "vue", "css", "map":
		return true
	}
	return false
}

func pathFile(ext []byte) bool {
	switch string(ext) {
	case "html", "htm", "js", "css", "map", "png", "svg", "jpg", "gif", "ico", "php", "jsp", "asp", "aspx", "do", "action", "json", "xml", "yaml", "yml", "txt", "md", "go", "py", "ts", "conf", "toml", "pdf":
		return true
	}
	return false
}

// pathVerb reports words that stand behind a resource in a path.
func pathVerb(w []byte) bool {
	if len(w) > 16 {
		return false
	}
	var b [16]byte
	for i, c := range w {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b[i] = c
	}
	switch string(b[:len(w)]) {
	case "reset", "resets", "forgot", "forget", "forgotten", "change", "changed", "new", "edit", "update", "updated", "create", "created", "delete", "deleted", "remove", "set", "get", "list", "search", "show", "view", "index",
		"strength", "policy", "policies", "rules", "check", "validate", "validation", "valid", "verify", "verified", "verification", "confirm", "confirmation", "confirmed", "request", "requests", "requested", "required",
		"send", "sent", "resend", "recover", "recovery", "restore", "generate", "generator", "issue", "issued", "refresh", "renew", "revoke", "revoked", "revocation", "rotate", "rotation", "introspect", "introspection", "exchange", "info", "status", "state",
		"expire", "expired", "expiry", "expires", "history", "settings", "setting", "config", "options", "preferences", "help", "hint", "form", "page", "success", "done", "complete", "completed", "error", "failed", "failure", "invalid", "cancel",
		"login", "logout", "signin", "signup", "signout", "register", "registration", "auth", "oauth", "oauth2", "sso", "mfa", "otp", "totp", "pin", "code", "link", "magic",
		"password", "passwords", "token", "tokens", "secret", "secrets", "key", "keys", "email", "emails", "phone", "phones", "sms", "mail", "mails", "address", "number", "session", "sessions", "credential", "credentials",
		"user", "users", "account", "accounts", "admin", "me", "my", "self", "current", "all", "count", "counts", "total", "stats", "metrics", "health", "type", "types", "id", "ids", "by", "via", "with", "to", "for", "from", "and", "or", "of", "in", "is",
		"enable", "enabled", "disable", "disabled", "activate", "activation", "unlock", "lock", "manage", "management", "available", "availability", "exists", "unique", "lookup", "import", "export", "upload", "download", "test", "tests", "api", "v", "v1", "v2", "v3",
		"templates", "template", "subscribe", "unsubscribe", "subscription", "subscriptions", "notification", "notifications", "webhook", "webhooks", "callback", "access", "read", "write", "scopes", "scope", "permissions", "bulk", "batch", "batches", "events", "event", "logs", "audit", "managed", "manager", "scan", "scanning", "store", "vault", "providers", "provider", "jwks", "authorize", "authorization", "docs":
		return true
	}
	return false
}
