package chitx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"

	"github.com/txtrail/txtrail/adapter/chi"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func ExampleMiddleware() {
	memory := &sinktest.Memory{} // a journal, in a service
	queue, err := sink.NewQueue(memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := middleware.New(queue, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	router := chi.NewRouter()
	router.Use(chitx.Middleware)
	router.Get("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "item", chi.URLParam(r, "id"))
	})
	server := httptest.NewServer(record(router))
	defer server.Close()

	if res, err := http.Get(server.URL + "/items/7"); err == nil {
		res.Body.Close()
	}
	_ = queue.Close(context.Background())
	for _, e := range memory.Entries() {
		fmt.Println(e.HTTP.Method, e.HTTP.URL, "→", e.HTTP.Route, e.HTTP.Status)
	}
	// Output: GET /items/7 → /items/{id} 200
}
