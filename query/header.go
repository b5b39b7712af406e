package query

import (
	"strings"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Header answers the first question: which user, on which device, by which page.
// Each field is what the earliest entry that has it says. All of it is logged
// data.
type Header struct {
	User       string
	Users      int // how many different users the entries name; more than one is strange
	Country    string
	Device     string
	OS         string
	OSFrom     string // "app header", or "user agent" where only that speaks of it
	App        string // app.version
	Browser    string // what the user agent says: "KakaoTalk 26.3.5 webview"
	EntryPage  string
	RemoteIP   string // of the first request
	Origin     txid.Origin
	ServerUser string // on a developer's machine
	Version    string // of the service that answered first
	Env        string
	Labels     []entry.Label // given to the story's requests, each name once
}

func newHeader(s *Story) Header {
	var h Header
	users := make(map[string]bool)
	set := func(field *string, v string) {
		if *field == "" {
			*field = v
		}
	}
	labels := make(map[string]bool)
	for _, e := range s.Entries {
		f := &e.Facts
		if f.UserID != "" {
			users[f.UserID] = true
		}
		set(&h.User, f.UserID)
		set(&h.Country, f.Country)
		set(&h.Device, f.Device)
		set(&h.OS, f.OS)
		set(&h.App, f.AppVersion)
		set(&h.EntryPage, EntryPage(e))
		if r := e.Resource; r != nil {
			set(&h.ServerUser, r.ServerUser)
			set(&h.Version, r.Version)
			set(&h.Env, r.Environment)
		}
		if e.Kind == entry.KindServer {
			set(&h.RemoteIP, e.HTTP.RemoteIP)
			set((*string)(&h.Origin), string(e.Origin))
		}
		for _, l := range e.Labels {
			if e.Kind == entry.KindClient { // the transport's own, about one call
				break
			}
			if l.Name == entry.LabelTLSVersion { // of the connection, not of the story
				continue
			}
			if !labels[l.Name] && len(h.Labels) < entry.MaxLabels {
				labels[l.Name] = true
				h.Labels = append(h.Labels, l)
			}
		}
	}
	h.Users = len(users)
	if h.OS != "" {
		h.OSFrom = "app header"
	}
	// What came from outside has the user's browser in it; calls between services
	// have the services' own.
	for i := range s.Rows {
		r := &s.Rows[i]
		if r.Kind != RowRequest || r.Server.HTTP.UserAgent == "" {
			continue
		}
		ua := lookUA(r.Server.HTTP.UserAgent)
		set(&h.Browser, ua.browser)
		if h.OS == "" && ua.os != "" {
			h.OS, h.OSFrom = ua.os, "user agent"
		}
		set(&h.Device, ua.device)
		break
	}
	if h.EntryPage == "" {
		for i := range s.Rows {
			if r := &s.Rows[i]; r.Kind == RowRequest && h.EntryPage == "" {
				h.EntryPage = strings.TrimSpace(r.Method() + " " + r.Target())
			}
		}
	}
	if _, target, ok := strings.Cut(h.EntryPage, " "); ok && takesAll(target) {
		// Told by a service further in, whose clock is behind perhaps.
		for _, e := range s.Entries {
			if e.Facts.EntryPage == h.EntryPage {
				if page := EntryPage(e); page != h.EntryPage {
					h.EntryPage = page
					break
				}
			}
		}
	}
	return h
}

// EntryPage returns the page by which the user came in, as e has it, or "". Where that
// is e's own request, and its route takes all that is below it, its path says more.
func EntryPage(e *entry.Entry) string {
	page := e.Facts.EntryPage
	if h := &e.HTTP; e.Kind == entry.KindServer && h.Route != "" && takesAll(h.Route) && page == h.Method+" "+h.Route {
		if p := path(h.URL); p != "" {
			return h.Method + " " + clipText(p, entry.MaxWord)
		}
	}
	return page
}
