package txid

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The headers in which plain user facts travel by default. The first hop's
// caller (the app, or the page's snippet) sets them, every service reads them
// from the context and its transport sends them on to allowed hosts. The names are
// in canonical form, in which [Carried] has them.
const (
	HeaderUser       = "X-Client-User"        // who: an account number, or a keyed token
	HeaderCountry    = "X-Client-Country"     // ISO 3166-1 alpha-2
	HeaderOS         = "X-Client-Os"          // name and version: "iOS 26.3"
	HeaderDevice     = "X-Client-Device"      // model: "iPhone15,2"
	HeaderAppVersion = "X-Client-App-Version" // "KakaoTalk 26.3.5"
)

// DefaultCarried lists the headers carried by default, in canonical form.
func DefaultCarried() []string {
	return []string{HeaderUser, HeaderCountry, HeaderOS, HeaderDevice, HeaderAppVersion}
}

// Bounds of what is carried: it is repeated on every call of the scenario.
const (
	MaxCarried      = 16  // facts
	MaxCarriedValue = 256 // bytes of one value; a longer one is not carried
)

// Fact is one carried header.
type Fact struct {
	Name  string // canonical header name
	Value string
}

// Carried is the carried facts in the order of the allow-list.
type Carried []Fact

// Get returns the value of a carried header, or "". The name's case does not matter.
func (c Carried) Get(name string) string {
	for i := range c {
		if strings.EqualFold(c[i].Name, name) {
			return c[i].Value
		}
	}
	return ""
}

// carryable reports whether v may be carried: not empty, not too long, valid
// UTF-8 and without control characters, since it will be sent in headers to
// other services and shown on terminals.
func carryable(v string) bool {
	if v == "" || len(v) > MaxCarriedValue {
		return false
	}
	plain := true
	for i := range len(v) {
		if v[i] < 0x20 || v[i] >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return true
	}
	if !utf8.ValidString(v) {
		return false
	}
	for _, r := range v {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return false
		}
	}
	return true
}
