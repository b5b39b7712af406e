package split

import "github.com/txtrail/txtrail/entry"

// Append adds the next part's pieces of the fields that are split to what the parts
// before it made. joint is the part's, or "" where the part before it is missing. e
// must be the caller's own: its lists are appended to.
func Append(e, part *entry.Entry, joint string) {
	if e.Resource == nil && part.Resource != nil && len(part.Resource.Attributes) > 0 {
		e.Resource = &entry.Resource{} // it had nothing else
	}
	for i := range lists {
		l := &lists[i]
		for j := range l.len(part) {
			pair := l.at(part, j)
			if j == 0 && l.name == joint && l.len(e) > 0 {
				l.extend(e, pair.Value)
				continue
			}
			l.add(e, pair)
		}
	}
	e.Flags = append(e.Flags, part.Flags...)
	e.Redactions = append(e.Redactions, part.Redactions...)
	e.Message += part.Message
	e.HTTP.URL += part.HTTP.URL
	e.HTTP.Referer += part.HTTP.Referer
	e.HTTP.UserAgent += part.HTTP.UserAgent
	e.Error.Message += part.Error.Message
	e.Error.Stack += part.Error.Stack
	e.Request.Body.Content = append(e.Request.Body.Content, part.Request.Body.Content...)
	e.Response.Body.Content = append(e.Response.Body.Content, part.Response.Body.Content...)
}
