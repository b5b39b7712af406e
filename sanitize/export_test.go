package sanitize

// NewThorough is New for a policy that passes no value after a glance and stops at
// every byte that can be an anchor, whatever follows it.
func NewThorough(o *Options) (*Policy, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	for _, rs := range p.rulesets() {
		rs.glance, rs.lane, rs.filter = false, false, nil
		rs.hints = new(hintTable)
		rs.hints.alone(hintAlways, func(c byte) bool { return rs.anchors[c] != aNone })
	}
	return p, nil
}

func (p *Policy) rulesets() []*ruleset {
	all := []*ruleset{p.base}
	for i := range p.routes {
		all = append(all, p.routes[i].rs)
	}
	return all
}

// Base64Like reports whether v is decoded where it is a value.
func Base64Like(v []byte) bool { return base64Like(v) }

// Readable reports UTF-8 without control characters that no text has.
func Readable(b []byte) bool { return readable(b) }

// UUID reports 36 bytes that are a UUID.
func UUID(v []byte) bool { return uuid(v) }

// Timestamp reports 19 bytes or more that are a time.
func Timestamp(v []byte) bool { return timestamp(v) }
