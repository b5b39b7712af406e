package sink

import (
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// TestWordsAreKept: what routes, hosts, names and kinds of errors really look like
// is searched by and comes out as it went in.
func TestWordsAreKept(t *testing.T) {
	policy, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := cleaner{policy: policy, buffers: &BufferPool{}}
	for _, s := range []string{
		"/items/{id}", "/{tenant}/v1/users/{userID}/tokens/{token...}", "/reset-password/{token}", "/files/*", "/{$}", "/",
		`/orders/{id:[0-9]{4,12}}`, "/api/2026-11-20/reports", "/accounts/:account_number/cards/:card", "api.example.com/v2/login",
		"api.example.com", "192.168.100.200", "2001:db8::7334", "core-7d9f8b6c5-x2x4z.prod.svc.cluster.local", "ec2-13-125-100-200.ap-northeast-2.compute.amazonaws.com",
		"*errors.errorString", "*url.Error", "*github.com/example/payments/internal/errors.Declined[string]", "header_timeout",
		"X-Amz-Content-Sha256", "Access-Control-Allow-Credentials", "request.card_number", "Sec-Websocket-Key",
	} {
		e := &entry.Entry{Logger: s, HTTP: entry.HTTP{Route: s, ServerAddress: s}, Error: entry.Error{Type: s}, Labels: []entry.Label{{Name: s, Value: "x"}}}
		if err := c.clean(e); err != nil {
			t.Fatal(err)
		}
		for where, got := range map[string]string{"Logger": e.Logger, "Route": e.HTTP.Route, "ServerAddress": e.HTTP.ServerAddress, "Type": e.Error.Type, "label": e.Labels[0].Name} {
			if got != s {
				t.Errorf("%s %q became %q", where, s, got)
			}
		}
	}
}

// TestWordsThatAreNone: a peer's header names and entry page, and a program's
// route, host, label or kind of error can hold what no log may.
func TestWordsThatAreNone(t *testing.T) {
	policy, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"4111111111111111", "4111-1111-1111-1111", "900101-1234568"} {
		for _, s := range []string{secret, "/cards/" + secret, "card=" + secret, "password=" + secret, "no " + secret} {
			c := cleaner{policy: policy, buffers: &BufferPool{}}
			e := &entry.Entry{
				Logger: s, HTTP: entry.HTTP{Route: s, ServerAddress: s, Method: s}, Error: entry.Error{Type: s},
				Labels: []entry.Label{{Name: s, Value: "x"}}, Facts: entry.Facts{EntryPage: secret + " /x"},
				Request: entry.Message{Headers: []entry.Header{{Name: s, Value: "x"}}},
			}
			if err := c.clean(e); err != nil {
				t.Fatal(err)
			}
			if line := string(e.AppendJSON(nil)); strings.Contains(line, secret) {
				t.Errorf("%q is in the line: %s", secret, line)
			}
		}
	}
	c := cleaner{policy: policy, buffers: &BufferPool{}}
	e := &entry.Entry{Facts: entry.Facts{EntryPage: jwt + " /x"}, Error: entry.Error{Type: "access_token=s3cr3tvalue"}}
	if err := c.clean(e); err != nil {
		t.Fatal(err)
	}
	if line := string(e.AppendJSON(nil)); strings.Contains(line, jwt) || strings.Contains(line, "s3cr3tvalue") {
		t.Errorf("a token is in the line: %s", line)
	}
}
