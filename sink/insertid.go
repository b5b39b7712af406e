package sink

import (
	"crypto/rand"
	"encoding/hex"
)

// An InsertID is 10 hex digits that a queue draws once from crypto/rand and 10
// digits of base 32 that count its captures: unique, and in the order of capture
// within a process when sorted as text. Fifty bits last 35 years at a million
// entries a second. The digits are those of base32hex (RFC 4648 section 7) in
// lower case, because they sort like the numbers.
const (
	idPrefixLen = 10
	idCountLen  = 10
	idLen       = idPrefixLen + idCountLen
	idDigits    = "0123456789abcdefghijklmnopqrstuv"
)

type idPrefix [idPrefixLen]byte

func newIDPrefix() (p idPrefix) {
	var b [idPrefixLen / 2]byte
	rand.Read(b[:]) // never fails: it crashes the program rather than return an error
	hex.Encode(p[:], b[:])
	return p
}

func (p *idPrefix) append(dst []byte, n uint64) []byte {
	dst = append(dst, p[:]...)
	for shift := 5 * (idCountLen - 1); shift >= 0; shift -= 5 {
		dst = append(dst, idDigits[n>>shift&31])
	}
	return dst
}
