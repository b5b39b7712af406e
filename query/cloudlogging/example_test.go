package cloudloggingquery_test

import (
	"context"
	"fmt"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	"github.com/txtrail/txtrail/query/querytest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// With an account ProjectID alone does. Here a service in this process has the entries.
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
	defer func() { _ = s.Close(ctx) }()
	if err := s.Write(ctx, querytest.Sample()); err != nil {
		fmt.Println(err)
		return
	}
	src, err := cloudloggingquery.Open(ctx, &cloudloggingquery.Options{ProjectID: "shop-prod", Endpoint: srv.Addr(), Insecure: true, Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = src.Close() }()
	found, err := query.Load(ctx, src, "0197a3c2")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range found.Stories {
		fmt.Println(s.TxID, s.Calls, "calls,", s.Failed, "failed")
	}
	// Output: 0197a3c2-7f10-7b3e-9c41-5d0c2f6a8b11 5 calls, 3 failed
}
