package sanitize_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"

	"github.com/txtrail/txtrail/sanitize"
)

// gardener grows a document of some grammar with a secret at a sensitive place
// and harmless values around it.
type gardener struct {
	*rand.Rand
	secret string
}

func (g *gardener) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g *gardener) letters(n int) string {
	const abc = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = abc[g.IntN(len(abc))]
	}
	return string(b)
}

// key is a sensitive key in one of the ways that people write it.
func (g *gardener) key() string {
	k := g.pick("password", "passwd", "access_token", "accessToken", "refreshToken", "client_secret", "api_key", "apiKey", "secretKey",
		"privateKey", "credentials", "session_id", "otp", "pin", "cvv", "csrfToken", "비밀번호", "주민등록번호", "card_number", "userPassword", "new_password", "X-Api-Key", "passphrase")
	switch g.IntN(6) {
	case 0:
		k = strings.ToUpper(k)
	case 1:
		k += fmt.Sprint(g.IntN(10))
	case 2:
		k = g.pick("user.", "old_", "x-", "db:") + k
	}
	return k
}

func (g *gardener) harmless() string {
	return g.pick("kim", "Seoul", "안녕", "2026-11-20T01:02:03Z", "a b c", "ORD-12", "", "https://a.example/p?page=2", "it's 5 o'clock")
}

func (g *gardener) quote(s string) string {
	b, _ := json.Marshal(s)
	out := string(b)
	if g.IntN(4) == 0 { // escape some letters
		var e strings.Builder
		for _, c := range out {
			if c < 128 && (c|0x20) >= 'a' && (c|0x20) <= 'z' && g.IntN(5) == 0 && !strings.ContainsRune("bfnrtu", c) && !strings.Contains(out, `\`) {
				fmt.Fprintf(&e, `\u%04x`, c)
			} else {
				e.WriteRune(c)
			}
		}
		out = e.String()
	}
	return out
}

func (g *gardener) json(depth int) string {
	var members []string
	for range g.IntN(3) {
		members = append(members, g.quote(g.pick("name", "city", "n", "items", "note"))+":"+g.scalar(depth))
	}
	members = append(members, g.sensitiveMember(depth))
	for range g.IntN(3) {
		members = append(members, g.quote(g.pick("id", "memo", "page", "lang"))+":"+g.scalar(depth))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	ws := g.pick("", " ", "\n  ")
	return "{" + ws + strings.Join(members, ","+ws) + ws + "}"
}

func (g *gardener) scalar(depth int) string {
	switch g.IntN(5) {
	case 0:
		return fmt.Sprint(g.IntN(1000))
	case 1:
		return g.pick("true", "null", "[]", "{}", "[1,2]")
	}
	return g.quote(g.harmless())
}

func (g *gardener) sensitiveMember(depth int) string {
	if depth < 3 {
		switch g.IntN(8) {
		case 0:
			return g.quote("inner") + ":" + g.json(depth+1)
		case 1:
			return g.quote("list") + ":[" + g.scalar(depth) + "," + g.json(depth+1) + "]"
		case 2:
			return g.quote("text") + ":" + g.quote(g.json(depth+1))
		case 3:
			return g.quote("body") + ":" + g.quote(g.form())
		case 4:
			return g.quote("log") + ":" + g.quote(g.text())
		case 5:
			return g.quote("url") + ":" + g.quote(g.url())
		case 6:
			p := []string{`"name":` + g.quote(g.key()), `"value":` + g.quote(g.secret)}
			if g.IntN(2) == 0 {
				p[0], p[1] = p[1], p[0]
			}
			return g.quote("field") + ":{" + strings.Join(p, ",") + "}"
		}
	}
	switch g.IntN(4) {
	case 0:
		return g.quote(g.key()) + ":[" + g.quote(g.secret) + "]"
	case 1:
		return g.quote(g.key()) + `:{"a":` + g.quote(g.secret) + "}"
	}
	return g.quote(g.key()) + ":" + g.quote(g.secret)
}

func (g *gardener) form() string {
	parts := []string{"user=kim", "x=1"}
	k := g.key()
	v := url.QueryEscape(g.secret)
	switch g.IntN(4) {
	case 0:
		k = url.QueryEscape(k)
	case 1:
		k = "user[" + url.QueryEscape(k) + "]"
	case 2:
		k, v = "payload", url.QueryEscape(`{"`+k+`":"`+g.secret+`"}`)
	default:
		k = url.QueryEscape(k)
	}
	parts = append(parts, k+"="+v)
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, g.pick("&", "&", "&amp;"))
}

func (g *gardener) url() string {
	v := url.QueryEscape(g.secret)
	switch g.IntN(5) {
	case 0:
		return "https://kim:" + v + "@h.example/p?page=2"
	case 1:
		return "/cb?lang=ko&" + g.pick("code", "state", "sig", "X-Amz-Signature") + "=" + v
	case 2:
		return "https://a.example/#access_token=" + v + "&x=1"
	case 3:
		return "https://a.example/login?next=" + url.QueryEscape("https://b.example/?token="+v)
	}
	return "https://a.example/p?" + url.QueryEscape(g.key()) + "=" + v + "&page=2"
}

func (g *gardener) text() string {
	k := g.key()
	s := g.secret
	switch g.IntN(9) {
	case 0:
		return "failed " + k + "=" + s + " retry"
	case 1:
		return "failed " + k + ": " + s + ", retry"
	case 2:
		return `decode {"` + k + `":"` + s + `"} at line 3`
	case 3:
		return "Authorization: Bearer " + s + "\nnext"
	case 4:
		return "dial postgres://app:" + url.QueryEscape(s) + "@db/core: refused"
	case 5:
		return "app:" + s + "@tcp(db:3306)/core"
	case 6:
		return "{User:kim Password:" + s + " Age:3}"
	case 7:
		return "GET " + g.url() + " 302"
	}
	return "Cookie: sid=" + s + "; theme=dark\nnext"
}

func xmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace(s)
}

// document returns a document and how it is to be read.
func (g *gardener) document() ([]byte, sanitize.Input) {
	name := strings.NewReplacer(" ", "", ":", "_").Replace(g.key())
	switch g.IntN(14) {
	case 0, 1, 2, 3:
		doc := g.pick("", "", ")]}',\n", "\ufeff") + g.json(0)
		in := sanitize.Input{ContentType: "application/json"}
		switch g.IntN(8) {
		case 0:
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write([]byte(doc))
			_ = w.Close()
			in.ContentEncoding = g.pick("gzip", "")
			return b.Bytes(), in
		case 1:
			b := []byte{0xff, 0xfe}
			for _, u := range utf16.Encode([]rune(doc)) {
				b = append(b, byte(u), byte(u>>8))
			}
			return b, in
		}
		return []byte(doc), in
	case 4:
		return []byte(g.json(0) + "\n" + g.json(1) + "\n"), sanitize.Input{ContentType: "application/x-ndjson"}
	case 5:
		return []byte(g.form()), sanitize.Input{ContentType: "application/x-www-form-urlencoded"}
	case 6:
		return []byte(g.url()), sanitize.Input{Kind: sanitize.KindURL}
	case 7:
		return []byte(g.text()), sanitize.Input{ContentType: "text/plain"}
	case 8:
		doc := "<r><user>kim</user><" + name + ">" + xmlEscape(g.secret) + "</" + name + "></r>"
		switch g.IntN(3) {
		case 0:
			doc = "<r><x " + name + `="` + xmlEscape(g.secret) + `" b="1"/></r>`
		case 1:
			doc = "<r><p name=\"" + xmlEscape(name) + "\"><![CDATA[" + g.secret + "]]></p></r>"
		}
		return []byte(doc), sanitize.Input{ContentType: "application/xml"}
	case 9:
		doc := `<p>Hi</p><input name="` + xmlEscape(name) + `" value="` + xmlEscape(g.secret) + `">`
		if g.IntN(2) == 0 {
			doc = `<p>Hi</p><script>window.__S__={"a":1,"` + name + `":` + g.quote(g.secret) + `}</script>`
		}
		return []byte(doc), sanitize.Input{ContentType: "text/html"}
	case 10:
		return []byte("user: kim\n" + g.pick(name+": ", name+": |\n  ", name+":\n  - ") + g.pick(g.secret, g.quote(g.secret)) + "\nid: 7\n"), sanitize.Input{ContentType: "application/yaml"}
	case 11:
		return []byte("name," + name + ",city\nkim,\"" + strings.ReplaceAll(g.secret, `"`, `""`) + "\",Seoul\n"), sanitize.Input{ContentType: "text/csv"}
	case 12:
		return []byte("--B\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nkim\r\n--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + g.secret + "\r\n--B--\r\n"),
			sanitize.Input{ContentType: "multipart/form-data; boundary=B"}
	}
	return []byte("event: x\ndata: " + strings.ReplaceAll(g.json(0), "\n", "\ndata: ") + "\n\n"), sanitize.Input{ContentType: "text/event-stream"}
}

// disguises are the encodings in which a secret could still be in the output.
func disguises(s string) map[string][]byte {
	j, _ := json.Marshal(s)
	out := map[string][]byte{
		"raw":     []byte(s),
		"json":    j[1 : len(j)-1],
		"percent": []byte(url.QueryEscape(s)),
		"path":    []byte(url.PathEscape(s)),
		"hex":     []byte(hex.EncodeToString([]byte(s))),
		"html":    []byte(xmlEscape(s)),
	}
	var u []byte
	for _, c := range utf16.Encode([]rune(s)) {
		u = append(u, byte(c), byte(c>>8))
	}
	out["utf-16"] = u
	for phase := range 3 {
		enc := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", phase) + s))
		skip := []int{0, 2, 3}[phase]
		out[fmt.Sprint("base64/", phase)] = []byte(enc[skip : len(enc)-2])
	}
	return out
}

func canary(t *testing.T, seed uint64) {
	g := &gardener{Rand: rand.New(rand.NewPCG(seed, 7))}
	g.secret = "Zq" + g.letters(10+g.IntN(20))
	switch g.IntN(6) {
	case 0:
		g.secret += "!" + g.letters(6)
	case 1:
		g.secret += "-" + g.letters(6) + "_x"
	case 2:
		g.secret += "/" + g.letters(6) + "+" + g.letters(4)
	case 3:
		g.secret = fmt.Sprint(g.Uint64())
	}
	doc, in := g.document()
	var p *sanitize.Policy
	check := func(doc []byte, in sanitize.Input) {
		out, res := p.AppendBody(nil, doc, in, nil)
		if res.Reason == "internal fault" {
			t.Fatalf("seed %d: a panic: %q", seed, doc)
		}
		for how, d := range disguises(g.secret) {
			if bytes.Contains(out, d) {
				t.Fatalf("seed %d: %q is in the output (%s):\nin  %q\nout %q", seed, g.secret, how, doc, out)
			}
		}
		for i := 0; i+8 <= len(g.secret); i++ {
			if bytes.Contains(out, []byte(g.secret[i:i+8])) {
				t.Fatalf("seed %d: %q, a piece of %q, is in the output:\nin  %q\nout %q", seed, g.secret[i:i+8], g.secret, doc, out)
			}
		}
	}
	check(doc, in)
	in.Truncated = true
	for range 4 {
		check(doc[:g.IntN(len(doc)+1)], in)
	}
}

func TestCanary(t *testing.T) {
	for seed := range uint64(20000) {
		canary(t, seed)
	}
}

func FuzzCanary(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { canary(t, seed) })
}
