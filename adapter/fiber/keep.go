package fibertx

import (
	"net/http"
	"net/netip"

	"github.com/valyala/fasthttp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/txid"
)

var _ txid.Keeper = (*exchange)(nil)

// reasonBrief says that a strategy wanted no bodies.
const reasonBrief = "brief"

// Keep implements [txid.Keeper].
func (x *exchange) Keep() { x.kept.Store(true) }

// Kept implements [txid.Keeper].
func (x *exchange) Kept() bool { return x.kept.Load() && !x.NoEscalation }

// mayAsk reports whether the request comes from where it may be asked by
// [txid.HeaderKeep] to keep it.
func (x *exchange) mayAsk(r *http.Request) bool {
	if r.Header.Get(txid.HeaderKeep) != txid.KeepValue || x.scope.Origin == txid.OriginMinted {
		return false
	}
	addr, err := netip.ParseAddrPort(r.RemoteAddr) // as fasthttp writes it; a socket has none
	return err == nil && contains(x.KeepFrom, addr.Addr().Unmap().WithZone(""))
}

func contains(nets []netip.Prefix, addr netip.Addr) bool {
	for _, p := range nets {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// tell tells the caller, if it is one that records, that something has failed here or
// further down.
func (x *exchange) tell(h *fasthttp.ResponseHeader) {
	if x.scope.Recorder != nil && x.Kept() && x.scope.Parent != 0 && len(h.Peek(txid.HeaderKeep)) == 0 {
		h.Set(txid.HeaderKeep, txid.KeepValue)
	}
}

// emit asks the strategy and hands e over. From here on it belongs to the queue.
func (x *exchange) emit(e *entry.Entry) {
	switch x.detail(e) {
	case middleware.None:
		x.queue.Decline(e)
		return
	case middleware.Brief:
		for _, b := range [...]*entry.Body{&e.Request.Body, &e.Response.Body} {
			if b.Raw != nil {
				x.queue.Buffers().Put(b.Raw)
				b.Raw, b.Truncated, b.Reason = nil, true, reasonBrief
			}
		}
	}
	if x.OnEntry != nil {
		x.callOnEntry(e)
	}
	x.queue.Enqueue(e)
}

func (x *exchange) detail(e *entry.Entry) middleware.Detail {
	if x.Options.Keep == nil {
		return middleware.Full
	}
	d := x.askKeep(e)
	if d < middleware.Full && x.Kept() {
		e.AddFlag(entry.FlagEscalated)
		d = middleware.Full
	}
	return d
}

func (x *exchange) askKeep(e *entry.Entry) (d middleware.Detail) {
	defer func() {
		if v := recover(); v != nil {
			x.report("Keep", v)
			d = middleware.Full
		}
	}()
	return min(x.Options.Keep(e), middleware.Full)
}

func (x *exchange) callOnEntry(e *entry.Entry) {
	defer func() {
		if v := recover(); v != nil {
			x.report("OnEntry", v)
		}
	}()
	x.OnEntry(x.ctx, e)
}
