package entry

// A Sealer seals many entries, one after the other. It remembers what they share: the
// resource, and the beginning of the time. Its zero value is ready; it must not be copied
// or used by two at once.
//
// It is made for the worker of a queue: it takes Content whose Encoding is "utf-8" at its
// word, as whoever has just sanitized it can know. Content that is no UTF-8 after all would
// stand so in the line; with [Entry.Seal] it would be repaired.
type Sealer struct {
	minute   minute
	valid    bool
	resource *Resource // whose text is remembered
	text     []byte
	service  int // how much of text stands within "service"
}

// Seal is [Entry.Seal]. An entry's Resource must not have been changed since the last one
// with the same was sealed.
func (s *Sealer) Seal(e *Entry, buf []byte) error {
	s.valid = true
	if e.Resource != s.resource {
		s.remember(e.Resource)
	}
	return e.seal(buf, s)
}

// remember encodes a resource.
func (s *Sealer) remember(r *Resource) {
	s.resource = nil
	if r == nil {
		return
	}
	for n := max(cap(s.text), 512); ; n *= 2 {
		if cap(s.text) < n {
			s.text = make([]byte, n)
		}
		s.text = s.text[:cap(s.text)]
		service := r.encodeService(s.text, 0)
		end := r.encode(s.text, service)
		if end <= len(s.text) {
			s.text, s.service, s.resource = s.text[:end], service, r
			return
		}
	}
}

// encodeResource writes what is known of the process and, in its midst, of the service
// that was called: there OpenTelemetry's name for it stands.
func (s *Sealer) encodeResource(out []byte, n int, e *Entry) int {
	r := e.Resource
	begun := n
	n = literal(out, n, &keyService)
	at := n
	known := r != nil && r == s.resource
	switch {
	case known:
		n = verbatim(out, n, s.text[:s.service])
	case r != nil:
		n = r.encodeService(out, n)
	}
	if e.Peer != (Peer{}) {
		n = e.Peer.encode(out, n)
	}
	n = closed(out, begun, at, n, '}')
	switch {
	case known:
		n = verbatim(out, n, s.text[s.service:])
	case r != nil:
		n = r.encode(out, n)
	}
	return n
}

func (r *Resource) encodeService(out []byte, n int) int {
	n = str(out, n, &keyName, r.Service)
	n = str(out, n, &keyVersion, r.Version)
	return within(out, n, &keyInstance, r.Instance, 1)
}

func (p *Peer) encode(out []byte, n int) int {
	begun := n
	n = literal(out, n, &keyPeer)
	at := n
	n = str(out, n, &keyName, p.Service)
	inner := n
	n = literal(out, n, &keyQuota)
	first := n
	n = integer(out, n, &keyRequests, int64(p.Requests))
	n = millis(out, n, &keyPer, p.Per)
	n = closed(out, inner, first, n, '}')
	return closed(out, begun, at, n, '}')
}

func (r *Resource) encode(out []byte, n int) int {
	n = within(out, n, &keyDeployment, r.Environment, 2)
	n = within(out, n, &keyHost, r.Host, 1)
	if r.PID != 0 || r.ServerUser != "" {
		n = literal(out, n, &keyProcess)
		n = integer(out, n, &keyPID, int64(r.PID))
		n = str(out, n, &keyOwner, r.ServerUser)
		n = shut(out, n, '}')
	}
	return labels(out, n, &keyResource, r.Attributes)
}
