package query_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

// A story is headed by the labels that handlers gave it, each once; what the
// transport or the connection says of one exchange stays with that one.
func TestHeaderLabels(t *testing.T) {
	b := querytest.NewBuilder("txid-of-the-story", time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	web := b.Service("web")
	p := b.Server(web, 0, "GET", "/a", "/a", 200, 0, time.Second)
	p.Labels = []entry.Label{{Name: entry.LabelTLSVersion, Value: "1.3"}, {Name: "item", Value: "100"}}
	c := b.Client(web, p.Span, "GET", "http://core/b", 200, 0, time.Second)
	c.Labels = []entry.Label{{Name: entry.LabelRedirectHop, Value: "1"}}
	s := b.Server(b.Service("core"), c.Span, "GET", "/b", "/b", 200, 0, time.Second)
	s.Labels = []entry.Label{{Name: "item", Value: "101"}, {Name: "shop", Value: "7"}}
	got := query.NewStory(b.Entries(), nil).Header.Labels
	want := []entry.Label{{Name: "item", Value: "100"}, {Name: "shop", Value: "7"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
