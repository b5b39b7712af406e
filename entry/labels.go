package entry

import "unicode/utf8"

// names are those that stand in an object of labels already, where there are too many to
// compare each with all others. Nil, they are compared.
type names map[string]struct{}

// namesOf returns an empty set for what is more than an entry of ours has, in number or in
// length: a line that holds nothing but labels would keep us for hours. For the others
// nothing is allocated.
func namesOf(ls []Label) names {
	if len(ls) > MaxLabels {
		return names{}
	}
	for i := range ls {
		if len(ls[i].Name) > MaxLabelName {
			return names{}
		}
	}
	return nil
}

// first reports whether ls[i] is a member of the labels' object: not without a name, not
// under one that stands there already (the first one wins), and not as our own "txid".
// It is asked once for each, in order.
func (s names) first(ls []Label, i int) bool {
	if s == nil {
		return firstOfFew(ls, i)
	}
	name := ls[i].Name
	if name == "" || name == "txid" {
		return false
	}
	if !utf8.ValidString(name) {
		name = string([]rune(name)) // as it will stand in the line
	}
	if _, known := s[name]; known {
		return false
	}
	s[name] = struct{}{}
	return true
}

func firstOfFew(ls []Label, i int) bool {
	name := ls[i].Name
	if name == "" || name == "txid" {
		return false
	}
	for k := range i {
		if sameName(ls[k].Name, name) {
			return false
		}
	}
	return true
}

// unique drops what can not be a member of the labels' object. It asks s, which is
// [namesOf] ls.
func (s names) unique(ls []Label) []Label {
	n := 0
	for i := range ls {
		if s.first(ls, i) { // what was kept, and what has been moved, stands before i as well
			ls[n] = ls[i]
			n++
		}
	}
	return ls[:n]
}

// sameName compares names as they will stand in the line, where every invalid
// byte is U+FFFD.
func sameName(a, b string) bool {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return false
		}
		a, b = a[na:], b[nb:]
	}
	return a == b
}
