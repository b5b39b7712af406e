package txid

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The length of an acceptable foreign ID, in bytes. Eight is the shortest that
// is worth searching for; 128 holds every id scheme in use (UUID, ULID, ARN
// tails, two concatenated trace ids) and keeps headers and indexes small.
const (
	MinLen = 8
	MaxLen = 128
)

// ErrInvalid is returned, wrapped with what was wrong, for a string that can
// not be a transaction ID.
var ErrInvalid = errors.New("txid: invalid transaction ID")

// ID is a transaction ID: 8 to 128 characters of [A-Za-z0-9._~:=+/@-].
// The zero value "" means that there is none. IDs are compared byte for byte.
type ID string

// Parse accepts s whole as an ID, or returns an error that wraps [ErrInvalid]
// and says which rule s breaks. It never trims, folds or shortens: an edited ID
// is another ID, and the caller who sent it would search in vain.
func Parse(s string) (ID, error) {
	if len(s) < MinLen || len(s) > MaxLen {
		return "", fmt.Errorf("%w: %d bytes, want %d to %d", ErrInvalid, len(s), MinLen, MaxLen)
	}
	if err := checkBytes(s); err != nil {
		return "", err
	}
	return ID(s), nil
}

// CheckPrefix returns an error that wraps [ErrInvalid] and says which rule s breaks,
// for a string that no ID begins with: an empty one, one that is too long, or one
// with a byte that an ID does not have.
func CheckPrefix(s string) error {
	if s == "" {
		return fmt.Errorf("%w: it is empty", ErrInvalid)
	}
	if len(s) > MaxLen {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrInvalid, len(s), MaxLen)
	}
	return checkBytes(s)
}

func checkBytes(s string) error {
	for i := range len(s) {
		if !idByte[s[i]] {
			return fmt.Errorf("%w: byte %#02x at %d, want only [A-Za-z0-9._~:=+/@-]", ErrInvalid, s[i], i)
		}
	}
	return nil
}

// Valid reports whether id is one that [Parse] accepts.
func (id ID) Valid() bool {
	if len(id) < MinLen || len(id) > MaxLen {
		return false
	}
	for i := range len(id) {
		if !idByte[id[i]] {
			return false
		}
	}
	return true
}

// Time returns when a UUIDv7 was minted, to the millisecond, and whether id is
// one. It is a hint: a foreign ID may carry any time, and the scenario goes on
// long after.
func (id ID) Time() (time.Time, bool) {
	if len(id) != 36 || id[14] != '7' {
		return time.Time{}, false
	}
	var ms int64
	for i := range len(id) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if id[i] != '-' {
				return time.Time{}, false
			}
			continue
		}
		d, ok := unhex(id[i])
		if !ok || i == 19 && d>>2 != 0b10 { // the variant of RFC 9562, section 4.1
			return time.Time{}, false
		}
		if i < 13 {
			ms = ms<<4 | int64(d)
		}
	}
	return time.UnixMilli(ms).UTC(), true
}

// idByte holds the bytes of an ID: letters, digits, and the marks that other
// schemes use and that need no escaping in a header, a log filter or a file of
// JSON.
var idByte = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:=+/@-") {
		t[c] = true
	}
	return t
}()

// maxRefused bounds what is kept of a refused ID, in bytes before escaping.
const maxRefused = 64

// refused returns s in a form that is safe to store and to show: shortened,
// control and non-ASCII bytes escaped. It is a record, never an ID. It is not cut
// within a number: the half of a card's would not be known for one any more by
// those who hide them.
func refused(s string) string {
	cut := ""
	if len(s) > maxRefused {
		cut = "… (" + strconv.Itoa(len(s)) + " bytes)"
		s = strings.TrimRight(s[:maxRefused], "0123456789-. ")
	}
	q := strconv.QuoteToASCII(s)
	var b strings.Builder
	b.WriteString(q[1 : len(q)-1])
	b.WriteString(cut)
	return b.String()
}
