package stdoutsink

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

const lineLimit = "line limit"

// shorten returns a canonical line of at most limit bytes that tells of the same
// entry. The bodies give way first, since they are what is large; then, step by
// step, what is least needed to find the entry and to see what happened. What an
// entry is found by (ids, kind, status, route, facts) stays.
//
// e is changed to what the line says. The limit is that of both the line and what stands
// beside it.
func shorten(e *entry.Entry, limit int) ([]byte, error) {
	buf := make([]byte, 0, limit+limit/4)
	if shortenBodies(e, &buf, limit-beside(e)) {
		return buf, nil
	}
	for _, step := range steps {
		step(e)
		if buf = e.AppendJSON(buf[:0]); len(buf)+beside(e) <= limit {
			return buf, nil
		}
	}
	return nil, fmt.Errorf("stdoutsink: an entry without its bodies, headers and texts still has %d bytes, more than %d", len(buf), limit)
}

// shortenBodies cuts the contents so that the line fits. It reports false, with
// no content left, if the rest alone does not fit.
func shortenBodies(e *entry.Entry, buf *[]byte, limit int) bool {
	bodies := [2]*entry.Body{&e.Request.Body, &e.Response.Body}
	whole := [2]entry.Body{*bodies[0], *bodies[1]}
	put := func(i int, content []byte) {
		b := bodies[i]
		*b = whole[i]
		if len(content) < len(b.Content) {
			b.Content, b.Truncated, b.Reason = content, true, lineLimit
			if len(content) == 0 {
				b.Content, b.Encoding = nil, ""
			}
		}
	}
	put(0, nil)
	put(1, nil)
	*buf = e.AppendJSON((*buf)[:0])
	room := limit - len(*buf)
	if room < 0 {
		return false
	}
	// The two share the room; what one does not need the other gets.
	const frame = len(`"encoding":"utf-8","content":"",`)
	need := [2]int{escapedLen(whole[0].Content) + frame, escapedLen(whole[1].Content) + frame}
	share := [2]int{room / 2, room / 2}
	for i := range need {
		if need[i] < share[i] {
			share[i], share[1-i] = need[i], room-need[i]
		}
	}
	for i := range bodies {
		put(i, cutEscaped(whole[i].Content, share[i]-frame))
	}
	*buf = e.AppendJSON((*buf)[:0])
	if len(*buf) > limit {
		// A body that stayed whole kept a longer reason of its own.
		for i := range bodies {
			put(i, nil)
		}
		*buf = e.AppendJSON((*buf)[:0])
	}
	return len(*buf) <= limit
}

// steps make an entry smaller, the least painful first.
var steps = [...]func(e *entry.Entry){
	func(e *entry.Entry) { cut(&e.Error.Stack, 1<<10) },
	func(e *entry.Entry) {
		for _, hs := range messages(e) {
			cutHeaders(*hs, 256)
		}
		cutLabels(e.Attributes, 256)
		cutLabels(e.Labels, 256)
	},
	func(e *entry.Entry) {
		for _, hs := range messages(e) {
			dropHeaders(hs, 10)
		}
		cutLabels(e.Facts.Carried, 64)
		cut(&e.HTTP.URL, 512)
		cut(&e.HTTP.Referer, 256)
		cut(&e.HTTP.UserAgent, 256)
		cut(&e.Message, 512)
		cut(&e.Error.Message, 512)
	},
	func(e *entry.Entry) {
		for _, hs := range messages(e) {
			dropHeaders(hs, 0)
		}
		e.Error.Stack = ""
		e.Attributes, e.Facts.Carried, e.Redactions, e.Flags = nil, nil, nil, nil
		dropLabels(&e.Labels, 4)
		e.HTTP.Referer, e.Refused = "", ""
		if e.Resource != nil {
			e.Resource.Attributes = nil
		}
	},
	func(e *entry.Entry) {
		e.Labels = nil
		e.Source = entry.Source{}
		cut(&e.HTTP.URL, 32)
		cut(&e.HTTP.UserAgent, 32)
		cut(&e.Message, 32)
		cut(&e.Error.Message, 32)
		cut(&e.InsertID, 32)
		cut(&e.Trace.ID, 32)
		cutWords(e, 32)
	},
	func(e *entry.Entry) { e.Resource = nil },
}

// cutWords shortens what takes little as a rule, but for what an entry is found by
// alone: its ids, kind and status.
func cutWords(e *entry.Entry, n int) {
	for _, s := range [...]*string{
		&e.Error.Type, &e.Logger, &e.HTTP.Route, &e.HTTP.Method, &e.HTTP.Protocol, &e.HTTP.ServerAddress, &e.HTTP.RemoteIP, &e.Refused, &e.Peer.Service,
		&e.Facts.UserID, &e.Facts.Device, &e.Facts.OS, &e.Facts.AppVersion, &e.Facts.Country, &e.Facts.EntryPage,
		&e.Request.Body.Type, &e.Request.Body.ContentEncoding, &e.Response.Body.Type, &e.Response.Body.ContentEncoding,
	} {
		cut(s, n)
	}
}

func messages(e *entry.Entry) [4]*[]entry.Header {
	return [4]*[]entry.Header{&e.Request.Headers, &e.Request.Trailers, &e.Response.Headers, &e.Response.Trailers}
}

func cutHeaders(hs []entry.Header, n int) {
	for i := range hs {
		cut(&hs[i].Name, n)
		cut(&hs[i].Value, n)
	}
}

func cutLabels(ls []entry.Label, n int) {
	for i := range ls {
		cut(&ls[i].Name, n)
		cut(&ls[i].Value, n)
	}
}

// dropHeaders keeps n of the headers and says how many it left out, as entry.Clip
// does.
func dropHeaders(hs *[]entry.Header, n int) {
	if len(*hs) <= n {
		return
	}
	left := strconv.Itoa(len(*hs)-n) + " more header fields not kept"
	*hs = append((*hs)[:n:n], entry.Header{Name: entry.CutHeader, Value: left})
}

func dropLabels(ls *[]entry.Label, n int) {
	if len(*ls) > n {
		*ls = (*ls)[:n]
	}
}

// cut shortens *s to at most n bytes.
func cut(s *string, n int) { *s = entry.Cut(*s, n) }

// escapedLen is the length of b within a JSON string as package entry writes it.
func escapedLen(b []byte) int {
	n := 0
	for len(b) > 0 {
		size, width := escaped(b)
		n += width
		b = b[size:]
	}
	return n
}

// cutEscaped returns the longest beginning of b that takes at most room bytes
// within a JSON string, cut at a rune's edge.
func cutEscaped(b []byte, room int) []byte {
	i := 0
	for i < len(b) {
		size, width := escaped(b[i:])
		if width > room {
			break
		}
		room -= width
		i += size
	}
	return b[:i:i]
}

// appendEscaped appends s within a JSON string.
func appendEscaped(b []byte, s string) []byte {
	for len(s) > 0 {
		size, width := escaped([]byte(s[:min(len(s), utf8.UTFMax)]))
		r, _ := utf8.DecodeRuneInString(s)
		switch {
		case size == width:
			b = append(b, s[:size]...)
		case width == 2:
			c := s[0]
			switch c {
			case '\n':
				c = 'n'
			case '\r':
				c = 'r'
			case '\t':
				c = 't'
			}
			b = append(b, '\\', c)
		case width == 3:
			b = append(b, "\ufffd"...)
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
		s = s[size:]
	}
	return b
}

// escaped returns the bytes of b's first rune, and how many it becomes.
func escaped(b []byte) (size, width int) {
	switch c := b[0]; {
	case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
		return 1, 2
	case c < 0x20 || c == 0x7f:
		return 1, 6
	case c < utf8.RuneSelf:
		return 1, 1
	}
	r, size := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && size == 1:
		return 1, 3
	case r < 0xa0 || r == '\u2028' || r == '\u2029':
		return size, 6
	}
	return size, size
}
