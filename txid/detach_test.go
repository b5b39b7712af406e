package txid_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/txtrail/txtrail/txid"
)

// exchange is a recorder with a stand-in.
type exchange struct {
	said []string
	kept bool
	page string
	out  *txid.Detached
}

func (x *exchange) say(what, v string) { x.said = append(x.said, what+" "+v) }

func (x *exchange) SetRoute(route string)    { x.say("route", route) }
func (x *exchange) EntryPage() string        { return x.page }
func (x *exchange) SetUser(id string)        { x.say("user", id) }
func (x *exchange) SetError(err error)       { x.say("error", err.Error()) }
func (x *exchange) Annotate(name, v string)  { x.say(name, v) }
func (x *exchange) Keep()                    { x.kept = true }
func (x *exchange) Kept() bool               { return x.kept }
func (x *exchange) Detached() *txid.Detached { return x.out }

func TestDetachLetsGo(t *testing.T) {
	x := &exchange{page: "GET /a"}
	x.out = txid.NewDetached(x)
	out, end := x.out, x.out.End
	carried := txid.Carried{{Name: txid.HeaderUser, Value: "8812"}}
	request := txid.NewContext(context.Background(), &txid.Scope{ID: foreign, Span: 7, Carried: carried, Recorder: x})
	ctx := txid.Detach(context.Background(), request)
	s, _ := txid.FromContext(ctx)
	if s.ID != foreign || s.Span != 7 || s.Carried.Get(txid.HeaderUser) != "8812" || s.Recorder != txid.Recorder(out) {
		t.Fatalf("%+v", s)
	}
	use := func() string {
		r := s.Recorder
		r.SetRoute("/a/{id}")
		r.SetUser("u")
		r.SetError(errors.New("no"))
		r.Annotate("n", "v")
		return fmt.Sprintf("%s %t", r.EntryPage(), s.Kept())
	}
	if got := use(); got != "GET /a false" {
		t.Errorf("while it goes on: %s", got)
	}
	if want := []string{"route /a/{id}", "user u", "error no", "n v"}; !slices.Equal(x.said, want) {
		t.Errorf("the recorder was told %q, want %q", x.said, want)
	}
	s.Keep()
	x.page = "GET /a/{id}" // known in the meantime
	end()
	x.page, x.said = "", nil
	if got := use(); got != "GET /a/{id} true" || len(x.said) != 0 {
		t.Errorf("after the end: %s, the recorder was told %q", got, x.said)
	}
	end()
	s.Keep()
	held := weak.Make(x)
	x, request = nil, nil
	_ = request
	runtime.GC()
	if held.Value() != nil {
		t.Error("the exchange is still held")
	}
	runtime.KeepAlive(ctx)

	// One that nobody asked to keep stays so.
	y := &exchange{}
	y.out = txid.NewDetached(y)
	s, _ = txid.FromContext(txid.Detach(context.Background(), txid.NewContext(context.Background(), &txid.Scope{Recorder: y})))
	y.out.End()
	if s.Keep(); s.Kept() || y.kept {
		t.Error("kept after its end")
	}
	(*txid.Detached)(nil).End()
}

func TestDetachedPassesOn(t *testing.T) {
	x, y := &exchange{page: "GET /x"}, &exchange{page: "GET /y"}
	d := txid.NewDetached(x)
	d.Pass(y)
	d.SetUser("u")
	d.End()
	d.Pass(x) // it has ended
	d.SetUser("late")
	if len(x.said) != 0 || !slices.Equal(y.said, []string{"user u"}) || d.EntryPage() != "GET /y" {
		t.Errorf("%q and %q were said, the page is %q", x.said, y.said, d.EntryPage())
	}
	(*txid.Detached)(nil).Pass(x)
}
