package sanitize

import (
	"bytes"
)

// pem hides private keys in PEM and the like, and steps over public ones,
// whose base64 means nothing.
func (r *run) pem(d *doc, i, hi int) int {
	src := d.src
	s := i
	for s < hi && src[s] == '-' {
		s++
	}
	if s < hi && src[s] == ' ' {
		s++
	}
	if !bytes.HasPrefix(src[s:hi], []byte("BEGIN ")) {
		return s
	}
	label := src[s+6 : min(hi, s+80)]
	n := bytes.Index(label, []byte("---"))
	if n < 0 {
		return 0
	}
	private := bytes.Contains(label[:n], []byte("PRIVATE")) || bytes.Contains(label[:n], []byte("SECRET"))
	body := s + 6 + n
	for body < hi && src[body] == '-' {
		body++
	}
	end := hi
	if j := bytes.Index(src[body:hi], []byte("---")); j >= 0 {
		if k := bytes.Index(src[body+j:min(hi, body+j+16)], []byte("END")); k >= 0 {
			end = body + j
			if x := bytes.Index(src[end+k:min(hi, end+k+110)], []byte("---")); x >= 0 {
				stop := end + k + x
				for stop < hi && src[stop] == '-' {
					stop++
				}
				if !private {
					return stop
				}
			}
		}
	}
	if !private {
		return body
	}
	if !r.rs.rules[rulePEM].on {
		return body
	}
	v := bytes.TrimSpace(src[body:end])
	if len(v) == 0 || r.rs.isMarker(v) {
		return end
	}
	// Keep the line structure around the block readable.
	a, b := body, end
	for a < b && isSpace(src[a]) {
		a++
	}
	for b > a && isSpace(src[b-1]) {
		b--
	}
	r.mask(d, a, b, rulePEM)
	return end
}
