package sanitize_test

import (
	"os"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// The page about sanitizing lists every rule, and its policy file is one.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../docs/sanitize.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, r := range sanitize.DefaultRules() {
		if !strings.Contains(doc, "| `"+r.Name+"` |") {
			t.Errorf("rule %q is not in the page", r.Name)
		}
	}
	_, rest, _ := strings.Cut(doc, "```json\n")
	policy, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no policy file in the page")
	}
	if _, err := sanitize.ParseOptions([]byte(policy)); err != nil {
		t.Error(err)
	}
}
