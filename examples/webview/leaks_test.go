package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// leaks returns the names of the secrets that text holds, in plain or in a form that
// anybody can undo: JSON escapes, percent-encoding, base64 in any of its three
// phases and both alphabets, hex.
func leaks(text []byte) []string {
	unescaped := jsonEscape.ReplaceAllFunc(text, func(m []byte) []byte {
		r, err := strconv.ParseUint(string(m[2:]), 16, 32)
		if err != nil {
			return m
		}
		return []byte(string(rune(r)))
	})
	forms := [][]byte{text, unescaped, percentDecode(text), percentDecode(unescaped)}
	lower := bytes.ToLower(text)
	var found []string
	for name, secret := range secrets() {
		held := bytes.Contains(lower, []byte(hex.EncodeToString([]byte(secret))))
		for _, f := range forms {
			held = held || bytes.Contains(f, []byte(secret))
			for _, b := range base64Forms(secret) {
				held = held || bytes.Contains(f, []byte(b))
			}
		}
		if held {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

var jsonEscape = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)

func percentDecode(b []byte) []byte {
	return percentEscape.ReplaceAllFunc(b, func(m []byte) []byte {
		s, err := url.PathUnescape(string(m))
		if err != nil {
			return m
		}
		return []byte(s)
	})
}

var percentEscape = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

// base64Forms returns what s looks like inside base64, by where it starts in a group
// of three bytes. The characters at its edges depend on its neighbours and are left
// out.
func base64Forms(s string) []string {
	var forms []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for phase := range 3 {
			e := enc.EncodeToString([]byte(strings.Repeat("\x00", phase) + s))
			start := (phase*8 + 5) / 6
			end := (phase + len(s)) * 8 / 6
			forms = append(forms, e[start:end])
		}
	}
	return forms
}

// folder returns everything in the journal's folder, decompressed, and the files'
// names as well: they could leak too.
func folder(t *testing.T, dir string) []byte {
	t.Helper()
	var all bytes.Buffer
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	n := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintln(&all, d.Name())
		all.Write(raw)
		if strings.HasSuffix(path, ".zst") {
			if err := dec.Reset(bytes.NewReader(raw)); err != nil {
				return err
			}
			if _, err := io.Copy(&all, dec); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("no files in %s: nothing was looked at", dir)
	}
	return all.Bytes()
}

// TestLeaksFinds proves that the search can find each form it is meant to find.
func TestLeaksFinds(t *testing.T) {
	for name, secret := range secrets() {
		for form, text := range map[string]string{
			"plain":   "x" + secret + "y",
			"json":    fmt.Sprintf(`"\u%04x%s"`, secret[0], secret[1:]),
			"percent": fmt.Sprintf("a=%%%02X%s", secret[0], secret[1:]),
			"base64":  base64.StdEncoding.EncodeToString([]byte("user:" + secret + ":tail")),
			"base64b": base64.URLEncoding.EncodeToString([]byte("user1:" + secret)),
			"base64c": base64.StdEncoding.EncodeToString([]byte("user12:" + secret + "~")),
			"hex":     hex.EncodeToString([]byte(secret)),
		} {
			if got := leaks([]byte(text)); !slices.Contains(got, name) {
				t.Errorf("%s in %s: not found in %q", name, form, text)
			}
		}
		if got := leaks([]byte("nothing to see")); len(got) != 0 {
			t.Errorf("found %v where there is nothing", got)
		}
	}
}
