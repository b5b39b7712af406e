package journalsink_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/txtrail/txtrail/entry"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	j, err := journalsink.Open(dir, &journalsink.Options{Name: "web"})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A sink.Queue does this: it seals entries and writes them in batches.
	e := &entry.Entry{
		Time:     time.Date(2026, 3, 1, 19, 4, 0, 0, time.UTC),
		TxID:     txid.ID("checkout-4711"),
		InsertID: "1",
		Kind:     entry.KindServer,
		Message:  "GET /items 200",
	}
	if err := e.Seal(nil); err != nil {
		fmt.Println(err)
		return
	}
	if err := j.Write(ctx, []*entry.Entry{e}); err != nil {
		fmt.Println(err)
	}

	// Any process may read meanwhile; a prefix is enough.
	r, err := journalsink.OpenReader(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for found, err := range r.Lookup(ctx, "checkout") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(found.TxID, found.Message)
	}
	if err := j.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: checkout-4711 GET /items 200
}
