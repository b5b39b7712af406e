package outbound_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/outbound"
)

// However often a client is wrapped, a redirect that is not followed makes one entry, in
// the scenario of the hops before it; the client that was there first still records its
// own, also when the caller has a CheckRedirect of his own put in.
func TestWrappedAgain(t *testing.T) {
	srv := hopping(t)
	const hops = 2
	errNo := errors.New("not there")
	asked := 0
	check := func(_ *http.Request, via []*http.Request) error {
		asked++
		if len(via) == hops {
			return errNo
		}
		return nil
	}
	for times := range 4 {
		rec := newRecorder(t)
		wrap := func(c *http.Client) *http.Client {
			w, err := outbound.Wrap(c, rec.queue, rec.options())
			if err != nil {
				t.Fatal(err)
			}
			return w
		}
		first := wrap(&http.Client{Transport: base(t), CheckRedirect: check})
		client := first
		for range times {
			client = wrap(client)
		}
		replaced := *client
		replaced.CheckRedirect = check
		total := 0
		// One that got the transport and the CheckRedirect of two clients, as a program's own
		// constructor may put together.
		between := wrap(&http.Client{Transport: rec.transport(t, client.Transport, nil), CheckRedirect: first.CheckRedirect})
		for _, c := range []*http.Client{client, first, wrap(&replaced), between} {
			asked = 0
			resp, err := c.Get(srv.URL + "/20") //nolint:noctx // nothing to cancel
			if err == nil || !errors.Is(err, errNo) {
				t.Fatalf("error %v", err)
			}
			_ = resp.Body.Close()
			if asked != hops {
				t.Errorf("wrapped %d times: CheckRedirect was asked %d times, want %d", times+1, asked, hops)
			}
			es := rec.wait(t, total+hops+1)[total:]
			total += hops + 1
			var refused []*entry.Entry
			for _, e := range es {
				if e.Error.Type == entry.ErrorRedirect {
					refused = append(refused, e)
				}
			}
			if len(refused) != 1 || refused[0].TxID != es[0].TxID || label(refused[0], entry.LabelRedirectHop) != strconv.Itoa(hops) {
				t.Errorf("wrapped %d times: %d entries of the refused hop, %+v", times+1, len(refused), refused)
			}
		}
	}
}
