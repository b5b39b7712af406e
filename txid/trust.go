package txid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
)

// Trust decides who may bring an ID. It is asked with the incoming request and
// the ID it brings, and must be safe for concurrent use. A refused ID is recorded
// on the entry and a new one minted; the request itself is served all the same.
type Trust func(r *http.Request, id ID) bool

// Everyone lets every caller bring an ID. This is the default: the ID is a name
// for looking things up, and the entry says where it came from.
func Everyone() Trust { return nil }

// Nobody makes this service always mint.
func Nobody() Trust { return func(*http.Request, ID) bool { return false } }

// FromCIDR lets callers connecting from the given networks bring an ID. It looks
// at the connection's own address ([http.Request.RemoteAddr]), never at
// X-Forwarded-For.
func FromCIDR(nets ...netip.Prefix) Trust {
	nets = append([]netip.Prefix(nil), nets...)
	return func(r *http.Request, _ ID) bool {
		ap, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return false
		}
		ip := ap.Addr().Unmap().WithZone("") // a Prefix never contains an address with a zone
		for _, n := range nets {
			if n.Contains(ip) {
				return true
			}
		}
		return false
	}
}

// HeaderSignature carries the signature that [Signed] checks.
const HeaderSignature = "X-Transaction-Signature"

// Signed lets callers bring an ID that is signed with the shared key: see [Sign].
// Set [Options.SigningKey] on the calling side. An empty key trusts nobody, since
// everybody could sign with it.
func Signed(key []byte) Trust {
	if len(key) == 0 {
		return Nobody()
	}
	key = append([]byte(nil), key...)
	return func(r *http.Request, id ID) bool {
		return hmac.Equal([]byte(r.Header.Get(HeaderSignature)), []byte(Sign(key, id)))
	}
}

// Sign returns the signature of id: the first 16 bytes of its HMAC-SHA256, as 32
// hex digits.
func Sign(key []byte, id ID) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id))
	return hex.EncodeToString(m.Sum(nil)[:16])
}
