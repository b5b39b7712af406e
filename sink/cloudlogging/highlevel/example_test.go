package highlevelsink_test

import (
	"context"
	"fmt"

	"cloud.google.com/go/logging"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// The client is the one that the program logs by. Here it speaks with a service in
// this process; Dial would be left out otherwise.
func Example() {
	ctx := context.Background()
	srv, err := gcltest.Start(&gcltest.Options{Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	client, err := logging.NewClient(ctx, "shop-prod", cloudloggingsink.Access{Endpoint: srv.Addr(), Insecure: true}.ClientOptions()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := highlevelsink.New(ctx, client, &highlevelsink.Options{
		ProjectID: "shop-prod", Now: clock, Resource: &cloudloggingsink.Resource{Type: "global"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := sink.NewQueue(s, nil) // txtrail.Config.Sinks has it behind the journal
	if err != nil {
		fmt.Println(err)
		return
	}
	q.Enqueue(sinktest.Unsealed(0))
	if err := q.Close(ctx); err != nil { // the sink too
		fmt.Println(err)
	}
	for _, e := range written(srv) {
		fmt.Println(e.LogName, e.Operation.Id, e.HttpRequest.Status)
	}
	if err := client.Close(); err != nil { // the program's own, when it has logged all
		fmt.Println(err)
	}
	// Output: projects/shop-prod/logs/txtrail sinktest-000000 200
}
