package sink

// longName is the length in bytes from which a word is read as text too, and
// manyDigits the run of digits and separators from which a short one is: that of
// a card, a resident or a telephone number.
const (
	longName   = 40
	manyDigits = 9
)

// What a byte is to a word.
const (
	wordBad   = 1 << iota // stands in no word
	wordDigit             // may be part of a long number
	wordPart              // "-" and ".", which may stand within one
	wordSlash             // begins another word
)

var wordBytes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c < 0x20:
			t[c] = wordBad
		case c >= '0' && c <= '9':
			t[c] = wordDigit
		}
	}
	for _, c := range `=&?@%"' ` {
		t[c] = wordBad
	}
	t['-'], t['.'], t['/'] = wordPart, wordPart, wordSlash
	return t
}()

// isWord reports whether s is what names, routes, hosts and kinds of errors are:
// words, with nothing in them that could say "password=…", and no number of a
// card. They are chosen by programs as a rule, and are what people and rules go
// by, so they stay as they are; but some come from peers, and some programs name a
// route by its path.
func isWord(s string) bool {
	var all uint8
	for i := range len(s) {
		all |= wordBytes[s[i]]
	}
	if all&wordBad != 0 {
		return false
	}
	if len(s) < longName && (all&wordDigit == 0 || len(s) < manyDigits) {
		return true // as all names of header fields are
	}
	start, digits := 0, 0
	for i := range len(s) {
		switch wordBytes[s[i]] {
		case wordSlash:
			start, digits = i+1, 0
			continue
		case wordDigit:
			digits++
		case wordPart:
		default:
			digits = 0
		}
		if digits >= manyDigits || i-start >= longName {
			return false
		}
	}
	return true
}
