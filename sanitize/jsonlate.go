package sanitize

// Some values are sensitive because of what stands beside them: the value
// beside a name, a cell below a column, a positional parameter of a login. The
// neighbour may come later in the text. Such values get a reserved edit that
// is filled in when the object closes.

// special handles a scalar whose key has a role, or which is an element of an
// array whose positions matter. It returns the rule that hides it.
func (r *run) special(d *doc, base, top int, rl role, rule ruleID, s, e int, str bool) ruleID {
	if top < base {
		return rule
	}
	f := &r.frames[top]
	if f.flags&fObject == 0 {
		switch {
		case f.flags&fRow != 0:
			if f.cols&colBit(f.idx) != 0 {
				return f.col
			}
		case f.flags&fPair != 0:
			return r.paired(d, base, top, rule, s, e, str)
		case f.role == roleColumns && str:
			r.column(base, top-1, f.idx, d.src[s+1:e-1])
		}
		return rule
	}
	switch rl {
	case roleName, roleLabel:
		if str && e-s < 80 {
			v := d.src[s+1 : e-1]
			nd := r.key(v, scopeBody)
			f = &r.frames[top]
			strong := rl == roleName
			if nd.rule != ruleNone && nd.rule != ruleUnlisted && nd.flags&wCounter == 0 && (f.name == ruleNone || strong) {
				f.name = nd.rule
				if strong {
					f.flags |= fStrong
				}
			}
			if strong {
				f.flags |= fNamed
				if top-1 >= base && r.frames[top-1].role == roleColumns {
					r.column(base, top-2, r.frames[top-1].idx, v)
				}
			}
		}
	case roleValue:
		if rule != ruleNone {
			return rule
		}
		if f.name != ruleNone && (f.flags&fStrong != 0 || strictValue(d.src, s)) {
			return f.name
		}
		r.pend = append(r.pend, pending{slot: d.reserve(), s: s, e: e, role: roleValue})
	case roleMethod:
		if str && logsIn(d.src[s+1:e-1]) {
			f.flags |= fAuth
		}
		if str {
			f.flags |= fNamed
		}
	}
	return rule
}

// paired handles an element of an array in an array: the second of a pair whose
// first is a sensitive name, or a cell below a sensitive name in the first row.
func (r *run) paired(d *doc, base, top int, rule ruleID, s, e int, str bool) ruleID {
	f, p := &r.frames[top], &r.frames[top-1]
	if p.idx > 0 && p.cols&colBit(f.idx) != 0 && (f.idx > 0 || p.flags&fNamed != 0) {
		return p.col
	}
	if p.idx == 0 && (f.idx > 1 || f.idx == 1 && str && nameLike(d.src[s+1:e-1])) {
		p.flags |= fNamed // a header row; else pairs, whose names are not below one
	}
	if f.idx == 1 && f.name != ruleNone {
		return f.name
	}
	if str && e-s < 80 && (f.idx == 0 || p.idx == 0) {
		dec := r.key(d.src[s+1:e-1], scopeBody)
		if dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&(wCounter|wStrings) == 0 {
			if f.idx == 0 {
				f.name = dec.rule
			}
			if p.idx == 0 {
				p.cols |= colBit(f.idx)
				p.col = dec.rule
			}
		}
	}
	return rule
}

// nameLike reports a value that could be a column's name.
func nameLike(v []byte) bool {
	for _, c := range v {
		if !isAlnum(c) && c != '_' && c < 0x80 || isDigit(c) {
			return false
		}
	}
	return len(v) > 0
}

// column notes that a column of the table in frame obj has a sensitive name.
func (r *run) column(base, obj int, idx int32, name []byte) {
	if obj < base || len(name) > 80 {
		return
	}
	dec := r.key(name, scopeBody)
	if dec.rule != ruleNone && dec.rule != ruleUnlisted {
		f := &r.frames[obj]
		f.cols |= colBit(idx)
		f.col = dec.rule
	}
}

// colBit is the bit of a column; all from the 63rd on share one.
func colBit(idx int32) uint64 {
	return 1 << min(uint(idx), 63)
}

// keyBeforeValue returns the key of the member whose value begins at s.
func keyBeforeValue(src []byte, s int) []byte {
	i := s
	for i > 0 && src[i-1] != '"' {
		i--
	}
	e := i - 1
	b := e
	for b > 0 && src[b-1] != '"' && e-b < 16 {
		b--
	}
	if e < b {
		return nil
	}
	return src[b:e]
}

// strongName reports a key that always means a name; "type" and "id" may.
func strongName(k []byte) bool {
	switch string(k) {
	case "type", "Type", "id", "ID", "Id", "label", "title":
		return false
	}
	return true
}

// strictValue reports a key that always means a value; "data", "content" and
// "text" are more often documents.
func strictValue(src []byte, s int) bool {
	k := keyBeforeValue(src, s)
	if len(k) == 0 {
		return true
	}
	switch k[0] | 0x20 {
	case 'd':
		return string(k) == "default"
	case 'c':
		return string(k) == "current"
	case 't', 'f':
		return false
	}
	return true
}

// logsIn reports whether a JSON-RPC method takes credentials.
func logsIn(m []byte) bool {
	for _, w := range [...]string{"login", "logon", "signin", "sign_in", "auth", "passw", "token", "register", "signup", "unlock", "credential"} {
		for i := 0; i+len(w) <= len(m); i++ {
			if equalFold(m[i:i+len(w)], w) {
				return true
			}
		}
	}
	return false
}

// pushSpecial opens a container whose key has a role, or which lies in a
// table. It may change dec to have the container hidden whole.
func (r *run) pushSpecial(d *doc, base, top int, rl role, dec *decision, at int, masked bool) {
	nf := r.newFrame(at)
	array := d.src[at] == '['
	if top >= base && !masked {
		f := &r.frames[top]
		if f.flags&fObject != 0 {
			nf.role = rl
			switch rl {
			case roleValue:
				strict := strictValue(d.src, at)
				if !strict {
					nf.flags |= fLoose
				}
				if dec.rule == ruleNone && f.name != ruleNone && (f.flags&fStrong != 0 && strict) {
					*dec = decision{rule: f.name}
				} else if dec.rule == ruleNone {
					nf.slot = int32(d.reserve())
					nf.flags |= tableFlag(array)
				}
			case roleRows:
				nf.slot = int32(d.reserve())
				nf.flags |= tableFlag(array)
			case roleParams:
				if array && dec.rule == ruleNone && r.rs.rules[rulePositional].on {
					if f.flags&fAuth != 0 {
						*dec = decision{rule: rulePositional}
					} else {
						nf.slot = int32(d.reserve())
					}
				}
			case roleColumns:
				if array {
					nf.flags |= fTrack
				}
			}
		} else {
			if array {
				f.flags |= fTrack
				nf.flags |= fPair | fTrack
			}
			switch {
			case f.flags&fRow != 0:
				if f.cols&colBit(f.idx) != 0 && dec.rule == ruleNone {
					*dec = decision{rule: f.col}
				}
			case (f.role == roleRows || f.role == roleValue) && array && top-1 >= base:
				f.flags |= fTable
				if o := &r.frames[top-1]; o.cols != 0 {
					nf.flags |= fRow | fTrack
					nf.cols, nf.col = o.cols, o.col
				}
			}
		}
	}
	nf.pend = int32(len(r.pend))
}

// tableFlag makes the elements of a possible table visible to pushSpecial.
func tableFlag(array bool) uint16 {
	if array {
		return fTrack
	}
	return 0
}

// closeSpecial settles what an object left pending, and leaves the closed
// container itself pending with its parent.
func (r *run) closeSpecial(d *doc, base, top, end int, masked bool) {
	f := &r.frames[top]
	for _, p := range r.pend[f.pend:] {
		r.settle(d, f, p, false)
	}
	r.pend = r.pend[:f.pend]
	if f.slot < 0 || masked || top-1 < base {
		return
	}
	p := pending{slot: int(f.slot), s: f.start, e: end, role: f.role}
	if f.role == roleValue && f.flags&fTable != 0 || f.role == roleRows {
		if f.flags&fTable == 0 {
			return
		}
		if r.frames[top-1].cols != 0 {
			if f.role == roleRows {
				return // the columns were known: its cells were looked at
			}
		} else {
			p.role = roleRows
		}
	}
	if f.role == roleValue && p.role == roleValue && f.flags&fLoose != 0 {
		return
	}
	r.pend = append(r.pend, p)
}

// settle decides a pending value when its object ends, or, with cut, when the
// input does: then what is not known counts against it.
func (r *run) settle(d *doc, f *frame, p pending, cut bool) {
	rule := ruleNone
	switch p.role {
	case roleValue:
		switch {
		case f.name != ruleNone && (f.flags&fStrong != 0 || strictValue(d.src, p.s)):
			rule = f.name
		case cut && f.flags&fNamed == 0:
			rule = ruleCut
		}
	case roleRows:
		switch {
		case f.cols != 0:
			rule = f.col
		case cut:
			rule = ruleCut
		}
	case roleParams:
		switch {
		case f.flags&fAuth != 0:
			rule = rulePositional
		case cut && f.flags&fNamed == 0:
			rule = ruleCut
		}
	}
	if rule == ruleNone {
		return
	}
	v := d.src[p.s:p.e]
	if len(v) <= 2 || v[0] == '"' && r.rs.isMarker(v[1:len(v)-1]) || v[0] == 't' || v[0] == 'f' || v[0] == 'n' {
		return
	}
	d.edits[p.slot] = r.jsonEdit(d, p.s, p.e, rule)
}
