package outbound

import (
	"net/netip"
	"sync/atomic"
)

// peers remembers the text of addresses: a service calls few, and often.
type peers struct {
	slots [16]atomic.Pointer[peerName]
}

type peerName struct {
	addr netip.Addr
	name string
}

func (p *peers) name(a netip.Addr) string {
	b := a.As16()
	slot := &p.slots[(b[12]^b[13]^b[14]^b[15])%16]
	if n := slot.Load(); n != nil && n.addr == a {
		return n.name
	}
	n := &peerName{a, a.String()}
	slot.Store(n)
	return n.name
}
