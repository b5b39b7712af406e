package querytest

import (
	"context"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
)

// Harness is a source under test and a way to put entries into it.
type Harness struct {
	Source query.Source
	// Write stores entries where the source finds them. They are to be found when
	// it returns.
	Write func(entries ...*entry.Entry) error
}

// Run checks that a source keeps the law of [query.Source]. open returns an empty
// one for each case.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			k := &check{T: t, h: h, reason: c.reason}
			c.run(k)
		})
	}
}

// check is what a case works with; its failures tell the reason of the rule.
type check struct {
	*testing.T
	h      Harness
	reason string
}

func (k *check) fault(format string, args ...any) {
	k.Helper()
	k.Errorf(format+"\nthe rule: %s", append(args, k.reason)...)
}

func (k *check) write(es ...*entry.Entry) {
	k.Helper()
	if err := k.h.Write(es...); err != nil {
		k.Fatalf("writing: %v", err)
	}
}

func (k *check) lookup(prefix string) *query.Result {
	k.Helper()
	r, err := k.h.Source.Lookup(context.Background(), prefix)
	if err != nil {
		k.Fatalf("Lookup(%q): %v\nthe rule: %s", prefix, err, k.reason)
	}
	return r
}

func (k *check) find(f query.Filter) *query.Result {
	k.Helper()
	r, err := k.h.Source.Find(context.Background(), f)
	if err != nil {
		k.Fatalf("Find: %v\nthe rule: %s", err, k.reason)
	}
	return r
}

// messages names entries by their messages, in order.
func messages(es []*entry.Entry) []string {
	ms := make([]string, 0, len(es))
	for _, e := range es {
		ms = append(ms, e.Message)
	}
	return ms
}
