package sanitize

import (
	"fmt"
	"strings"
)

// Kind is the grammar an input is read with.
type Kind uint8

// The kinds. KindAuto chooses by content type and by looking at the bytes; a
// kind given explicitly is what the caller knows, and wins over both.
const (
	KindAuto Kind = iota
	KindJSON
	KindForm
	KindQuery
	KindURL
	KindHeader
	KindCookie
	KindSetCookie
	KindMultipart
	KindXML
	KindHTML
	KindYAML
	KindCSV
	KindText
	KindNDJSON
	KindSSE
	KindGraphQL
	KindBinary
	numKinds
)

// kindNames is indexed by Kind. The names are those of the sample files that
// the redact command reads.
var kindNames = [numKinds]string{
	KindAuto:      "auto",
	KindJSON:      "json",
	KindForm:      "form",
	KindQuery:     "query",
	KindURL:       "url",
	KindHeader:    "header",
	KindCookie:    "cookie",
	KindSetCookie: "set-cookie",
	KindMultipart: "multipart",
	KindXML:       "xml",
	KindHTML:      "html",
	KindYAML:      "yaml",
	KindCSV:       "csv",
	KindText:      "text",
	KindNDJSON:    "ndjson",
	KindSSE:       "sse",
	KindGraphQL:   "graphql",
	KindBinary:    "binary",
}

// String returns the kind's name as [ParseKind] reads it.
func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind reads a kind's name, in any case. The empty string is KindAuto.
// The error lists the names that exist.
func ParseKind(s string) (Kind, error) {
	if s == "" {
		return KindAuto, nil
	}
	for k, name := range kindNames {
		if strings.EqualFold(name, s) {
			return Kind(k), nil
		}
	}
	return KindAuto, fmt.Errorf("sanitize: unknown kind %q: use one of %s", s, strings.Join(kindNames[:], ", "))
}
