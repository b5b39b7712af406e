package outbound

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"weak"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// hop is what the next call of a chain of redirects wants to know of this one.
type hop struct {
	scope *txid.Scope
	span  txid.SpanID
	hop   int
}

// hops remembers redirects that have been answered. http.Client names the response
// that led to a request in Request.Response, so a hop finds its predecessor by
// it. The map holds responses weakly: who never follows a redirect leaves
// nothing behind once its response is collected.
type hops struct {
	byResponse sync.Map // weak.Pointer[http.Response] → hop
}

func (h *hops) note(resp *http.Response, c *call) {
	if resp.StatusCode < 300 || resp.StatusCode > 399 || len(resp.Header["Location"]) == 0 {
		return
	}
	key := weak.Make(resp)
	if _, known := h.byResponse.Swap(key, hop{scope: c.scope, span: c.span, hop: c.hop}); !known {
		runtime.AddCleanup(resp, h.forget, key)
	}
}

func (h *hops) forget(key weak.Pointer[http.Response]) { h.byResponse.Delete(key) }

// of returns the hop that led to req.
func (h *hops) of(req *http.Request) (hop, bool) {
	if req.Response == nil {
		return hop{}, false
	}
	v, ok := h.byResponse.Load(weak.Make(req.Response))
	if !ok {
		return hop{}, false
	}
	return v.(hop), true
}

// maxRedirects is net/http's own limit, with its own words.
const maxRedirects = 10

func defaultRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	return nil
}

// recordRedirects wraps a client's CheckRedirect, nil being net/http's default,
// so that a redirect that is not followed is recorded too: that failure is the
// client's and no transport sees it. A client that is wrapped twice has check from a
// Transport that t has replaced; only t knows the hops, so only t records.
func (t *Transport) recordRedirects(check func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	if check == nil {
		check = defaultRedirect
	}
	return func(req *http.Request, via []*http.Request) error {
		t.claim(req)
		defer t.release(req)
		err := check(req, via)
		if err == nil || err == http.ErrUseLastResponse { // as http.Client asks: an error may panic when it is asked more
			return err
		}
		if _, claimed := t.claimed.Load(req); !claimed {
			t.refusedRedirect(req, err)
		}
		return err
	}
}

// claim takes a redirect from all Transports that t has replaced, each in the place of the
// one before: check may be that of any of them.
func (t *Transport) claim(req *http.Request) {
	for r := t.replaced; r != nil; r = r.replaced {
		r.claimed.Store(req, nil)
	}
}

// release gives it back.
func (t *Transport) release(req *http.Request) {
	for r := t.replaced; r != nil; r = r.replaced {
		r.claimed.Delete(req)
	}
}

// unfollowable returns why a client that follows redirects can not follow resp's, as
// http.Client itself finds out before it asks anybody: its Location is no URL.
func unfollowable(req *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if req.GetBody == nil && req.Body != nil && req.Body != http.NoBody {
			return nil // handed to the caller: the body can not be sent again
		}
	default:
		return nil
	}
	to := first(resp.Header, "Location")
	if to == "" {
		return nil // the caller's as well
	}
	_, err := url.Parse(to)
	return err
}

// refusedRedirect makes the entry of a hop that never took place.
func (t *Transport) refusedRedirect(req *http.Request, err error) {
	ctx := req.Context()
	if req.URL == nil || sink.Unrecorded(ctx) || t.opts.Skip != nil && t.skips(req) {
		return
	}
	c := t.begin(ctx, req)
	c.rec = t.newRecord()
	c.describe(req)
	c.finish(outcome{err: err, redirect: true})
}
