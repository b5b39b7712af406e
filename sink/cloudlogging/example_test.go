package cloudloggingsink_test

import (
	"context"
	"fmt"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// With an account New(ctx, nil) does: the project is GOOGLE_CLOUD_PROJECT, and the
// credentials are the application's default ones. Here a service in this process takes
// the entries.
func Example() {
	ctx := context.Background()
	srv, err := gcltest.Start(&gcltest.Options{Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	s, err := cloudloggingsink.New(ctx, &cloudloggingsink.Options{ProjectID: "shop-prod", Endpoint: srv.Addr(), Insecure: true, Now: clock})
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
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	for _, e := range srv.Entries() {
		fmt.Println(e.LogName, e.Operation.Id, e.HttpRequest.Status)
	}
	// Output: projects/shop-prod/logs/txtrail sinktest-000000 200
}
