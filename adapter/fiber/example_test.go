package fibertx_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/adapter/fiber"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func ExampleNew() {
	memory := &sinktest.Memory{} // a journal, in a service
	queue, err := sink.NewQueue(memory, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	record, err := fibertx.New(queue, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	app := fiber.New()
	app.Use(record)
	app.Get("/items/:id", func(c fiber.Ctx) error {
		return c.SendString("item " + c.Params("id"))
	})
	if res, err := app.Test(httptest.NewRequest("GET", "/items/7", nil)); err == nil {
		_ = res.Body.Close()
	}
	_ = queue.Close(context.Background())
	for _, e := range memory.Entries() {
		fmt.Println(e.HTTP.Method, e.HTTP.URL, "→", e.HTTP.Route, e.HTTP.Status)
	}
	// Output: GET /items/7 → /items/:id 200
}
