package sanitize_test

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What names the value beside it may also be called id, type or label.
func TestLabels(t *testing.T) {
	for _, label := range []string{"name", "key", "id", "type", "label"} {
		for kind, doc := range map[sanitize.Kind]string{
			sanitize.KindXML:  "<r><p><LABEL>password</LABEL><value>hunter2</value></p></r>",
			sanitize.KindYAML: "env:\n  - LABEL: password\n    value: hunter2\n",
			sanitize.KindJSON: `{"a":[{"LABEL":"password","value":"hunter2"},{"value":"kim"}]}`,
		} {
			in := strings.ReplaceAll(doc, "LABEL", label)
			out, _ := (*sanitize.Policy)(nil).AppendBody(nil, []byte(in), sanitize.Input{Kind: kind}, nil)
			if strings.Contains(string(out), "hunter2") {
				t.Errorf("%s", out)
			}
		}
	}
}
