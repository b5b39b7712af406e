package sanitize

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A value is counted once, whatever it was asked about before it was hidden: the value
// of "id" may be the name of what stands beside it, and is looked into as a name too.
func TestCountsOnce(t *testing.T) {
	var p *Policy
	s := p.NewSession()
	for _, src := range []string{
		`{"id":"/users/kim%40example.kr/orders"}`,
		`{"name":"kim@example.kr","value":"x"}`,
		`{"id":"{\"name\":\"/users/kim%40example.kr/orders\"}"}`,
	} {
		for _, again := range []string{"first", "again"} {
			var rep Report
			s.AppendBody(nil, []byte(src), Input{ContentType: "application/json"}, &rep)
			got := map[string]int{}
			for rule, n := range rep.All() {
				got[rule] = n
			}
			if d := cmp.Diff(map[string]int{"email": 1}, got); d != "" {
				t.Errorf("%s, %s: %s", src, again, d)
			}
		}
	}
}
