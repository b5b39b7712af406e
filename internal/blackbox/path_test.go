package blackbox

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

func TestPath(t *testing.T) {
	const m = maskedPath
	for path, want := range map[string]string{
		"/":                                 "/",
		"":                                  "",
		"*":                                 "",
		"/api/orders":                       "/api/orders",
		"/api/orders/":                      "/api/orders/",
		"/api/v1/orders":                    "/api/v1/orders",
		"/Products/list":                    "/Products/list",
		"/api/orders/4711":                  "/api/orders/" + m,
		"/api/orders/4711/items":            "/api/orders/" + m,
		"/a/b/d/f":                          "/a/b/d/f",
		"/a/b/d/f/g":                        "/a/b/d/f/" + m,
		"/reset/hunter":                     "/reset/" + m,
		"/Reset/hunter":                     "/Reset/" + m,
		"/password-reset/hunter":            "/password-reset/" + m,
		"/reset_password/hunter":            "/reset_password/" + m,
		"/api/users/alice":                  "/api/users/" + m,
		"/s/abcdef":                         "/s/" + m,
		"/hooks/tkfjahfkjashf":              "/hooks/" + m,
		"/019c1b2e-7f00-7abc-8def-01234567": "/" + m,
		"/eyJhbGciOiJIUzI1NiJ9.abc.def":     "/" + m,
		"/items;token=abc":                  "/" + m,
		"/items%2fabc":                      "/" + m,
		"/AbCdEfGh":                         "/" + m,
		"/010-1234-5678":                    "/" + m,
		"/장바구니":                             "/" + m,
		"//x":                               "/" + m,
		"/x\n\x1b[31m":                      "/" + m,
		"/" + strings.Repeat("a", 21):       "/" + m,
		"http://user:pw@host/x":             "",
	} {
		var room [textSize]byte
		got := string(appendPath(room[:0:len(room)], path))
		if got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
		if !plainPath(got) {
			t.Errorf("%q: what was written is not what is read", got)
		}
	}
	for _, p := range []string{"/x y", "/010-1234-5678", "x", "/reset/hunter", "/a/b/d/f/g/h"} {
		if plainPath(p) {
			t.Errorf("%q is taken for one of ours", p)
		}
	}
}

// Nothing that the sanitizer would hide is written down: whatever stands behind a word
// that it knows.
func TestPathHidesWhatTheSanitizerHides(t *testing.T) {
	policy, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		"password", "passwords", "passwd", "pwd", "secret", "token", "tokens", "auth", "key", "keys", "apikey", "api-key",
		"session", "sessions", "invite", "invites", "reset", "reset-password", "verify", "confirm", "magic", "otp", "code",
		"unsubscribe", "activate", "email", "emails", "phone", "card", "cards", "access-token", "refresh_token", "share",
		"login", "signin", "sso", "ticket", "hook", "hooks", "webhook", "webhooks", "users", "name", "account", "file",
		"download", "link", "pin", "cookie", "private", "credential", "credentials", "signature", "nonce", "jwt", "bearer",
	}
	values := []string{"hunter", "alice", "abcdefghij", "correcthorse", "4711", "s3cr3t", "AbCdEf0123456789xyz", "0123456789abcdef0123"}
	for _, w := range words {
		for _, v := range values {
			for _, path := range []string{"/" + w + "/" + v, "/api/" + w + "/" + v, "/" + v + "/" + w, "/api/v1/" + w + "/" + v + "/x"} {
				var room [textSize]byte
				kept := strings.TrimSuffix(string(appendPath(room[:0:len(room)], path)), "/"+maskedPath)
				if kept == "" {
					continue
				}
				// In its place in the whole path the sanitizer leaves it as it is.
				if clean := policy.URL(path, nil); !strings.HasPrefix(clean, kept) {
					t.Errorf("%s: %q is written down, the sanitizer makes %q", path, kept, clean)
				}
				if strings.HasSuffix(kept, w+"/"+v) {
					t.Errorf("%s: %q is written down", path, kept)
				}
			}
		}
	}
}

func TestRoute(t *testing.T) {
	for route, want := range map[string]bool{
		"": true, "/items/{id}": true, "/files/*path": true, "/v1/users/:id": true, "/x/{id:[0-9]+}": false,
		"/orders/019c1b2e7f007abc": false, "/a?token=x": false, "/x\n": false, "/shop.v1.Orders/Get": true,
		"/" + strings.Repeat("a", 60): false,
	} {
		if got := plainRoute(route); got != want {
			t.Errorf("%q: %v, want %v", route, got, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("/api/orders/4711")
	f.Fuzz(func(t *testing.T, path string) {
		var room [64]byte
		got := string(appendPath(room[:0:len(room)], path))
		if !plainPath(got) {
			t.Fatalf("%q gives %q, which is not read back", path, got)
		}
		if kept := strings.TrimSuffix(got, maskedPath); !strings.HasPrefix(path, kept) {
			t.Fatalf("%q gives %q", path, got)
		}
	})
}
