package sanitize

import "bytes"

// sse sanitizes a stream of server-sent events. The data of one event may be
// one document over several lines, so it is put together first.
func (r *run) sse(d *doc, lo, hi int, trunc bool) {
	src := d.src
	for p := lo; p < hi; {
		s := p // an event: up to an empty line
		for p < hi {
			le := nextLine(src, p, hi)
			empty := len(bytes.TrimRight(src[p:le], "\r\n")) == 0
			p = le
			if empty {
				break
			}
		}
		r.event(d, s, p, trunc && p == hi)
	}
}

func (r *run) event(d *doc, s, e int, trunc bool) {
	src := d.src
	first, last := -1, -1
	others := false
	for p := s; p < e; {
		le := nextLine(src, p, e)
		if _, ok := dataLine(src, p, le); ok {
			if first < 0 {
				first = p
			}
			last = le
		} else if first >= 0 && len(bytes.TrimRight(src[p:le], "\r\n")) > 0 {
			others = true
		}
		p = le
	}
	if first < 0 {
		r.text(d, s, e, scopeBody, trunc)
		return
	}
	if first > s {
		r.text(d, s, first, scopeBody, false)
	}
	n := r.push(last - first)
	if n == nil {
		r.mask(d, first, last, ruleTooDeep)
		return
	}
	for p := first; p < last; {
		le := nextLine(src, p, last)
		if v, ok := dataLine(src, p, le); ok {
			if len(n.buf) > 0 || p > first {
				n.buf = append(n.buf, '\n')
			}
			n.buf = append(n.buf, src[v:trimLine(src, v, le)]...)
		}
		p = le
	}
	n.src = n.buf
	cut := trunc
	if cut {
		defer d.dropTail(last, e)
	}
	r.inspect(n, 0, len(n.src), scopeBody, cut)
	if n.changed(mark{}) || cut {
		var between []byte
		if others {
			between = r.otherLines(src, first, last)
		}
		r.replaceNested(d, first, trimLine(src, first, last), n, func(dst, out []byte) []byte {
			dst = append(dst, between...)
			for {
				line, rest, more := bytes.Cut(out, []byte("\n"))
				dst = append(dst, "data: "...)
				dst = append(dst, line...)
				if !more {
					return dst
				}
				dst = append(dst, '\n')
				out = rest
			}
		})
	} else if others {
		for p := first; p < last; {
			le := nextLine(src, p, last)
			if _, ok := dataLine(src, p, le); !ok {
				r.text(d, p, le, scopeBody, false)
			}
			p = le
		}
	}
	r.pop()
	if last < e && !trunc {
		r.text(d, last, e, scopeBody, false)
	}
}

// otherLines returns the lines between data lines, sanitized. They move in
// front of the data when that is written anew.
func (r *run) otherLines(src []byte, s, e int) []byte {
	n := r.push(e - s)
	if n == nil {
		return nil
	}
	defer r.pop()
	for p := s; p < e; {
		le := nextLine(src, p, e)
		if _, ok := dataLine(src, p, le); !ok {
			n.buf = append(n.buf, src[p:le]...)
		}
		p = le
	}
	n.src = n.buf
	r.text(n, 0, len(n.src), scopeBody, false)
	return r.apply(nil, n, 0, len(n.src))
}

// dataLine returns where the value of a data: line begins.
func dataLine(src []byte, p, le int) (int, bool) {
	if !bytes.HasPrefix(src[p:le], []byte("data")) {
		return 0, false
	}
	v := p + 4
	if v < le && src[v] == ':' {
		v++
		if v < le && src[v] == ' ' {
			v++
		}
		return v, true
	}
	return 0, false
}

func trimLine(src []byte, s, e int) int {
	for e > s && (src[e-1] == '\n' || src[e-1] == '\r') {
		e--
	}
	return e
}
