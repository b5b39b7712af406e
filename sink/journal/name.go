package journalsink

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Endings of the files of a journal.
const (
	extOpen   = ".jsonl"
	extClosed = ".jsonl.zst"
	extTemp   = ".jsonl.zst.tmp"
)

// stampLayout is the UTC time in a file's name. It is for people and for the order
// of the files; what a file covers is in its index.
const stampLayout = "20060102T150405"

// baseName is a file's name without its ending: it stays the same when the file is
// closed, and is never used twice.
type baseName struct {
	text string
	sort int // where the part begins that orders bases: stamp, rand, seq
}

func (b baseName) order() string { return b.text[b.sort:] }

// newBase names a file: <name>-<stamp>-<rand>-<seq>.
func newBase(name string, now time.Time, rnd uint32, seq int) string {
	if y := now.UTC().Year(); y < 1 || y > 9999 {
		now = time.Unix(0, 0) // a clock that is out of its mind
	}
	return fmt.Sprintf("%s-%s-%08x-%06d", name, now.UTC().Format(stampLayout), rnd, seq)
}

func newRand() uint32 { return rand.Uint32() }

// splitName takes a file's name apart. It accepts only what newBase makes:
// everything else in the folder is somebody else's, and neither read nor removed.
func splitName(file string) (b baseName, ext string, ok bool) {
	switch {
	case strings.HasSuffix(file, extTemp):
		ext = extTemp
	case strings.HasSuffix(file, extClosed):
		ext = extClosed
	case strings.HasSuffix(file, extOpen):
		ext = extOpen
	default:
		return b, "", false
	}
	text := strings.TrimSuffix(file, ext)
	seq := strings.LastIndexByte(text, '-')
	// "-" stamp "-" rand stand before the last hyphen.
	const tail = 1 + len(stampLayout) + 1 + 8
	at := seq - tail
	if seq < 0 || at < 1 || at > maxName || len(text)-seq-1 < 6 || len(text)-seq-1 > 12 {
		return b, "", false
	}
	if !digits(text[seq+1:]) || !hexWord(text[seq-8:seq]) || text[seq-9] != '-' || text[at] != '-' {
		return b, "", false
	}
	stamp := text[at+1 : at+1+len(stampLayout)]
	if _, err := time.Parse(stampLayout, stamp); err != nil {
		return b, "", false
	}
	for i := range at {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return b, "", false
		}
	}
	return baseName{text: text, sort: at + 1}, ext, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func hexWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}
