package query

import "strings"

// Lang is the language of texts for people.
type Lang string

// The languages.
const (
	English Lang = "en"
	Korean  Lang = "ko"
)

// LangOf returns the language that a locale asks for ("ko_KR.UTF-8" is Korean).
// All but Korean is English.
func LangOf(locale string) Lang {
	l := strings.ToLower(locale)
	if l == "ko" || strings.HasPrefix(l, "ko_") || strings.HasPrefix(l, "ko-") || strings.HasPrefix(l, "ko.") {
		return Korean
	}
	return English
}

// pick returns the text in l.
func (l Lang) pick(en, ko string) string {
	if l == Korean {
		return ko
	}
	return en
}
