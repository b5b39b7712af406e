//go:build !race

package sanitize_test

import (
	"fmt"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

// Not under the race detector, which makes sync.Pool forget at random.
func TestNoAllocations(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, dense := range []bool{false, true} {
		body := page(16<<10, dense)
		dst := make([]byte, 0, 64<<10)
		var rep sanitize.Report
		in := sanitize.Input{ContentType: "application/json; charset=utf-8"}
		if n := testing.AllocsPerRun(100, func() {
			rep.Reset()
			dst, _ = p.AppendBody(dst[:0], body, in, &rep)
		}); n != 0 {
			t.Errorf("dense=%v: %v allocations", dense, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { p.Header("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)", nil) }); n != 0 {
		t.Errorf("Header: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { p.URL("https://a.example/orders/1?page=2&size=20", nil) }); n != 0 {
		t.Errorf("URL: %v allocations", n)
	}
}

// Headers that pass cost no memory, remembered or not.
func TestHeaderAllocs(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]string, 500)
	for i := range values {
		values[i] = fmt.Sprintf("value %d of a header", i)
	}
	i := 0
	p.Header("X-Note", "warm up", nil)
	if n := testing.AllocsPerRun(1000, func() {
		p.Header("X-Note", values[i%len(values)], nil)
		p.Header("Accept", "text/html,application/json;q=0.9", nil)
		i++
	}); n > 0.1 { // a collection may empty the pool
		t.Errorf("%v allocations", n)
	}
}

// A long stream of captured prefixes does not make the pooled state grow.
func TestMemoryStaysBounded(t *testing.T) {
	p, err := sanitize.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := page(64<<10, true)
	dst := make([]byte, 0, 1<<20)
	in := sanitize.Input{ContentType: "application/json", Truncated: true}
	p.AppendBody(dst, body, in, nil)
	n := allocated(func() {
		for range 256 { // 16 MiB
			dst, _ = p.AppendBody(dst[:0], body, in, nil)
		}
	})
	if n > 8<<20 {
		t.Errorf("%d KiB allocated for 16 MiB", n>>10)
	}
}

// What a session changes costs an allocation in dozens, what stays none.
func TestSessionAllocs(t *testing.T) {
	s := (*sanitize.Policy)(nil).NewSession()
	var rep sanitize.Report
	work := func() {
		s.Header("Authorization", "Bearer 0123456789abcdef0123", &rep)
		s.Header("Cookie", "sid=0f1e2d3c4b5a; theme=dark", &rep)
		s.Header("User-Agent", "Mozilla/5.0 (iPhone) KAKAOTALK/26.3.5", &rep)
		s.URL("/v1/items?page=2&token=abcdef0123456789", &rep)
	}
	work()
	if n := testing.AllocsPerRun(500, work); n > 0.2 {
		t.Errorf("%v allocations for four values, want at most one in five calls", n)
	}
}
