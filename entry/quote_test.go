package entry_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// quoted is the rule of how a string stands in a line, one rune after the other.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString("\ufffd")
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// checkQuoted compares what an entry makes of s with the rule, into memory of several
// sizes: what is written beyond a string must not matter, nor where memory ends.
func checkQuoted(t *testing.T, s string) {
	t.Helper()
	want := "{}"
	if s != "" {
		want = `{"response":{"body":{"content":` + quoted(s) + `}}}`
		want = `{"http":` + want + `}`
	}
	e := entry.Entry{Response: entry.Message{Body: entry.Body{Content: []byte(s)}}}
	checkTrusted(t, strings.Repeat("0123456789", 8)+s+strings.Repeat("ab\"cd", 8)+s) // behind what is read in whole words
	for _, room := range []int{0, len(want) - 1, len(want), len(want) + 1, 2*len(want) + 64} {
		beyond := bytes.Repeat([]byte{0xaa}, room+8)
		got := e.AppendJSON(beyond[:0:room])
		if string(got) != want {
			t.Fatalf("%q with room for %d:\n got %s\nwant %s", s, room, got, want)
		}
		if tail := beyond[room:]; !bytes.Equal(tail, bytes.Repeat([]byte{0xaa}, 8)) {
			t.Fatalf("%q: written beyond the capacity of %d: % x", s, room, tail)
		}
	}
}

// checkTrusted compares the line of a Sealer, which believes that content is UTF-8 where its
// encoding says so, with that of Seal, which does not. What is no UTF-8 must be written
// within its memory all the same.
func checkTrusted(t *testing.T, s string) {
	t.Helper()
	var sealer entry.Sealer
	for _, encoding := range []string{"utf-8", "base64"} {
		e := entry.Entry{Message: s, Request: entry.Message{Body: entry.Body{Content: []byte(s), Encoding: encoding}}}
		careful := e
		if err := careful.Seal(nil); err != nil {
			t.Fatal(err)
		}
		want := careful.Line()
		valid := encoding != "utf-8" || utf8.ValidString(s)
		for _, room := range []int{len(want) + 1, 2*len(want) + 512} {
			beyond := bytes.Repeat([]byte{0xaa}, room+8)
			e := e
			if err := sealer.Seal(&e, beyond[:0:room]); err != nil {
				t.Fatal(err)
			}
			if valid && !bytes.Equal(e.Line(), want) {
				t.Fatalf("%q as %q with room for %d:\n got %s\nwant %s", s, encoding, room, e.Line(), want)
			}
			if tail := beyond[room:]; !bytes.Equal(tail, bytes.Repeat([]byte{0xaa}, 8)) {
				t.Fatalf("%q: written beyond the capacity of %d: % x", s, room, tail)
			}
		}
	}
}

// Every string is quoted by the rule, whatever its length and wherever in eight bytes
// something special stands.
func TestQuoted(t *testing.T) {
	special := []string{
		"\"", "\\", "\n", "\t", "\x00", "\x1f", "\x7f", "\x80", "\xff", "\xc2", "\u0085", "\u00a0", "é", "\xc0\xaf", "한", "하", "가",
		"\ud7ff", "\ue000", "\xed\xa0\x80", "\xe0\x80\x80", "\u0800", "\u2028", "\u2029", "\u2027", "\ufffd", "\uffff", "😀", "\xf4\x90\x80\x80", "\xea\xb0", "\xf0\x9f\x98",
	}
	for at := range 9 {
		for _, s := range special {
			for tail := range 9 {
				checkQuoted(t, strings.Repeat("a", at)+s+strings.Repeat("b", tail))
			}
			for _, next := range special {
				checkQuoted(t, strings.Repeat("a", at)+s+next+"cdefghijk")
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	for range 1000 {
		var b strings.Builder
		for range rnd.IntN(40) {
			if rnd.IntN(3) == 0 {
				b.WriteString(special[rnd.IntN(len(special))])
			} else {
				b.WriteString("some plain text"[:rnd.IntN(15)])
			}
		}
		checkQuoted(t, b.String())
	}
}

func FuzzQuoted(f *testing.F) {
	f.Add(`{"name":"아이템","memo":"하나\n"}`)
	f.Add(strings.Repeat("plain text ", 20) + "\u2028" + strings.Repeat("아이템", 20) + "\u0085")
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkQuoted)
}
