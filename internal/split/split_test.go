package split_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/split"
)

func limits(part int) *split.Limits {
	return &split.Limits{
		Part: part, Pair: 30, Copies: 1,
		Base: func(e *entry.Entry) int { return len(e.AppendJSON(nil)) },
		Text: func(s string, room int) (fit, take int) {
			n := max(min(len(s), room), 0)
			return n, n
		},
	}
}

func large(n int) *entry.Entry {
	e := &entry.Entry{Time: time.Unix(1, 0), TxID: "split-test", InsertID: "i", Kind: entry.KindServer, HTTP: entry.HTTP{Status: 500}, Resource: &entry.Resource{Service: "web"}}
	e.Response.Body.Content = []byte(strings.Repeat("길", n))
	e.Error.Stack = strings.Repeat("s", n)
	for i := range 20 {
		e.Request.Headers = append(e.Request.Headers, entry.Header{Name: fmt.Sprintf("X-%d", i), Value: strings.Repeat("h", n/40)})
		e.Labels = append(e.Labels, entry.Label{Name: fmt.Sprintf("l%d", i), Value: strings.Repeat("v", n/40)})
	}
	return e
}

func TestCut(t *testing.T) {
	e := large(4000)
	parts, err := split.Cut(e, limits(2000))
	if err != nil {
		t.Fatal(err)
	}
	var body, stack string
	headers, labels := 0, 0
	for i, p := range parts {
		if n := len(p.AppendJSON(nil)); n > 2000+200 { // the frames of the fields
			t.Errorf("part %d has %d bytes", i, n)
		}
		if p.TxID != e.TxID || p.Kind != e.Kind || p.Resource.Service != "web" || (p.HTTP.Status == 500) != (i == 0) || p.InsertID != split.ID("i", i) {
			t.Errorf("part %d: %+v", i, p)
		}
		if !strings.HasPrefix(string(p.Response.Body.Content), "길") && len(p.Response.Body.Content) > 0 || len(p.Response.Body.Content)%3 != 0 {
			t.Errorf("part %d is cut within a rune", i)
		}
		body, stack = body+string(p.Response.Body.Content), stack+p.Error.Stack
		headers, labels = headers+len(p.Request.Headers), labels+len(p.Labels)
	}
	if body != string(e.Response.Body.Content) || stack != e.Error.Stack || headers != 20 || labels != 20 {
		t.Errorf("together: %d of body, %d of stack, %d headers, %d labels", len(body), len(stack), headers, labels)
	}
	if len(parts) < 8 {
		t.Errorf("%d parts", len(parts))
	}
}

func TestCutSmall(t *testing.T) {
	if parts, err := split.Cut(large(40), limits(100_000)); err != nil || len(parts) != 1 {
		t.Errorf("%d parts, %v", len(parts), err)
	}
}

func TestCutTooLarge(t *testing.T) {
	e := large(10)
	e.HTTP.Route = strings.Repeat("u", 3000)
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a route larger than a part: %v", err)
	}
	e = large(10)
	e.Attributes = []entry.Label{{Name: "a", Value: strings.Repeat("v", 3000)}}
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a pair larger than a part: %v", err)
	}
	l := limits(2000)
	l.Pieces = true
	e.Attributes[0].Name = strings.Repeat("n", 2000)
	if _, err := split.Cut(e, l); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a name larger than a part: %v", err)
	}
}

// Whatever is cut, Append makes it whole.
func TestAppend(t *testing.T) {
	pair := func(i int) (string, string) { return fmt.Sprint("same", i%2), strings.Repeat("값v", i%7*150) }
	e := large(300)
	e.Labels = nil
	for i := range 40 {
		name, value := pair(i)
		h, l := entry.Header{Name: name, Value: value}, entry.Label{Name: name, Value: value}
		e.Request.Headers, e.Response.Headers = append(e.Request.Headers, h), append(e.Response.Headers, h)
		e.Request.Trailers, e.Response.Trailers = append(e.Request.Trailers, h), append(e.Response.Trailers, h)
		e.Attributes, e.Resource.Attributes, e.Facts.Carried = append(e.Attributes, l), append(e.Resource.Attributes, l), append(e.Facts.Carried, l)
		l.Name = fmt.Sprint(i)
		e.Labels = append(e.Labels, l)
	}
	e.HTTP.URL, e.HTTP.Referer, e.HTTP.UserAgent = strings.Repeat("/길", 999), strings.Repeat("r", 999), strings.Repeat("a", 9999)
	e.Request.Body.Content = []byte(strings.Repeat("body", 999))
	for part := 1200; part < 4000; part += 101 {
		l := limits(part)
		l.Pieces, l.Copies = true, 1+part%2
		parts, err := split.Cut(e, l)
		if err != nil {
			t.Fatal(err)
		}
		whole, joints := *parts[0].Entry, 0
		for _, p := range parts[1:] {
			split.Append(&whole, p.Entry, p.Joint)
			if p.Joint != "" {
				joints++
			}
		}
		if string(whole.AppendJSON(nil)) != string(e.AppendJSON(nil)) {
			t.Fatalf("parts of %d: the whole is not what it was:\n%.2000s", part, whole.AppendJSON(nil))
		}
		if joints == 0 && part < 1800 {
			t.Errorf("parts of %d: nothing was cut", part)
		}
	}
}

// A pair whose beginning is missing stands for itself.
func TestAppendWithoutBefore(t *testing.T) {
	whole := &entry.Entry{Attributes: []entry.Label{{Name: "other", Value: "1"}}}
	split.Append(whole, &entry.Entry{Attributes: []entry.Label{{Name: "a", Value: "rest"}}}, "")
	if len(whole.Attributes) != 2 || whole.Attributes[0].Value != "1" {
		t.Errorf("%+v", whole.Attributes)
	}
	empty := &entry.Entry{}
	split.Append(empty, &entry.Entry{Resource: &entry.Resource{Attributes: []entry.Label{{Name: "a", Value: "rest"}}}}, "resource")
	if empty.Resource == nil || len(empty.Resource.Attributes) != 1 {
		t.Errorf("%+v", empty.Resource)
	}
}

// Small fields that are not small, together: nothing of them is lost, and what the
// entry is found by stays in the first part.
func TestCutSpills(t *testing.T) {
	e := large(1000)
	e.Message, e.Error.Message = strings.Repeat("m", 3000), strings.Repeat("길", 1000)
	for i := range 20 {
		e.Flags = append(e.Flags, strings.Repeat("f", 100+i))
		e.Redactions = append(e.Redactions, entry.Redaction{Rule: fmt.Sprint("rule", i), Count: math.MaxInt32})
		e.Facts.Carried = append(e.Facts.Carried, entry.Label{Name: fmt.Sprint("c", i), Value: strings.Repeat("v", 200)})
	}
	parts, err := split.Cut(e, limits(2000))
	if err != nil {
		t.Fatal(err)
	}
	whole := &entry.Entry{}
	for i, p := range parts {
		if n := len(p.AppendJSON(nil)); n > 2000+200 {
			t.Errorf("part %d has %d bytes", i, n)
		}
		whole.Message, whole.Error.Message = whole.Message+p.Message, whole.Error.Message+p.Error.Message
		whole.Flags, whole.Redactions = append(whole.Flags, p.Flags...), append(whole.Redactions, p.Redactions...)
		whole.Facts.Carried = append(whole.Facts.Carried, p.Facts.Carried...)
	}
	if whole.Message != e.Message || whole.Error.Message != e.Error.Message || !slices.Equal(whole.Flags, e.Flags) ||
		!slices.Equal(whole.Redactions, e.Redactions) || !slices.Equal(whole.Facts.Carried, e.Facts.Carried) {
		t.Error("together they are not what they were")
	}
	if parts[0].HTTP.Status != 500 || parts[0].Resource.Service != "web" {
		t.Errorf("the first part: %+v", parts[0])
	}
	// What is small stays in the first part.
	if parts, err = split.Cut(e, limits(20_000)); err != nil || parts[0].Message != e.Message {
		t.Errorf("%v", err)
	}
}

// What stays of a long address is measured by what it takes: escaped it is six times as
// much as it has.
func TestCutEscaped(t *testing.T) {
	e := large(100)
	e.HTTP.URL, e.HTTP.Referer, e.HTTP.UserAgent = strings.Repeat("\x1f", 900), strings.Repeat("\x01", 900), strings.Repeat("\x7f", 900)
	e.Facts.UserID = strings.Repeat("\x02", 200)
	l := limits(3000)
	l.Text = func(s string, room int) (fit, take int) {
		for fit < len(s) && take+6 <= room {
			fit, take = fit+1, take+6
		}
		return fit, take
	}
	parts, err := split.Cut(e, l)
	if err != nil {
		t.Fatal(err)
	}
	whole := *parts[0].Entry
	for _, p := range parts[1:] {
		if p.Facts.UserID != "" {
			t.Errorf("a part that is not the first has the user's name of %d bytes", 6*len(p.Facts.UserID))
		}
		split.Append(&whole, p.Entry, p.Joint)
	}
	if string(whole.AppendJSON(nil)) != string(e.AppendJSON(nil)) {
		t.Errorf("the whole is not what it was:\n%.2000s", whole.AppendJSON(nil))
	}
}

// A first part that is nearly full of small fields takes no pair; the next one does.
func TestCutFirstFull(t *testing.T) {
	for n := 1400; n < 1960; n += 7 {
		e := large(400)
		e.HTTP.Route = strings.Repeat("u", n)
		e.Request.Headers = []entry.Header{{Name: "X", Value: strings.Repeat("h", 700)}}
		parts, err := split.Cut(e, limits(2300))
		if err != nil {
			t.Fatalf("a route of %d bytes: %v", n, err)
		}
		headers := 0
		for _, p := range parts {
			headers += len(p.Request.Headers)
		}
		if headers != 1 {
			t.Errorf("a route of %d bytes: %d headers", n, headers)
		}
	}
}
