package journalsink_test

import (
	"context"
	"fmt"
	"os"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// printer is a sink that prints.
type printer struct{}

func (printer) Name() string { return "printer" }

func (printer) Write(_ context.Context, batch []*entry.Entry) error {
	for _, e := range batch {
		fmt.Println(e.Message)
	}
	return nil
}

func (printer) Close(context.Context) error { return nil }

// A Ship delivers what stands in a journal's folder, wherever it comes from, and
// remembers how far it got.
func ExampleJournal_Spool() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	j, err := journalsink.Open(dir, &journalsink.Options{Name: "web"})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for _, message := range []string{"GET /cart 200", "POST /pay 502"} {
		e := &entry.Entry{Kind: entry.KindServer, Message: message}
		if err := e.Seal(nil); err != nil {
			panic(err)
		}
		if err := j.Write(ctx, []*entry.Entry{e}); err != nil {
			panic(err)
		}
		spool, err := j.Spool(nil)
		if err != nil {
			panic(err)
		}
		ship, err := sink.NewShip(spool, printer{}, nil)
		if err != nil {
			panic(err)
		}
		if err := ship.Close(ctx); err != nil { // delivers what waits
			panic(err)
		}
		fmt.Println("delivered:", ship.Stats().Delivered)
	}
	if err := j.Close(ctx); err != nil {
		panic(err)
	}
	// Output:
	// GET /cart 200
	// delivered: 1
	// POST /pay 502
	// delivered: 1
}
