package sanitize_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/sanitize"
)

var laneRounds = flag.Int("lane-rounds", 4000, "random documents that are read with and without the lane")

// room is white space behind a document, so that its last members are read as its
// first ones are.
var room = strings.Repeat(" ", 128)

// laneKeys are keys in lists: harmless ones, ones that say something about their
// neighbours, sensitive ones, and ones of every length around the bounds.
var laneKeys = []string{
	"id", "id", "name", "name", "value", "type", "label", "title", "price", "data", "content", "to", "key", "k", "v", "n", "columns", "rows", "items", "method", "params", "field", "header",
	"password", "pin", "max_tokens", "tokens", "auth", "password_count", "email", "user", "status", "createdAt", "", "a", "abcdef", "abcdefg", "abcdefgh", "abcdefghijklmnop", "abcdefghijklmnopq",
	"abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz0123456", "이름", "비밀번호", `n\u0061me`, "kim@example.kr", "p a s s w o r d",
}

// laneValues are values, and what is none.
var laneValues = []string{
	`"kim"`, `"paid"`, `"winter"`, `"of the shop"`, `"아이템 of the shop"`, `"겨울 한정"`, `""`, `"a"`, `"abc"`, `"abcd"`, `"abcdefg"`, `"abcdefgh"`, `"abcdefghijklmno"`, `"abcdefghijklmnop"`,
	`"a value of thirty-one characters"`, `"a value of thirty characters ab"`, `"one of thirty-two characters, so"`, `"password"`, `"Password"`, `"p4ssw0rd"`, `"pass word"`, `"pin"`, `"비밀번호"`, `"비 밀 번 호"`, `"pw"`, `"otp"`, `"columns"`,
	`"login"`, `"hunter2"`, `"kim@example.kr"`, `"010-1234-5678"`, `"4111111111111111"`, `"2026-11-20T01:02:03Z"`, `"0192f3c4-7b1a-7c3d-9e5f-0123456789ab"`, `"[masked:password]"`, `"\u0070in"`, `"a\"b"`, `"{\"password\":\"x\"}"`,
	`"` + strings.Repeat("word ", 15) + `ab"`, `"` + strings.Repeat("word ", 15) + `pin"`, `"` + strings.Repeat("word ", 15) + `a pin"`,
	"0", "1", "17", "1200", "99999999", "100000000", "12345678901", "123456789012", "4111111111111111", "9001011234568", "1.5", "12.50", "1234567.1234567", "12345678.123", "0.5", "-1", "-0", "1e5", "1.5E-3", "821012345678",
	"01", "00", "1.", ".5", "1.e5", "--1", "1a", "+1", "12-3", "1,", "0x1", "NaN",
	"true", "false", "null", "tru", "trues", "nul", "fals", "falsy", "True",
	"[]", "{}", `["winter","box"]`, `["pin",1]`, `[["name","pin"],["kim","4821"]]`, `[{"name":"pin","value":"4821"},{"name":"kim","value":"x"}]`, `{"name":"password","value":"hunter2"}`, `{"value":"hunter2","name":"password"}`, `[1,2,3]`,
	"\"a\x01b\"", "\"\xff\"", "\"a\xc3\"", `"a`, `"\q"`,
}

// laneThemes are documents in which neighbours say what is sensitive, {K} and {V} a key
// and a value.
var laneThemes = []string{
	`{"columns":[{"name":{V},{K}:{V}},{"name":{V}},{"id":{V},"name":{V}},{"name":"kim"}],"rows":[["kim","4821","x","y"],["kim",{V},"x",{V}]]}`,
	`{"columns":["id","pin",{V}],"rows":[[{"a":"kim"},{"b":"4821","c":{V}},{"d":"x"}],[{"a":"kim"},{"b":"4821"},{"d":"x"}]]}`,
	`{"list":[{"name":{V},"value":{V}},{"name":{V},"value":{V}},{"value":{V},{K}:{V}},{"name":{V},"x":{V}},{"value":{V},"name":{V}},{"y":{V}}]}`,
	`{"list":[{"type":{V},"value":{V}},{"type":{V},"data":{V}},{"data":{V},{K}:{V}},{"id":{V},"text":{V}},{"label":{V},"to":{V}},{"y":{V}}]}`,
	`{"tokens":[{"name":{V},"n":{V}},{"name":{V},{K}:{V}},{{K}:{V},{K}:{V}}],"auth":[{"name":{V},{K}:{V}},{"name":{V},"x":12}]}`,
	`{"list":[[{"name":"pin"},{"x":{V}}],["name","pin"],[{"a":{V}},{"b":{V}},"pin"],["kim",{V},"4821"]]}`,
	`{"items":[{},{{K}:{V}},{},{"a":{{K}:{V}}},{{K}:{V}},{"method":{V},{K}:{V}},{"params":["kim","hunter2"],"a":1}],"params":["kim","hunter2"]}`,
}

func laneDocument(rng *rand.Rand) []byte {
	var b bytes.Buffer
	space := func() {
		if rng.IntN(12) == 0 {
			b.WriteString([...]string{" ", "  ", "\n\t", "\r\n"}[rng.IntN(4)])
		}
	}
	pick := func(all []string) string { return all[rng.IntN(len(all))] }
	value := func() string {
		switch rng.IntN(8) {
		case 0:
			return pick(laneValues)
		case 1:
			return strconv.FormatInt(rng.Int64N(1<<rng.IntN(60)), 10)
		}
		return pick([]string{`"kim"`, `"paid"`, `"pin"`, `"password"`, `"otp"`, `"아이템 of the shop"`, `"비밀번호"`, "1200", "true", "null", `"4821"`})
	}
	if rng.IntN(3) > 0 {
		doc := pick(laneThemes)
		for {
			at := strings.IndexByte(doc, '{')
			if at < 0 {
				break
			}
			b.WriteString(doc[:at])
			space()
			switch {
			case strings.HasPrefix(doc[at:], "{K}"):
				b.WriteString(`"` + pick(laneKeys) + `"`)
				at += 3
			case strings.HasPrefix(doc[at:], "{V}"):
				b.WriteString(value())
				at += 3
			default:
				b.WriteByte('{')
				at++
			}
			doc = doc[at:]
		}
		b.WriteString(doc)
		return b.Bytes()
	}
	keys := make([]string, 1+rng.IntN(6))
	values := make([]string, len(keys))
	for i := range keys {
		keys[i], values[i] = pick(laneKeys), value()
	}
	b.WriteString(`{"` + pick([]string{"items", "rows", "columns", "list", "values", "password", "params"}) + `":[`)
	for i := range 1 + rng.IntN(6) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for j, k := range keys {
			if rng.IntN(6) == 0 {
				values[j] = value()
			}
			if j > 0 {
				b.WriteByte(',')
			}
			space()
			b.WriteString(`"` + k + `"`)
			space()
			b.WriteByte(':')
			space()
			b.WriteString(values[j])
			space()
		}
		b.WriteByte('}')
	}
	b.WriteString(`],"rows":[["kim","hunter2"],{"a":"b"}],"name":"token","value":"x"}`)
	return b.Bytes()
}

// What is passed in the lane is what the reader passes, and what is remembered of
// values changes nothing.
func TestLane(t *testing.T) {
	path := []sanitize.Rule{{Name: "memo", Paths: []string{"$.items[*].name"}}}
	pairs := []pairOf{
		newPair(t, nil), newPair(t, &sanitize.Options{KeysOnly: true}), newPair(t, &sanitize.Options{Mode: sanitize.ModeAllow, Allow: []string{"items", "name", "id", "price"}}),
		newPair(t, &sanitize.Options{MaxDepth: 2}), newPair(t, &sanitize.Options{Rules: path}), newPair(t, &sanitize.Options{Rules: []sanitize.Rule{{Name: "ticket", Pattern: `ab\w`, Anchor: "ab"}}}),
		newPair(t, &sanitize.Options{Rules: []sanitize.Rule{{Name: "short", Keys: []string{"k"}}, {Name: "kim", Keys: []string{"kim"}}}}),
		newPair(t, &sanitize.Options{Rules: []sanitize.Rule{{Name: "wild", Keys: []string{"k*m"}}}, Keep: []string{"pin"}}),
	}
	rng := rand.New(rand.NewPCG(17, 19))
	for i := range *laneRounds {
		doc := laneDocument(rng)
		if rng.IntN(4) == 0 { // a byte of it is another
			const others = "\"\\,:{}[]0 a\x00\x80-."
			doc[rng.IntN(len(doc))] = others[rng.IntN(len(others))]
		}
		in := sanitize.Input{Kind: []sanitize.Kind{sanitize.KindJSON, sanitize.KindJSON, sanitize.KindText}[rng.IntN(3)]}
		p := pairs[0]
		if i%2 == 1 {
			p = pairs[rng.IntN(len(pairs))]
		}
		p.body(t, append(bytes.Clone(doc), room...), in)
		in.Truncated = true
		p.body(t, doc[:rng.IntN(len(doc)+1)], in)
	}
}

// Values that differ in one byte are different, wherever it is.
func TestLaneValues(t *testing.T) {
	p := newPair(t, nil)
	for n := 1; n < 40; n++ {
		plain := strings.Repeat("x", n)
		for i := range n {
			for _, other := range []string{"@h.kr", "y", `\"`, ":"} {
				v := plain[:i] + other + plain[min(i+len(other), n):]
				doc := `[{"a":"` + plain + `"},{"a":"` + plain + `"},{"a":"` + v + `"},{"a":"` + plain + `"},{"a":"` + v + `","b":"k@h.kr"}]` + room
				p.body(t, []byte(doc), sanitize.Input{Kind: sanitize.KindJSON})
			}
		}
	}
}

// The same, for whatever the fuzzer makes of documents.
func FuzzLane(f *testing.F) {
	rng := rand.New(rand.NewPCG(23, 29))
	for range 200 {
		f.Add(laneDocument(rng), false)
	}
	full, keys := newPair(f, nil), newPair(f, &sanitize.Options{KeysOnly: true})
	f.Fuzz(func(t *testing.T, doc []byte, truncated bool) {
		if len(doc) > 4000 {
			return
		}
		in := sanitize.Input{Kind: sanitize.KindJSON, Truncated: truncated}
		for range 2 {
			full.body(t, append(bytes.Clone(doc), room...), in)
			keys.body(t, append(bytes.Clone(doc), room...), in)
		}
	})
}
