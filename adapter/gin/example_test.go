package gintx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/txtrail/txtrail/adapter/gin"
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

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gintx.Middleware())
	router.GET("/items/:id", func(c *gin.Context) {
		c.String(http.StatusOK, "item %s\n", c.Param("id"))
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
