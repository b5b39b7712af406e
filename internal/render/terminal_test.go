package render

import (
	"bytes"
	"strings"
	"testing"
)

func TestTerminalWriter(t *testing.T) {
	in := "한글 \x1b[2J\tx\r\nzweite\u202e\n" + strings.Repeat("가", 50_000) + "\nno end \x07"
	for _, step := range []int{1, 3, 7, 1 << 20} {
		var b bytes.Buffer
		w := NewTerminalWriter(&b)
		for rest := in; rest != ""; {
			n := min(step, len(rest))
			if m, err := w.Write([]byte(rest[:n])); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := `한글 \x1b[2J    x\r` + "\n" + `zweite\u202e` + "\n" + strings.Repeat("가", 50_000) + "\n" + `no end \x07`
		if b.String() != want {
			t.Errorf("in steps of %d: %q…", step, b.String()[:80])
		}
	}
	if _, err := NewTerminalWriter(brokenWriter{}).Write([]byte("x\n")); err == nil {
		t.Error("an error of the writer is lost")
	}
}
