package sink

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sanitize"
)

// fillStrings puts text(path) into every string, and every []byte, that v holds,
// and one element into every slice and pointer on the way.
func fillStrings(v reflect.Value, path string, text func(path string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text(path))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillStrings(v.Elem(), path, text)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text(path)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillStrings(v.Index(0), path+"[]", text)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type.PkgPath() != "time" {
				fillStrings(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), text)
			}
		}
	}
}

// readStrings calls see for every string and []byte of v.
func readStrings(v reflect.Value, path string, see func(path, s string)) {
	switch v.Kind() {
	case reflect.String:
		see(path, v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			readStrings(v.Elem(), path, see)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			see(path, string(v.Bytes()))
			return
		}
		for i := range v.Len() {
			readStrings(v.Index(i), path+"[]", see)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type.PkgPath() != "time" {
				readStrings(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), see)
			}
		}
	}
}

// keptFields are the strings that do not go through the policy, each because the
// library itself wrote it, or because people search by it. Routes, kinds of errors
// and names of hosts, loggers, headers and labels are only read when they are no
// plain words.
var keptFields = []string{
	"Flags[]", "Gap.Reason", "HTTP.Protocol", "HTTP.RemoteIP", "InsertID", "Kind", "Origin",
	"Peer.Service", "Resource.Environment", "Resource.Host", "Resource.Instance", "Resource.ServerUser",
	"Resource.Service", "Resource.Version", "Source.File", "Source.Function", "Trace.ID", "TxID",
}

const jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"

// TestEveryStringIsCleaned puts a token into every string of an entry and wants it
// gone from all but the named ones. A field that is added later fails here until
// it has been thought about.
func TestEveryStringIsCleaned(t *testing.T) {
	for name, fault := range map[string]bool{"sanitized": false, "failed closed": true} {
		t.Run(name, func(t *testing.T) {
			e := &entry.Entry{}
			fillStrings(reflect.ValueOf(e).Elem(), "", func(path string) string {
				if path == "Facts.EntryPage" {
					return "GET /login?token=" + jwt
				}
				return jwt
			})
			e.Redactions = nil
			e.Request.Body.Content, e.Response.Body.Raw = nil, nil // one of each is enough
			c := cleaner{policy: (*sanitize.Policy)(nil), buffers: &BufferPool{}}
			if fault {
				c.policy = faultyPolicy{"all", errors.New(jwt)}
			}
			err := c.clean(e)
			if (err != nil) != fault {
				t.Errorf("clean = %v", err)
			}
			if err != nil && strings.Contains(err.Error(), jwt[:20]) {
				t.Error("the error repeats what the policy panicked with")
			}
			var kept []string
			readStrings(reflect.ValueOf(e).Elem(), "", func(path, s string) {
				if strings.Contains(s, jwt[:30]) || strings.Contains(s, jwt[60:]) {
					kept = append(kept, path)
				}
			})
			slices.Sort(kept)
			if diff := cmp.Diff(keptFields, kept); diff != "" {
				t.Errorf("fields that still hold the token (-want +got):\n%s", diff)
			}
			if len(e.Redactions) == 0 {
				t.Error("no redactions counted")
			}
			if fault && !slices.ContainsFunc(e.Redactions, func(r entry.Redaction) bool { return r.Rule == ruleFailed && r.Count > 20 }) {
				t.Errorf("redactions %v", e.Redactions)
			}
			if err := e.Seal(nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// faultyPolicy panics in one of its methods, or in all.
type faultyPolicy struct {
	in    string
	value any
}

func (f faultyPolicy) maybe(method string) {
	if f.in == method || f.in == "all" {
		if f.value == nil {
			var s []int
			_ = s[len(method)]
		}
		panic(f.value)
	}
}

func (f faultyPolicy) AppendBody(dst, src []byte, in sanitize.Input, rep *sanitize.Report) ([]byte, sanitize.Result) {
	if f.in == "body" {
		dst = append(dst, src...) // half of its work done
	}
	f.maybe("body")
	return (*sanitize.Policy)(nil).AppendBody(dst, src, in, rep)
}

func (f faultyPolicy) Header(name, value string, rep *sanitize.Report) string {
	f.maybe("header")
	return (*sanitize.Policy)(nil).Header(name, value, rep)
}

func (f faultyPolicy) URL(u string, rep *sanitize.Report) string {
	f.maybe("url")
	return (*sanitize.Policy)(nil).URL(u, rep)
}

func (f faultyPolicy) Text(s string, rep *sanitize.Report) string {
	f.maybe("text")
	return (*sanitize.Policy)(nil).Text(s, rep)
}

func (f faultyPolicy) Value(key, value string, rep *sanitize.Report) string {
	f.maybe("value")
	return (*sanitize.Policy)(nil).Value(key, value, rep)
}

// TestFailsClosed: whichever part of the policy fails, the content is not there,
// the entry is, and it says why.
func TestFailsClosed(t *testing.T) {
	for _, in := range []string{"body", "header", "url", "text", "value"} {
		e := &entry.Entry{
			TxID: "transaction-000001", InsertID: "1", Message: "plain message", Error: entry.Error{Message: "plain error"},
			HTTP:   entry.HTTP{Method: "POST", URL: "/plain-url", Route: "/{x}", Status: 500},
			Labels: []entry.Label{{Name: "order", Value: "plain value"}},
		}
		e.Request.Headers = []entry.Header{{Name: "X-Kind", Value: "plain header"}}
		pool := &BufferPool{}
		raw := append(pool.Get(100), `{"content":"plain body"}`...)
		e.Request.Body = entry.Body{Raw: raw, Type: "text/plain; password=hunter2", ContentEncoding: "x; token=hunter2", Size: 24}
		e.Response.Body = entry.Body{Raw: []byte(`{"content":"plain body"}`), Type: "application/json", Size: 24}
		c := cleaner{policy: faultyPolicy{in: in}, buffers: pool}
		err := c.clean(e)
		if err == nil || !strings.HasPrefix(err.Error(), "sink: the sanitizer panicked on") || !strings.Contains(err.Error(), "index out of range") {
			t.Errorf("%s: error %v", in, err)
		}
		if sealErr := e.Seal(nil); sealErr != nil {
			t.Fatalf("%s: %v", in, sealErr)
		}
		line := string(e.Line())
		if in == "body" {
			if strings.Contains(line, "plain body") || strings.Contains(line, "hunter2") || !strings.Contains(line, "plain header") ||
				e.Request.Body.Reason != reasonUnclean || !e.Request.Body.Truncated || e.Request.Body.Size != 24 {
				t.Errorf("%s: %s", in, line)
			}
		} else if plain := map[string]string{"header": "plain header", "url": "/plain-url", "text": "plain error", "value": "plain value"}[in]; strings.Contains(line, plain) {
			t.Errorf("%s: %s", in, line)
		}
		if e.HTTP.Route != "/{x}" || e.HTTP.Status != 500 || e.TxID != "transaction-000001" {
			t.Errorf("%s: what the entry is found by is gone: %s", in, line)
		}
		if e.Request.Body.Raw != nil || strings.Contains(string(raw[:cap(raw)]), "plain") {
			t.Errorf("%s: the raw bytes were not cleared", in)
		}
		if !slices.ContainsFunc(e.Redactions, func(r entry.Redaction) bool { return r.Rule == ruleFailed }) {
			t.Errorf("%s: redactions %v", in, e.Redactions)
		}
	}
}

func TestCleanBody(t *testing.T) {
	tests := []struct {
		name string
		body entry.Body
		want entry.Body
	}{
		{"nothing", entry.Body{}, entry.Body{}},
		{"size alone", entry.Body{Size: 10, Reason: "unread"}, entry.Body{Size: 10, Reason: "unread"}},
		{"json", entry.Body{Raw: []byte(`{"a":1}`), Type: "application/json", Size: 7}, entry.Body{Content: []byte(`{"a":1}`), Encoding: "utf-8", Type: "application/json", Size: 7}},
		{
			"cut by the capture",
			entry.Body{Raw: []byte(`{"a":1,"b":`), Type: "application/json", Size: 5000, Truncated: true, Reason: "capture limit"},
			entry.Body{Content: []byte(`{"a":1,"b":`), Encoding: "utf-8", Type: "application/json", Size: 5000, Truncated: true, Reason: "capture limit"},
		},
		{"binary", entry.Body{Raw: []byte("\x89PNG\r\n\x1a\n\x00\x00"), Type: "image/png", Size: 10}, entry.Body{Type: "image/png", Size: 10, Truncated: true, Reason: "binary"}},
		{"content set by the caller", entry.Body{Content: []byte(`{"password":"hunter2"}`), Type: "application/json"}, entry.Body{Content: []byte(`{"password":"[masked:password]"}`), Encoding: "utf-8", Type: "application/json"}},
	}
	for _, tt := range tests {
		c := cleaner{policy: (*sanitize.Policy)(nil), buffers: &BufferPool{}}
		b := tt.body
		if err := c.body(&b, ""); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, b); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestRoute(t *testing.T) {
	for _, tt := range []struct {
		routes              bool
		method, route, want string
	}{
		{true, "POST", "/login", "POST /login"},
		{true, "POST", "POST /login", "POST /login"},
		{true, "POST", "", ""},
		{false, "POST", "/login", "/login"},
	} {
		c := cleaner{routes: tt.routes}
		if got := c.route(&entry.Entry{HTTP: entry.HTTP{Method: tt.method, Route: tt.route}}); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// TestBatchMemory: what entries of one batch hold stays theirs while the batch
// grows beyond the memory it began with.
func TestBatchMemory(t *testing.T) {
	c := cleaner{policy: (*sanitize.Policy)(nil), buffers: &BufferPool{}}
	var entries []*entry.Entry
	for i := range 300 {
		e := &entry.Entry{}
		e.Request.Body = entry.Body{Raw: fmt.Appendf(nil, `{"n":"%0*d","password":"x"}`, 10+i, i), Type: "application/json"}
		if err := c.clean(e); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	for i, e := range entries {
		if want := fmt.Sprintf(`{"n":"%0*d","password":"[masked:password]"}`, 10+i, i); string(e.Request.Body.Content) != want {
			t.Fatalf("entry %d: %s, want %s", i, e.Request.Body.Content, want)
		}
		if len(e.Redactions) != 1 || e.Redactions[0].Count != 1 {
			t.Fatalf("entry %d: %v", i, e.Redactions)
		}
	}
}

func TestResourceCleanedOnce(t *testing.T) {
	c := cleaner{policy: (*sanitize.Policy)(nil), buffers: &BufferPool{}}
	r := &entry.Resource{Service: "web", Attributes: []entry.Label{{Name: "db_password", Value: "hunter2"}, {Name: "zone", Value: "a"}}}
	got := c.resource(r)
	if got == r || r.Attributes[0].Value != "hunter2" {
		t.Error("the caller's resource was changed")
	}
	if got.Attributes[0].Value == "hunter2" || got.Attributes[1].Value != "a" || got.Service != "web" {
		t.Errorf("resource %+v", got)
	}
	if c.resource(r) != got || c.resource(got) != got || c.resource(nil) != nil {
		t.Error("the resource is cleaned again for each entry")
	}
}
