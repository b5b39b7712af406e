package txid_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/txtrail/txtrail/txid"
)

// A service reads the scope of a request, and sends it on with its own call.
func Example() {
	p, err := txid.NewPropagator(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := httptest.NewRequest("GET", "/items", nil)
	in.Header.Set("X-Transaction-Id", "0197a3c2-7f10-7b3e-9c41-5d0c3f2a9b11")
	in.Header.Set("X-Client-User", "8812")

	scope := p.ExtractRequest(in, time.Now())
	ctx := txid.NewContext(in.Context(), scope)

	// … deep inside the handler:
	fmt.Println(txid.IDFromContext(ctx))

	out, _ := http.NewRequestWithContext(ctx, "GET", "http://core:8080/v1/items", nil)
	if s, ok := txid.FromContext(out.Context()); ok && p.Allows(out.URL.Host) {
		p.Inject(s, p.Minter().Span(), out.Header)
	}
	fmt.Println(out.Header.Get("X-Transaction-Id") == string(scope.ID), out.Header.Get("X-Client-User"))
	// Output:
	// 0197a3c2-7f10-7b3e-9c41-5d0c3f2a9b11
	// true 8812
}

// A queue message carries a txid in its attributes.
func ExampleMapCarrier() {
	p, _ := txid.NewPropagator(nil)
	message := map[string]string{}
	p.Inject(&txid.Scope{ID: "order-2026/000017"}, 0x1122334455667788, txid.MapCarrier(message))

	received := p.Extract(txid.MapCarrier(message), time.Now())
	fmt.Println(received.ID, received.Parent)
	// Output: order-2026/000017 1122334455667788
}

// A cron job begins a scenario of its own.
func ExamplePropagator_Start() {
	p, _ := txid.NewPropagator(nil)
	scope := p.Start(time.Now())
	ctx := txid.NewContext(context.Background(), scope)
	fmt.Println(len(txid.IDFromContext(ctx)), scope.Origin)
	// Output: 36 minted
}

func ExampleParse() {
	_, err := txid.Parse("who am I")
	fmt.Println(err)
	// Output: txid: invalid transaction ID: byte 0x20 at 3, want only [A-Za-z0-9._~:=+/@-]
}

func ExampleNewHosts() {
	hosts, _ := txid.NewHosts("*.partner.example")
	for _, host := range []string{"core:8080", "10.0.0.7", "api.partner.example", "api.example.org", "169.254.169.254"} {
		fmt.Println(host, hosts.Allows(host))
	}
	// Output:
	// core:8080 true
	// 10.0.0.7 true
	// api.partner.example true
	// api.example.org false
	// 169.254.169.254 false
}
