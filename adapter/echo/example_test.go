package echotx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/txtrail/txtrail/adapter/echo"
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

	router := echo.New()
	router.Use(echotx.Middleware())
	router.GET("/items/:id", func(c *echo.Context) error {
		return c.String(http.StatusOK, "item "+c.Param("id"))
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
	// Output: GET /items/7 → /items/:id 200
}
