package fibertx_test

import (
	"strconv"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/txtrail/txtrail/txid"
)

// A shared cache puts the fields of a 304 into what it has kept, and serves that to
// others, unless it is told to ask each time.
func TestNoIDByWayOfASharedCache(t *testing.T) {
	url, _ := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/:status", func(c fiber.Ctx) error {
			if etag := c.Query("etag"); etag != "" {
				c.Set(fiber.HeaderETag, `"`+etag+`"`)
			}
			if control := c.Query("control"); control != "" {
				c.Set(fiber.HeaderCacheControl, control)
			}
			status, _ := strconv.Atoi(c.Params("status"))
			return c.SendStatus(status)
		})
	})
	for query, want := range map[string]bool{
		"200?etag=v1":                   false,
		"206?etag=v1":                   false,
		"304":                           false,
		"304?etag=v1":                   false,
		"304?etag=v1&control=max-age=0": true,
		"304?etag=v1&control=private":   true,
		"200?etag=v1&control=no-cache":  true,
		"200":                           true,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if has := ask(t, method, url+"/"+query, "").header.Get(txid.Header) != ""; has != want {
				t.Errorf("%s %s: has an ID: %v, want %v", method, query, has, want)
			}
		}
	}
}
