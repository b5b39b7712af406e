package sanitize

import (
	"bytes"
	"strings"
)

// kindOf chooses the grammar by content type; KindAuto when it says nothing.
func kindOf(ct string) Kind {
	if ct == "application/json" { // nearly all
		return KindJSON
	}
	t, _, _ := strings.Cut(ct, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch t {
	case "", "*/*", "application/unknown":
		return KindAuto
	case "application/json", "text/json", "application/javascript", "text/javascript", "application/x-javascript", "application/csp-report", "application/reports+json", "application/manifest+json", "application/ld+json", "application/jwk-set+json", "application/x-json":
		return KindJSON
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-seq", "application/stream+json", "application/jsonlines":
		return KindNDJSON
	case "application/x-www-form-urlencoded":
		return KindForm
	case "text/html", "application/xhtml+xml":
		return KindHTML
	case "application/xml", "text/xml", "application/soap+xml":
		return KindXML
	case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/vnd.yaml":
		return KindYAML
	case "text/csv", "application/csv", "text/tab-separated-values":
		return KindCSV
	case "text/event-stream":
		return KindSSE
	case "application/graphql":
		return KindGraphQL
	case "application/jwt", "application/jose", "application/x-pem-file":
		return KindText
	case "application/grpc-web-text", "application/grpc-web-text+proto":
		return KindBinary
	}
	switch {
	case strings.HasPrefix(t, "multipart/"):
		return KindMultipart
	case strings.HasSuffix(t, "+json"):
		return KindJSON
	case strings.HasSuffix(t, "+xml"):
		return KindXML
	case strings.HasSuffix(t, "+yaml"):
		return KindYAML
	case strings.HasSuffix(t, "+json-seq"):
		return KindNDJSON
	case strings.HasPrefix(t, "text/"):
		return KindText
	}
	return KindBinary
}

// settleKind looks at the bytes where the content type leaves it open.
func (r *run) settleKind(kind Kind, src []byte) Kind {
	if kind == KindText {
		if s := bytes.TrimSpace(src[:min(len(src), 256)]); len(s) > 0 && s[0] == '<' && sniff(src) == KindHTML {
			return KindHTML
		}
		return KindText
	}
	return sniff(src)
}

// sniff guesses the grammar of a body without a content type.
func sniff(src []byte) Kind {
	if !readable(src) {
		return KindBinary
	}
	s := bytes.TrimLeft(src, " \t\r\n")
	if len(s) == 0 || bytes.HasPrefix(s, []byte("[masked:")) {
		return KindText
	}
	switch s[0] {
	case '{', '[':
		return KindJSON
	case '<':
		head := bytes.ToLower(s[:min(len(s), 256)])
		if bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.Contains(head, []byte("<html")) || bytes.HasPrefix(head, []byte("<form")) || bytes.HasPrefix(head, []byte("<div")) {
			return KindHTML
		}
		return KindXML
	case '-':
		if bytes.HasPrefix(s, []byte("--")) && bytes.Contains(s[:min(len(s), 1024)], []byte("Content-Disposition")) {
			return KindMultipart
		}
	}
	if prefixLen(s) > 0 {
		return KindJSON
	}
	if bytes.HasPrefix(s, []byte("data:")) || bytes.HasPrefix(s, []byte("event:")) {
		return KindSSE
	}
	if eq := bytes.IndexByte(s, '='); eq > 0 && bytes.IndexByte(s, ' ') < 0 && bytes.IndexByte(s, '\n') < 0 && bytes.IndexByte(s[:eq], '/') < 0 {
		return KindForm
	}
	return KindText
}
