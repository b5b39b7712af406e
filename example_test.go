package txtrail_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/txtrail/txtrail"
	journalquery "github.com/txtrail/txtrail/query/journal"
	"github.com/txtrail/txtrail/txid"
)

func Example() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	trail, err := txtrail.Open(txtrail.Config{Service: "web", Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the scenario is %s\n", txid.IDFromContext(r.Context()))
	})
	server := httptest.NewServer(trail.Handler(mux)) // http.ListenAndServe in a program
	req, err := http.NewRequest(http.MethodGet, server.URL+"/items/7", nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("X-Transaction-Id", "order-2026-0001")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, res.Header.Get("X-Transaction-Id"))
	_ = res.Body.Close()
	server.Close()
	if err := trail.Close(context.Background()); err != nil {
		log.Fatal(err)
	}

	src, err := journalquery.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	found, err := src.Lookup(context.Background(), "order-2026-0001")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range found.Entries {
		fmt.Println(e.Resource.Service, e.HTTP.Method, e.HTTP.Route, e.HTTP.Status)
	}
	// Output:
	// 200 OK order-2026-0001
	// web GET /items/{id} 200
}

// A message carries the scenario in its attributes: the consumer's log lines and calls
// stand in the story of whoever sent it.
func ExampleTrail_Propagator() {
	trail, err := txtrail.Open(txtrail.Config{Service: "web", Output: txtrail.OutputNone})
	if err != nil {
		log.Fatal(err)
	}
	p := trail.Propagator()

	// The producer, in a handler: ctx is the request's.
	ctx := trail.Start(context.Background())
	message := map[string]string{"queue": "packing"}
	if scope, ok := txid.FromContext(ctx); ok {
		p.Inject(scope, scope.Span, txid.MapCarrier(message))
	}

	// The consumer.
	work := txid.NewContext(context.Background(), p.Extract(txid.MapCarrier(message), time.Now()))
	trail.Logger().InfoContext(work, "order packed")
	fmt.Println(txid.IDFromContext(work) == txid.IDFromContext(ctx))
	if err := trail.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: true
}

// A program that ends at SIGTERM without losing an entry: run is the end of its main.
func ExampleTrail_Close() { //nolint:testableexamples // it waits for a signal
	run := func(trail *txtrail.Trail, server *http.Server) error {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		failed := make(chan error, 1)
		go func() { failed <- server.ListenAndServe() }()
		var err error
		select {
		case <-ctx.Done():
			stop() // a second signal ends the process at once
			grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			err = server.Shutdown(grace) // the requests under way end
		case err = <-failed:
		}
		// A time of its own: what the requests took is over.
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return errors.Join(err, trail.Close(grace))
	}
	_ = run
}
