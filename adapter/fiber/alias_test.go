package fibertx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

// What a handler has from its fiber.Ctx lies where the next request of the connection is
// read to, before the entry is written.
func TestStringsOfTheNextRequest(t *testing.T) {
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/users/:id", func(c fiber.Ctx) error {
			middleware.SetUser(c.Context(), c.Params("id"))
			middleware.SetRoute(c.Context(), c.Path())
			middleware.Annotate(c.Context(), "coupon", c.Query("coupon"))
			return c.SendStatus(http.StatusNoContent)
		})
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const n = 26
	for i := range n {
		word := strings.Repeat(string(rune('a'+i)), 20)
		if _, err := fmt.Fprintf(conn, "GET /users/%s?coupon=%s HTTP/1.1\r\nHost: x\r\n\r\n", word, word); err != nil {
			t.Fatal(err)
		}
	}
	answers := bufio.NewReader(conn)
	for range n {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	for _, e := range entries(t, mem, n) {
		word := strings.TrimPrefix(strings.SplitN(e.HTTP.URL, "?", 2)[0], "/users/")
		coupon := entry.Label{Name: "coupon", Value: word}
		if e.Facts.UserID != word || e.HTTP.Route != "/users/"+word || !slices.Contains(e.Labels, coupon) {
			t.Errorf("the entry of %s has user %q, route %q and labels %v", word, e.Facts.UserID, e.HTTP.Route, e.Labels)
		}
	}
}
