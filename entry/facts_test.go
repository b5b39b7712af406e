package entry

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/txid"
)

func TestFactsOf(t *testing.T) {
	var c txid.Carried
	for _, name := range txid.DefaultCarried() {
		c = append(c, txid.Fact{Name: name, Value: "of " + name})
	}
	c = append(c, txid.Fact{Name: "X-Tenant", Value: "t1"})
	got := FactsOf(&txid.Scope{Carried: c, EntryPage: "GET /items"})
	want := Facts{
		UserID: "of X-Client-User", Device: "of X-Client-Device", OS: "of X-Client-Os",
		AppVersion: "of X-Client-App-Version", Country: "of X-Client-Country", EntryPage: "GET /items",
		Carried: []Label{{Name: "X-Tenant", Value: "t1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The names are compared as the propagator canonicalizes them: one that is not in
// that form would never match.
func TestFactNamesAreCanonical(t *testing.T) {
	p, err := txid.NewPropagator(nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Carried(), txid.DefaultCarried()); diff != "" {
		t.Errorf("-canonical +constants:\n%s", diff)
	}
}
