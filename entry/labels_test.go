package entry_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// A line of nothing but labels, as another program may put it into a journal, is read and
// written in a moment: were each of its names compared with all others, it would take an
// hour.
func TestManyLabels(t *testing.T) {
	const n = 100_000
	e := &entry.Entry{TxID: "many-00001"}
	for i := range n {
		name := strconv.Itoa(i)
		e.Labels = append(e.Labels, entry.Label{Name: name, Value: "first"}, entry.Label{Name: name, Value: "second"})
	}
	line := e.AppendJSON(nil)
	if strings.Count(string(line), `":"first"`) != n || strings.Contains(string(line), "second") {
		t.Errorf("a line of %d bytes, which has not the first label of each name", len(line))
	}
	read, err := entry.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Labels) != n || string(read.AppendJSON(nil)) != string(line) {
		t.Errorf("%d labels, want %d", len(read.Labels), n)
	}
}
