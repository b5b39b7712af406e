package sanitize

import (
	"strings"
	"testing"
)

// A session answers and counts as its policy does, for each value again and again.
func TestSession(t *testing.T) {
	shadow, err := New(&Options{Mode: ModeShadow})
	if err != nil {
		t.Fatal(err)
	}
	routed, err := New(&Options{Routes: []Route{{Pattern: "POST /login", DropBody: true}}})
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		"", "x", "application/json", "Bearer 0123456789abcdef0123", "sid=0f1e2d3c4b5a; theme=dark", "https://kim:secret@shop.example/a?token=abcdef",
		"/v1/items?page=2&password=hunter22", "card 4111 1111 1111 1111", "a\nb", strings.Repeat("password=hunter22 ", 200),
	}
	for _, p := range []*Policy{nil, shadow, routed} {
		s := p.NewSession()
		var got, want Report
		var kept, should []string
		for range 3 {
			for _, v := range values {
				kept = append(kept, s.Header("X-Note", v, &got), s.Header("Cookie", v, &got), s.Value("password", v, &got), s.URL(v, &got), s.Text(v, &got))
				should = append(should, p.Header("X-Note", v, &want), p.Header("Cookie", v, &want), p.Value("password", v, &want), p.URL(v, &want), p.Text(v, &want))
				for _, route := range []string{"", "POST /login"} {
					in := Input{ContentType: "application/x-www-form-urlencoded", Route: route}
					b, gotRes := s.AppendBody([]byte("<"), []byte(v), in, &got)
					w, wantRes := p.AppendBody([]byte("<"), []byte(v), in, &want)
					kept, should = append(kept, string(b)), append(should, string(w))
					if gotRes != wantRes {
						t.Errorf("%q: %+v, want %+v", v, gotRes, wantRes)
					}
				}
			}
		}
		// Compared at the end: what was handed out first must have stayed as it was.
		for i := range should {
			if kept[i] != should[i] {
				t.Errorf("%d: %q, want %q", i, kept[i], should[i])
			}
		}
		for rule, n := range want.All() {
			if g := got.count(rule); g != n {
				t.Errorf("%s: %d, want %d", rule, g, n)
			}
		}
		if got.Len() != want.Len() {
			t.Errorf("%d rules, want %d", got.Len(), want.Len())
		}
	}
}

func (r *Report) count(rule string) int {
	for name, n := range r.All() {
		if name == rule {
			return n
		}
	}
	return 0
}

// FuzzSession: what a session remembers changes no answer, and what it gave out is
// not changed by giving it in again.
func FuzzSession(f *testing.F) {
	f.Add("Cookie", "sid=0f1e2d3c4b5a; theme=dark")
	f.Add("Authorization", "Bearer 0123456789abcdef0123")
	f.Add("X-Note", "a\r\npassword=hunter22")
	f.Add("Location", "https://kim:secret@shop.example/a?token=abcdef#access_token=x")
	used := (*Policy)(nil).NewSession()
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, of := range []func(s *Session, v string) string{
			func(s *Session, v string) string { return s.Header(name, v, nil) },
			func(s *Session, v string) string { return s.Value(name, v, nil) },
			func(s *Session, v string) string { return s.URL(v, nil) },
			func(s *Session, v string) string { return s.Text(v, nil) },
		} {
			want := of((*Policy)(nil).NewSession(), value)
			for range 2 {
				got := of(used, value)
				if got != want {
					t.Fatalf("%q: %q, want %q", value, got, want)
				}
				if again := of(used, got); again != of((*Policy)(nil).NewSession(), got) {
					t.Fatalf("%q: %q becomes %q", value, got, again)
				}
			}
		}
	})
}
