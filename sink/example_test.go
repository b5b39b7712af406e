package sink_test

import (
	"context"
	"fmt"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func ExampleQueue() {
	ctx := context.Background()
	store := &sinktest.Memory{}
	q, err := sink.NewQueue(store, &sink.QueueOptions{Resource: &entry.Resource{Service: "shop"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := &entry.Entry{TxID: "transaction-000001", Kind: entry.KindServer}
	e.Request.Body = entry.Body{
		Raw:  append(q.Buffers().Get(64), `{"user":"minji","password":"hunter2"}`...),
		Type: "application/json",
	}
	q.Enqueue(e) // never waits
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	kept := store.Entries()[0]
	fmt.Println(kept.TxID, kept.Resource.Service)
	fmt.Println(string(kept.Request.Body.Content))
	s := q.Stats()
	fmt.Println(s.Captured, s.Delivered, s.Waiting, s.DroppedTotal())
	// Output:
	// transaction-000001 shop
	// {"user":"minji","password":"[masked:password]"}
	// 1 1 0 0
}

func ExampleFanout() {
	ctx := context.Background()
	all, failures := &sinktest.Memory{}, &sinktest.Memory{}
	s := sink.Fanout(all, sink.Filter(failures, (*entry.Entry).Failed))
	ok := sinktest.Sample(1)
	bad := sinktest.Unsealed(2)
	bad.HTTP.Status = 500
	if err := s.Write(ctx, []*entry.Entry{ok, sinktest.Seal(bad)}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(all.Entries()), len(failures.Entries()))
	// Output: 2 1
}

func ExampleNewResource() {
	env := map[string]string{
		"K_SERVICE":                "shop",
		"K_REVISION":               "shop-00042",
		"OTEL_RESOURCE_ATTRIBUTES": "cloud.region=asia-northeast3",
	}
	r, err := sink.NewResource(&sink.ResourceOptions{
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Service, r.Version, r.Environment, r.Attributes)
	// Output: shop shop-00042 production [{cloud.region asia-northeast3}]
}
