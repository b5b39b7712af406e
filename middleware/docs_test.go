package middleware_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/middleware/conformance"
)

// The page on HTTP names for each rule the cases that prove it, and leaves none out.
func TestEveryCaseIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{}
	for _, k := range conformance.Cases() {
		cases[k.Name] = false
	}
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || cells[1] == "---" {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			if _, ok := cases[m[1]]; !ok {
				t.Errorf("there is no case %s", m[1])
			}
			cases[m[1]] = true
		}
	}
	for name, named := range cases {
		if !named {
			t.Errorf("%s is not documented", name)
		}
	}
}
