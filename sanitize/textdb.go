package sanitize

import "bytes"

// What databases say about a row that they refuse names the column behind or
// before the value in ways of their own:
//
//	Key (email, password)=(kim, hunter2) already exists.       PostgreSQL
//	Duplicate entry 'hunter2' for key 'users.password'         MySQL
//	Incorrect string value: 'hunter2' for column 'password'    MySQL
//	INSERT INTO users (name, password) VALUES ('kim', 'hunter2')

// maxColumns bounds a list of columns, maxDBValue a value that is looked for
// the end of.
const (
	maxColumns = 512
	maxDBValue = 8 << 10
)

// columnsRule is the first rule among the columns of a list.
func (r *run) columnsRule(list []byte) ruleID {
	for len(list) > 0 {
		one := list
		if j := bytes.IndexByte(list, ','); j >= 0 {
			one, list = list[:j], list[j+1:]
		} else {
			list = nil
		}
		one = bytes.Trim(one, " \"`'[]()\\")
		if cast := bytes.Index(one, []byte("::")); cast > 0 {
			one = one[:cast]
		}
		if dec := r.key(one, scopeText); dec.rule != ruleNone && !dec.keep() {
			return dec.rule
		}
	}
	return ruleNone
}

// columnsBefore finds the list in parentheses that ends before i.
func columnsBefore(src []byte, floor, i int) (s, e int) {
	depth := 0
	for k := i - 1; k >= floor && i-k < maxColumns; k-- {
		switch src[k] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return k + 1, i - 1
			}
		case '\n':
			return 0, 0
		}
	}
	return 0, 0
}

// keyTuple looks at the "=" of PostgreSQL's "Key (columns)=(values)".
func (r *run) keyTuple(d *doc, floor, i, hi int) int {
	src := d.src
	cs, ce := columnsBefore(src, floor, i)
	if cs >= ce {
		return 0
	}
	rule := r.columnsRule(src[cs:ce])
	if rule == ruleNone {
		return 0
	}
	v := i + 2
	win := src[v:min(hi, v+maxDBValue)]
	e := -1
	for _, stop := range [...]string{") already exists", ") is not present", ") is still", ") conflicts", ") is duplicated"} {
		if j := bytes.Index(win, []byte(stop)); j >= 0 && (e < 0 || v+j < e) {
			e = v + j
		}
	}
	if e < 0 { // as far as the line goes
		e = lineEnd(src, v, hi)
		if j := bytes.LastIndexByte(src[v:e], ')'); j >= 0 {
			e = v + j
		}
	}
	if e <= v || r.rs.isMarker(src[v:e]) {
		return max(e, v)
	}
	r.mask(d, v, e, rule)
	return e
}

// quotedFor looks at the quoted value at v, behind which MySQL writes the name
// of its key or column.
func (r *run) quotedFor(d *doc, v, hi int, trunc bool) int {
	src := d.src
	if v >= hi || src[v] != '\'' {
		return 0
	}
	v++
	win := src[v:min(hi, v+maxDBValue)]
	e, name := -1, 0
	for _, f := range [...]string{"' for key ", "' for column "} {
		if j := bytes.Index(win, []byte(f)); j >= 0 && (e < 0 || v+j < e) {
			e, name = v+j, v+j+len(f)
		}
	}
	if e < 0 || name >= hi {
		if trunc { // the name is behind the cut
			if e < 0 {
				e = hi
			}
			if e > v && !r.rs.isMarker(src[v:e]) {
				r.mask(d, v, e, ruleCut)
				return e
			}
		}
		return 0
	}
	q := src[name]
	if q == '\'' || q == '`' || q == '"' {
		name++
	} else {
		q = ' '
	}
	ne := name
	for ne < hi && ne-name < 200 && src[ne] != q && src[ne] != '\n' {
		ne++
	}
	if m := r.rs.markerAt(src, v, e); e <= v || m == e {
		return 0
	}
	rule := r.columnsRule(src[name:ne])
	if rule == ruleNone && trunc && ne == hi {
		rule = ruleCut
	}
	if rule == ruleNone {
		return 0
	}
	r.mask(d, v, e, rule)
	return e
}

// duplicateEntry looks at the "D" of MySQL's "Duplicate entry 'value' for key".
func (r *run) duplicateEntry(d *doc, i, hi int, trunc bool) int {
	const phrase = "duplicate entry "
	if hi-i <= len(phrase) || d.src[i+1] != 'u' || !equalFold(d.src[i:i+len(phrase)], phrase) {
		return 0
	}
	return r.quotedFor(d, i+len(phrase), hi, trunc)
}

// castAt reports the "::text" of PostgreSQL at i.
func castAt(src []byte, i, hi int) bool {
	if i+2 >= hi || src[i+1] != ':' {
		return false
	}
	e := i + 2
	for e < hi && e-i < 16 && isAlnum(src[e]) {
		e++
	}
	switch string(src[i+2 : e]) {
	case "text", "varchar", "citext", "character", "bpchar", "bytea":
		return e == hi || src[e] == ')' || src[e] == ',' || src[e] == ' '
	}
	return false
}

// insertValues looks at the "v" of "(columns) VALUES (values), (values)". A row
// with a sensitive column is hidden whole, placeholders aside.
func (r *run) insertValues(d *doc, floor, i, hi int) int {
	src := d.src
	if hi-i < 9 || src[i+1]|0x20 != 'a' || !equalFold(src[i:i+6], "values") {
		return 0
	}
	p := skipSpace(src, i+6, hi)
	if p >= hi || src[p] != '(' {
		return 0
	}
	k := i
	for k > floor && isSpace(src[k-1]) {
		k--
	}
	if k <= floor || src[k-1] != ')' {
		return 0
	}
	cs, ce := columnsBefore(src, floor, k)
	if cs >= ce {
		return 0
	}
	rule := r.columnsRule(src[cs:ce])
	if rule == ruleNone {
		return 0
	}
	s, e := p+1, p
	for p < hi && src[p] == '(' {
		e = sqlTupleEnd(src, p+1, hi)
		p = e
		if p >= hi {
			break
		}
		p = skipSpace(src, p+1, hi)
		if p < hi && src[p] == ',' {
			p = skipSpace(src, p+1, hi)
		}
	}
	if e <= s || r.rs.isMarker(src[s:e]) {
		return max(e, s)
	}
	for _, c := range src[s:e] {
		if c != '$' && c != '?' && !isDigit(c) && c != ',' && c != '(' && c != ')' && !isSpace(c) {
			r.mask(d, s, e, rule)
			return e
		}
	}
	if bytes.IndexByte(src[s:e], '$') < 0 && bytes.IndexByte(src[s:e], '?') < 0 { // numbers, no placeholders
		r.mask(d, s, e, rule)
	}
	return e
}

// sqlTupleEnd returns where the ")" of the row stands whose inside begins at p.
func sqlTupleEnd(src []byte, p, hi int) int {
	depth := 0
	for ; p < hi; p++ {
		switch src[p] {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				return p
			}
			depth--
		case '\'': // doubled inside, which reads as two strings
			for p++; p < hi && src[p] != '\''; p++ {
				if src[p] == '\\' {
					p++
				}
			}
		}
	}
	return hi
}
