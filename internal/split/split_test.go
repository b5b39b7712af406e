package split_test

import (
	"errors"
	"fmt"
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
	e.Message = strings.Repeat("m", 3000)
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a message larger than a part: %v", err)
	}
	e = large(10)
	e.Attributes = []entry.Label{{Name: "a", Value: strings.Repeat("v", 3000)}}
	if _, err := split.Cut(e, limits(2000)); !errors.Is(err, split.ErrTooLarge) {
		t.Errorf("a pair larger than a part: %v", err)
	}
}
