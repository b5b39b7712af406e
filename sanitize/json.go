package sanitize

// The JSON reader is one strict pass (RFC 8259, UTF-8) over the bytes. It
// builds nothing: it keeps a small frame per open container and adds edits to
// the doc. Strings are skipped eight bytes at a time; keys are judged through
// the cache of run.key.

type jsonStatus uint8

const (
	jsonOK      jsonStatus = iota
	jsonCut                // the input ends inside the value
	jsonBad                // not JSON
	jsonTooDeep            // nested deeper than the policy allows
)

// Frame flags.
const (
	fObject uint16 = 1 << iota
	fTrack         // an array whose elements' positions matter
	fRow           // a row of a table with sensitive columns
	fAuth          // an object whose "method" logs somebody in
	fNamed         // an object whose name-like member was seen
	fStrong        // … and it was a real name, not a type or id
	fTable         // an array that holds arrays
	fLoose         // the value of a member that is only perhaps a value
	fPair          // an array in an array: a pair, or a row below a header
)

// frame is an open container.
type frame struct {
	flags uint16
	role  role
	rule  ruleID   // hidden whole by this rule
	name  ruleID   // object: what its name-like member names
	col   ruleID   // object: what its sensitive columns name; row: the same
	dec   decision // array: what holds for its elements
	idx   int32    // array: index of the current element
	pend  int32    // object: where its entries in run.pend begin
	slot  int32    // reserved edit, -1
	start int
	cols  uint64 // sensitive columns
	path  uint64 // progress of the JSON path rules
}

// pending is a finished value that may have to be hidden once its object's
// name, columns or method are known.
type pending struct {
	slot int
	s, e int
	role role
}

// newFrame opens a container that begins at start. The frame is made in its place: to
// make it elsewhere and copy it makes the copy wait for each field's store.
func (r *run) newFrame(start int) *frame {
	n := len(r.frames)
	if n == cap(r.frames) {
		r.frames = append(r.frames, frame{})
	} else {
		r.frames = r.frames[:n+1]
	}
	f := &r.frames[n]
	*f = frame{}
	f.start, f.slot = start, -1
	return f
}

// json reads one JSON value at lo, which may be preceded by white space, and
// returns where it ends. When the status is not jsonOK, end is where the output
// must stop: before the first token that is not whole.
func (r *run) json(d *doc, lo, hi int) (end int, st jsonStatus) {
	var (
		src   = d.src[:hi]
		i     = lo
		base  = len(r.frames)
		pend0 = len(r.pend)
		top   = base - 1
		flags uint16 // of the current container
		mask  = -1   // frame that is hidden whole
		dec   decision
		rl    role
		path  uint64
		c     byte
		s, e  int
		saw   uint8
		paths = r.rs.paths.n > 0
		look  = !r.rs.keysOnly
		// Where nothing is looked into any more, everything is hidden.
		shallow = r.inner < maxInner && r.depth < maxNest
		owed    = -1 // a key whose value has not been read
		keyed   = false
		prev    = &r.first
		ent     *cacheEntry
		at      int
		stop    laneStop
		// Where members may be read in the lane.
		lane = shallow && !paths && r.rs.lane
	)
	if r.rs.mode == ModeAllow {
		dec.rule = ruleUnlisted
	}
	if paths {
		path = r.rs.paths.start
	}
	maxFrames := r.rs.maxDepth
	r.resume, r.resumeHidden, r.keyed = -1, false, false

value:
	if i >= len(src) {
		st = jsonCut
		goto fault
	}
	c = src[i]
	if c <= ' ' {
		if i = skipSpace(src, i, len(src)); i >= len(src) {
			st = jsonCut
			goto fault
		}
		c = src[i]
	}
	switch {
	case c == '"':
		s = i
		e, saw = scanString(src, i+1)
		if e < 0 {
			st = jsonCut
			if e == -2 {
				st = jsonBad
			}
			goto fault
		}
		if saw&sawHigh != 0 && !validText(src, s+1, e) {
			st = jsonBad
			goto fault
		}
		i = e + 1
		if mask < 0 {
			rule := dec.rule
			if rl != roleNone || flags&fTrack != 0 {
				rule = r.special(d, base, top, rl, rule, s, i, true)
			}
			if rule != ruleNone {
				if dec.flags&wCounter != 0 && isNumber(src[s+1:e]) && rule == dec.rule {
					goto after
				}
				if e > s+1 && !r.rs.isMarker(src[s+1:e]) {
					r.maskJSON(d, s, i, rule)
				}
				goto after
			}
			if look {
				if saw&sawEscape != 0 {
					r.jsonEscaped(d, s+1, e)
				} else if e-s > 4 && !(shallow && r.rs.plain(src[s+1:e])) {
					r.jsonString(d, s+1, e)
				}
			}
		}
		goto after
	case c == '{' || c == '[':
		if c == '[' && i+1 < len(src) && src[i+1] == 'm' && r.rs.markerAt(src, i, hi) > 0 {
			st = jsonBad // an earlier pass was here, and did not read this as JSON
			goto fault
		}
		if c == '[' && look && mask < 0 && i+2 < len(src) && isDigit(src[i+1]) {
			if e, cut := r.jsonBytes(d, i, hi); cut {
				st = jsonCut
				goto fault
			} else if e > 0 {
				i = e
				goto after
			}
		}
		if top-base+1 >= maxFrames {
			st = jsonTooDeep
			goto fault
		}
		if rl != roleNone || flags&(fTrack|fRow) != 0 || paths || c == '[' && flags&fObject == 0 && top >= base {
			r.pushSpecial(d, base, top, rl, &dec, i, mask >= 0)
			if paths {
				r.frames[top+1].path = path
			}
		} else {
			r.newFrame(i).pend = int32(len(r.pend))
		}
		top++
		owed = -1
		{
			f := &r.frames[top]
			if mask < 0 {
				if dec.rule != ruleNone && dec.rule != ruleUnlisted && dec.flags&wStrings == 0 && dec.flags&wCounter == 0 {
					mask = top
					f.rule = dec.rule
				} else if c == '[' && dec.rule != ruleNone {
					f.dec = decision{rule: dec.rule, flags: dec.flags}
				}
			}
			i++
			if c == '{' {
				f.flags |= fObject
				flags = f.flags
				goto firstKey
			}
			flags = f.flags
			dec = f.dec
			rl = roleNone
		}
		if i < len(src) && src[i] <= ' ' {
			i = skipSpace(src, i, len(src))
		}
		if i < len(src) && src[i] == ']' {
			goto pop
		}
		if paths {
			goto element
		}
		goto value
	case c == '-' || c-'0' < 10:
		s = i
		e = scanNumber(src, i)
		if e < 0 || e == len(src) && r.trunc && top >= base {
			st = jsonCut
			if e == -2 {
				st = jsonBad
			}
			goto fault
		}
		if e == len(src) && top < base && r.trunc {
			st = jsonCut
			goto fault
		}
		i = e
		if mask < 0 {
			rule := dec.rule
			if rl != roleNone || flags&fTrack != 0 {
				rule = r.special(d, base, top, rl, rule, s, e, false)
			}
			if rule != ruleNone && dec.flags&(wCounter|wStrings) == 0 {
				r.maskJSON(d, s, e, rule)
			} else if e-s >= 12 && look {
				if id := r.number(src[s:e]); id != ruleNone {
					r.maskJSON(d, s, e, id)
				}
			}
		}
		goto after
	default:
		e = scanLiteral(src, i)
		if e < 0 {
			st = jsonCut
			if e == -2 {
				st = jsonBad
			}
			goto fault
		}
		i = e
		goto after
	}

after:
	owed = -1
	if top < base {
		r.frames, r.pend = r.frames[:base], r.pend[:pend0]
		return i, jsonOK
	}
	if i >= len(src) {
		st = jsonCut
		goto fault
	}
	c = src[i]
	if c <= ' ' {
		if i = skipSpace(src, i, len(src)); i >= len(src) {
			st = jsonCut
			goto fault
		}
		c = src[i]
	}
	if flags&fObject != 0 {
		if c == ',' {
			i++
			goto key
		}
		if c == '}' {
			goto pop
		}
		st = jsonBad
		goto fault
	}
	if c == ',' {
		i++
		dec = r.frames[top].dec
		rl = roleNone
		if flags&fTrack != 0 {
			r.frames[top].idx++
		}
		if paths {
			goto element
		}
		goto value
	}
	if c != ']' {
		st = jsonBad
		goto fault
	}

pop:
	i++
	if mask == top {
		f := &r.frames[top]
		if f.rule != ruleNone {
			r.maskJSON(d, f.start, i, f.rule)
		}
		mask = -1
	}
	{
		f := &r.frames[top]
		if f.role != roleNone || len(r.pend) > int(f.pend) {
			r.closeSpecial(d, base, top, i, mask >= 0)
		}
	}
	r.frames = r.frames[:top]
	top--
	if top >= base {
		flags = r.frames[top].flags
	}
	goto after

element: // an array element, when there are path rules
	path = r.rs.paths.element(r.frames[top].path)
	if id := r.rs.paths.accept(path); id != ruleNone && dec.rule == ruleNone {
		dec.rule = id
	}
	goto value

firstKey:
	if i < len(src) && src[i] <= ' ' {
		i = skipSpace(src, i, len(src))
	}
	if i < len(src) && src[i] == '}' {
		goto pop
	}
key:
	if i >= len(src) || src[i] != '"' {
		if i = skipSpace(src, i, len(src)); i >= len(src) {
			st = jsonCut
			goto fault
		}
		if src[i] != '"' {
			st = jsonBad
			goto fault
		}
	}
	if mask < 0 {
		if lane {
			s = i
			i, owed, prev, stop = r.lane(src, i, base, top, prev)
			keyed = keyed || i > s
			switch stop {
			case laneValue:
				dec = prev.dec
				rl = dec.role
				goto value
			case laneAfter:
				goto after
			case laneLook:
				r.jsonString(d, owed+1, i)
				i++
				goto after
			case laneMiss:
				s = i
				goto newKey
			}
		}
		s = i
		ent = &r.cache[prev.next%cacheSize]
		if e = ent.guess(src, s+1); e > 0 {
			prev = ent
			dec = ent.dec
			goto known
		}
	}
	s = i
newKey:
	e, saw = scanString(src, i+1)
	if e < 0 {
		st = jsonCut
		if e == -2 {
			st = jsonBad
		}
		goto fault
	}
	if saw&sawHigh != 0 && !validText(src, s+1, e) {
		st = jsonBad
		goto fault
	}
	if mask >= 0 {
		dec = decision{}
		goto known
	}
	dec, at = r.lookup(src[s+1:e], scopeBody)
	prev = r.follow(prev, at, dec)
	if dec.hit() {
		if saw&sawEscape != 0 {
			r.jsonEscaped(d, s+1, e)
		} else {
			r.jsonString(d, s+1, e)
		}
	}

known:
	i = e + 1
	owed = s
	keyed = true
	rl = dec.role
	if paths && mask < 0 {
		path = r.rs.paths.member(r.frames[top].path, src[s+1:e])
		if id := r.rs.paths.accept(path); id != ruleNone {
			dec.rule, dec.flags = id, 0
		}
	}
	if i < len(src) && src[i] == ':' {
		i++
		goto value
	}
	i = skipSpace(src, i, len(src))
	if i >= len(src) {
		st = jsonCut
		goto fault
	}
	if src[i] != ':' {
		st = jsonBad
		goto fault
	}
	i++
	goto value

fault:
	e = r.jsonFault(d, base, top, i, mask)
	r.resume, r.resumeHidden, r.keyed = i, mask >= 0, keyed
	if owed >= 0 {
		r.resume = owed
	}
	r.frames, r.pend = r.frames[:base], r.pend[:pend0]
	return e, st
}
