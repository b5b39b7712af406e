package sanitize_test

import (
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What is hidden is counted once, however often the text is looked at until it is
// stable, and whatever was seen before.
func TestCountedOnce(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, v := range []string{"sid=0f1e2d3c4b5a; theme=dark", "a password=hunter2, b", "[sid=0f1e2d3c4b5a]"} {
			var rep sanitize.Report
			out := p.Text(v, &rep)
			n := 0
			for _, k := range rep.All() {
				n += k
			}
			if n != 1 {
				t.Errorf("%q became %q: counted %d times", v, out, n)
			}
			if again := p.Text(out, nil); again != out {
				t.Errorf("%q became %q", out, again)
			}
		}
	}
}
