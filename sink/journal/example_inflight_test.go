package journalsink_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
)

// A service put together by hand, with the list of the requests in flight and every
// entry written before its request's ServeHTTP returns. txtrail.Open does the same.
func ExampleJournal_InFlight() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	journal, err := journalsink.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	queue, err := sink.NewQueue(journal, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = queue.Close(context.Background()) }()

	list, err := journal.InFlight(&journalsink.InFlightOptions{Resource: queue.Resource()})
	if err != nil {
		fmt.Println(err) // on Windows: the service goes on without it
		list = nil
	}
	wrap, err := middleware.New(queue, &middleware.Options{InFlight: list, Audit: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		fmt.Println("being served:", journal.Stats().InFlight)
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/orders", nil))
	fmt.Println("being served:", journal.Stats().InFlight, "written:", journal.Stats().Entries)
	// Output:
	// being served: 1
	// being served: 0 written: 1
}
