package entry_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/entry"
)

func TestClipStrings(t *testing.T) {
	huge := strings.Repeat("가", 40_000) // 3 bytes each: no bound falls between two
	type field struct {
		s     *string
		limit int
	}
	e := full()
	fieldsOf := func(e *entry.Entry) map[string]field {
		return map[string]field{
			"message":         {&e.Message, entry.MaxMessage},
			"url":             {&e.HTTP.URL, entry.MaxURL},
			"referer":         {&e.HTTP.Referer, entry.MaxURL},
			"user agent":      {&e.HTTP.UserAgent, entry.MaxMessage},
			"method":          {&e.HTTP.Method, entry.MaxWord},
			"route":           {&e.HTTP.Route, entry.MaxWord},
			"protocol":        {&e.HTTP.Protocol, entry.MaxWord},
			"remote address":  {&e.HTTP.RemoteIP, entry.MaxWord},
			"server address":  {&e.HTTP.ServerAddress, entry.MaxWord},
			"peer":            {&e.Peer.Service, entry.MaxWord},
			"device":          {&e.Facts.Device, entry.MaxWord},
			"system":          {&e.Facts.OS, entry.MaxWord},
			"version":         {&e.Facts.AppVersion, entry.MaxWord},
			"country":         {&e.Facts.Country, entry.MaxWord},
			"response type":   {&e.Response.Body.Type, entry.MaxWord},
			"request coding":  {&e.Request.Body.ContentEncoding, entry.MaxWord},
			"response coding": {&e.Response.Body.ContentEncoding, entry.MaxWord},
			"request body":    {&e.Request.Body.Encoding, entry.MaxWord},
			"request reason":  {&e.Request.Body.Reason, entry.MaxWord},
			"file":            {&e.Source.File, entry.MaxWord},
			"insert id":       {&e.InsertID, entry.MaxWord},
			"kind":            {(*string)(&e.Kind), entry.MaxWord},
			"origin":          {(*string)(&e.Origin), entry.MaxWord},
			"refused":         {&e.Refused, entry.MaxWord},
			"error type":      {&e.Error.Type, entry.MaxWord},
			"error message":   {&e.Error.Message, entry.MaxMessage},
			"stack":           {&e.Error.Stack, entry.MaxStack},
			"user":            {&e.Facts.UserID, entry.MaxWord},
			"page":            {&e.Facts.EntryPage, entry.MaxWord},
			"content type":    {&e.Request.Body.Type, entry.MaxWord},
			"encoding":        {&e.Response.Body.Encoding, entry.MaxWord},
			"reason":          {&e.Response.Body.Reason, entry.MaxWord},
			"logger":          {&e.Logger, entry.MaxWord},
			"trace":           {&e.Trace.ID, entry.MaxWord},
			"source":          {&e.Source.Function, entry.MaxWord},
			"gap":             {&e.Gap.Reason, entry.MaxWord},
			"flag":            {&e.Flags[0], entry.MaxWord},
			"redaction":       {&e.Redactions[0].Rule, entry.MaxWord},
			"header name":     {&e.Request.Headers[0].Name, entry.MaxWord},
			"header value":    {&e.Request.Headers[1].Value, entry.MaxHeaderValue},
			"trailer":         {&e.Response.Trailers[0].Value, entry.MaxHeaderValue},
			"label name":      {&e.Labels[0].Name, entry.MaxLabelName},
			"label value":     {&e.Labels[0].Value, entry.MaxLabelValue},
			"attribute name":  {&e.Attributes[0].Name, entry.MaxLabelName},
			"attribute value": {&e.Attributes[0].Value, entry.MaxMessage},
			"carried":         {&e.Facts.Carried[0].Value, entry.MaxWord},
		}
	}
	fields := fieldsOf(e)
	for name := range fields {
		e := full()
		f := fieldsOf(e)[name]
		*f.s = huge
		if e.Clip(); len(*f.s) > f.limit {
			t.Errorf("%s alone: %d bytes, want %d", name, len(*f.s), f.limit)
		}
	}
	for _, f := range fields {
		*f.s = huge
	}
	e.Clip()
	for name, f := range fields {
		s := *f.s
		if len(s) > f.limit || len(s) < f.limit-3 || !utf8.ValidString(s) || !strings.HasSuffix(s, "…[cut]") {
			t.Errorf("%s: %d bytes, want %d with a mark: …%q", name, len(s), f.limit, s[max(0, len(s)-20):])
		}
	}
	before := string(e.AppendJSON(nil))
	e.Clip()
	if d := cmp.Diff(before, string(e.AppendJSON(nil))); d != "" {
		t.Errorf("clipped twice: %s", d)
	}
	roundTrip(t, e)
}

func TestClipAtBound(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{strings.Repeat("a", entry.MaxWord), strings.Repeat("a", entry.MaxWord)},
		{strings.Repeat("a", entry.MaxWord+1), strings.Repeat("a", entry.MaxWord-8) + "…[cut]"},
		{strings.Repeat("\x80", entry.MaxWord+1), "…[cut]"}, // no rune begins anywhere
	} {
		e := &entry.Entry{Refused: tc.in}
		e.Clip()
		if e.Refused != tc.want {
			t.Errorf("%d bytes become %q", len(tc.in), e.Refused)
		}
	}
}

func headers(n, size int) (hs []entry.Header) {
	for i := range n {
		hs = append(hs, entry.Header{Name: fmt.Sprintf("X-%03d", i), Value: strings.Repeat("v", size-5)})
	}
	return hs
}

func TestClipHeaders(t *testing.T) {
	for _, tc := range []struct {
		name      string
		in        []entry.Header
		kept      int
		notKept   string
		untouched bool
	}{
		{"as many as may be", headers(entry.MaxHeaders, 10), entry.MaxHeaders, "", true},
		{"one more", headers(entry.MaxHeaders+1, 10), entry.MaxHeaders, "1 more", false},
		{"very many", headers(100_000, 10), entry.MaxHeaders, "99800 more", false},
		{"as large as may be", headers(64, 1024), 64, "", true},
		{"larger", headers(80, 1024), 64, "16 more", false},
		{"huge ones are cut, then counted", headers(10, 100_000), 7, "3 more", false},
		{"a peer that sends our mark", append(headers(entry.MaxHeaders+7, 10), entry.Header{Name: "X-Txtrail-Cut", Value: "0 more"}), entry.MaxHeaders, "8 more", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &entry.Entry{Request: entry.Message{Headers: tc.in}}
			for range 2 { // twice is as once
				e.Clip()
				hs := e.Request.Headers
				if tc.untouched {
					if len(hs) != tc.kept {
						t.Fatalf("%d headers, want %d", len(hs), tc.kept)
					}
					continue
				}
				if last := hs[len(hs)-1]; len(hs) != tc.kept+1 || last.Name != "X-Txtrail-Cut" || last.Value != tc.notKept+" header fields not kept" {
					t.Fatalf("%d headers, the last one %+v", len(hs), last)
				}
			}
			roundTrip(t, e)
		})
	}
}

func TestClipLists(t *testing.T) {
	e := &entry.Entry{}
	for i := range 100 {
		l := entry.Label{Name: fmt.Sprint("n", i%50), Value: fmt.Sprint(i)}
		e.Labels = append(e.Labels, l)
		e.Attributes = append(e.Attributes, l)
		e.Facts.Carried = append(e.Facts.Carried, l)
		e.Flags = append(e.Flags, fmt.Sprint("flag", i))
		e.Redactions = append(e.Redactions, entry.Redaction{Rule: fmt.Sprint("rule", i), Count: 1})
	}
	e.Clip()
	got := []int{len(e.Labels), len(e.Attributes), len(e.Facts.Carried), len(e.Flags), len(e.Redactions)}
	if d := cmp.Diff([]int{entry.MaxLabels, entry.MaxLabels, entry.MaxLabels, entry.MaxLabels, entry.MaxRedactions}, got); d != "" {
		t.Error(d)
	}
	// Names that are the same once they are cut are the same.
	long := strings.Repeat("n", entry.MaxLabelName)
	e = &entry.Entry{Labels: []entry.Label{{Name: long + "1", Value: "1"}, {Name: "txid", Value: "x"}, {Name: long + "2", Value: "2"}, {Name: "", Value: "3"}, {Name: "b", Value: "4"}}}
	e.Clip()
	if len(e.Labels) != 2 || e.Labels[0].Value != "1" || e.Labels[1].Value != "4" {
		t.Errorf("%+v", e.Labels)
	}
}

// An entry whose every field is at its bound stays far below what Parse accepts.
func TestClippedLineSize(t *testing.T) {
	huge := strings.Repeat("\x01", 200_000) // six bytes each when escaped
	e := full()
	for _, s := range []*string{&e.Message, &e.HTTP.URL, &e.HTTP.Referer, &e.HTTP.UserAgent, &e.Error.Message, &e.Error.Stack, &e.Refused} {
		*s = huge
	}
	for range 1000 {
		h := entry.Header{Name: "X", Value: huge}
		e.Request.Headers = append(e.Request.Headers, h)
		e.Response.Headers = append(e.Response.Headers, h)
		e.Request.Trailers = append(e.Request.Trailers, h)
		e.Response.Trailers = append(e.Response.Trailers, h)
		e.Attributes = append(e.Attributes, entry.Label{Name: huge, Value: huge})
		e.Labels = append(e.Labels, entry.Label{Name: huge, Value: huge})
	}
	roundTrip(t, e)
	if n := len(e.Line()); n > entry.MaxLine/2 {
		t.Errorf("line of %d bytes", n)
	}
}
