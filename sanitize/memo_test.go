package sanitize_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// What is remembered about a value is about that value only: not under another
// name, not as another grammar, not for another of the same length.
func TestMemo(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var rep sanitize.Report
	for range 3 {
		for _, tc := range []struct{ got, want string }{
			{p.Header("X-Note", "abc123def", &rep), "abc123def"},
			{p.Header("X-Api-Key", "abc123def", &rep), "[masked:api-key]"},
			{p.Value("note", "abc123def", &rep), "abc123def"},
			{p.Value("password", "abc123def", &rep), "[masked:password]"},
			{p.Text("code=abc123def", &rep), "code=abc123def"},
			{p.Query("code=abc123def", &rep), "code=[masked:oauth]"},
			{p.URL("/cb?code=abc123def", &rep), "/cb?code=[masked:oauth]"},
			{p.Header("ab", "cdef", &rep), "cdef"},
			{p.Header("a", "bcdef", &rep), "bcdef"},
			{p.Header("pin", "4821", &rep), "[masked:pin]"},
			{p.Header("p", "in4821", &rep), "in4821"},
		} {
			if tc.got != tc.want {
				t.Errorf("got %q, want %q", tc.got, tc.want)
			}
		}
	}
	// More values than there is room for, of every length around the bound.
	for n := range 300 {
		for i := range 3 {
			v := fmt.Sprint(i) + strings.Repeat("x", n)
			for range 2 {
				if got := p.Header("X-Note", v, &rep); got != v {
					t.Fatalf("%q became %q", v, got)
				}
			}
		}
	}
}
