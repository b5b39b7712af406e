package txid_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/txtrail/txtrail/txid"
)

type key struct{}

func TestContext(t *testing.T) {
	base := context.WithValue(context.Background(), key{}, "kept")
	outer := &txid.Scope{ID: "outer-0001"}
	inner := &txid.Scope{ID: "inner-0001"}
	ctx := txid.NewContext(base, outer)
	deep, cancel := context.WithTimeout(txid.NewContext(ctx, inner), time.Hour)
	defer cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		want *txid.Scope
	}{
		{"none", base, nil},
		{"one", ctx, outer},
		{"the innermost, below other contexts", deep, inner},
		{"nil is none", txid.NewContext(base, nil), nil},
	} {
		s, ok := txid.FromContext(tc.ctx)
		if s != tc.want || ok != (tc.want != nil) {
			t.Errorf("%s: %v, %v", tc.name, s, ok)
		}
		id := txid.ID("")
		if tc.want != nil {
			id = tc.want.ID
		}
		if got := txid.IDFromContext(tc.ctx); got != id {
			t.Errorf("%s: IDFromContext = %q", tc.name, got)
		}
		if tc.ctx.Value(key{}) != "kept" {
			t.Errorf("%s: other values are gone", tc.name)
		}
	}
}

// A node that the caller allocates does what NewContext's does.
func TestContextNode(t *testing.T) {
	base, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "kept"))
	n := &txid.Context{Context: base, Scope: txid.Scope{ID: foreign}}
	below := context.WithValue(n, key{}, "below")
	if s, ok := txid.FromContext(below); !ok || s != &n.Scope || txid.IDFromContext(n) != foreign {
		t.Errorf("%v, %v", s, ok)
	}
	if n.Value(key{}) != "kept" || below.Value(key{}) != "below" {
		t.Error("other values")
	}
	if s, _ := txid.FromContext(txid.NewContext(n, &txid.Scope{ID: "inner-0001"})); s.ID != "inner-0001" {
		t.Errorf("the innermost is %v", s)
	}
	cancel()
	if n.Err() == nil {
		t.Error("not canceled with its parent")
	}
	if a := testing.AllocsPerRun(100, func() { txid.FromContext(below) }); a != 0 {
		t.Errorf("%v allocations, want 0", a)
	}
}

func TestDetach(t *testing.T) {
	scope := &txid.Scope{ID: foreign}
	ctx, cancel := context.WithCancel(txid.NewContext(context.WithValue(context.Background(), key{}, "request's"), scope))
	cancel()
	parent := context.WithValue(context.Background(), key{}, "program's")
	got := txid.Detach(parent, ctx)
	if s, _ := txid.FromContext(got); s == scope || s.ID != scope.ID || got.Err() != nil || got.Value(key{}) != "program's" {
		t.Errorf("scope %v, err %v, value %v", s, got.Err(), got.Value(key{}))
	}
	if txid.Detach(parent, context.Background()) != parent {
		t.Error("without a scope the parent stays as it is")
	}
}

// Cancellation and its cause pass through.
func TestContextCancel(t *testing.T) {
	why := errors.New("why")
	base, cancel := context.WithCancelCause(context.Background())
	ctx := txid.NewContext(base, &txid.Scope{})
	cancel(why)
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), why) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}

func TestCarriedGet(t *testing.T) {
	c := txid.Carried{{"X-Client-User", "8812"}, {"X-Client-Os", "iOS 26.3"}}
	for name, want := range map[string]string{txid.HeaderUser: "8812", txid.HeaderOS: "iOS 26.3", "x-client-USER": "8812", "X-Other": "", "": ""} {
		if got := c.Get(name); got != want {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
	}
	if txid.Carried(nil).Get(txid.HeaderUser) != "" {
		t.Error("nil has nothing")
	}
}

func TestContextAllocs(t *testing.T) {
	s := &txid.Scope{ID: foreign}
	ctx := txid.NewContext(context.Background(), s)
	if n := testing.AllocsPerRun(100, func() { txid.NewContext(ctx, s) }); n > 1 {
		t.Errorf("NewContext: %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(100, func() { txid.FromContext(ctx) }); n != 0 {
		t.Errorf("FromContext: %v allocations, want 0", n)
	}
}
