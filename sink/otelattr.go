package sink

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/txtrail/txtrail/entry"
)

// otelAttributes are the pairs of OTEL_RESOURCE_ATTRIBUTES, each key once, the
// last value winning, in the order in which the keys first came.
type otelAttributes []entry.Label

// take removes an attribute that has a field of its own, and returns its value.
func (a *otelAttributes) take(name string) string {
	for i, l := range *a {
		if l.Name == name {
			*a = append((*a)[:i:i], (*a)[i+1:]...)
			return l.Value
		}
	}
	return ""
}

// otelAttributes reads OTEL_RESOURCE_ATTRIBUTES: key=value,key=value, with
// percent-encoded values (opentelemetry.io/docs/specs/otel/resource/sdk). As
// there, one malformed pair spoils them all; here that is an error and not a
// silent absence.
func (l *lookup) otelAttributes() otelAttributes {
	text, _ := l.env(envOTelResource)
	if strings.TrimSpace(text) == "" {
		return nil
	}
	fail := func(n int, what string) otelAttributes {
		if l.err == nil {
			l.err = fmt.Errorf("%w: environment variable %s: pair %d %s; want key=value,key=value with percent-encoded values",
				ErrResource, envOTelResource, n, what)
		}
		return nil
	}
	var list otelAttributes
	index := map[string]int{}
	for n, pair := range strings.Split(text, ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue // a comma at the end
		}
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return fail(n+1, "has no key or no equals sign")
		}
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil {
			return fail(n+1, "has a malformed percent-encoding")
		}
		if err := check(key, entry.MaxLabelName); err != nil {
			return fail(n+1, "has a bad key: "+err.Error())
		}
		if err := check(value, entry.MaxWord); err != nil {
			return fail(n+1, "has a bad value: "+err.Error())
		}
		if i, ok := index[key]; ok {
			list[i].Value = value
			continue
		}
		index[key] = len(list)
		list = append(list, entry.Label{Name: key, Value: value})
	}
	return list
}
