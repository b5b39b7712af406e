package split_test

import (
	"errors"
	"fmt"
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
	e.HTTP.URL = strings.Repeat("u", 3000)
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a URL larger than a part: %v", err)
	}
	e = large(10)
	e.Attributes = []entry.Label{{Name: "a", Value: strings.Repeat("v", 3000)}}
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a pair larger than a part: %v", err)
	}
}

// Small fields that are not small, together: nothing of them is lost, and what the
// entry is found by stays in the first part.
func TestCutSpills(t *testing.T) {
	e := large(1000)
	e.Message, e.Error.Message = strings.Repeat("m", 3000), strings.Repeat("길", 1000)
	for i := range 20 {
		e.Flags = append(e.Flags, strings.Repeat("f", 100+i))
		e.Redactions = append(e.Redactions, entry.Redaction{Rule: fmt.Sprint("rule", i), Count: 1 << 60})
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

// A first part that is nearly full of small fields takes no pair; the next one does.
func TestCutFirstFull(t *testing.T) {
	for n := 1400; n < 1960; n += 7 {
		e := large(400)
		e.HTTP.URL = strings.Repeat("u", n)
		e.Request.Headers = []entry.Header{{Name: "X", Value: strings.Repeat("h", 700)}}
		parts, err := split.Cut(e, limits(2300))
		if err != nil {
			t.Fatalf("a URL of %d bytes: %v", n, err)
		}
		headers := 0
		for _, p := range parts {
			headers += len(p.Request.Headers)
		}
		if headers != 1 {
			t.Errorf("a URL of %d bytes: %d headers", n, headers)
		}
	}
}
