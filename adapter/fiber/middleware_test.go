package fibertx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/txtrail/txtrail/adapter/fiber"
	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/txid"
)

var errStock = errors.New("no stock")

type named struct{}

func (named) Error() string     { return "till closed" }
func (named) ErrorType() string { return "unavailable" }

func routes(app *fiber.App) {
	app.Use(fiberrecover.New(fiberrecover.Config{EnableStackTrace: true, StackTraceHandler: fibertx.NotePanic}))
	say := func(c fiber.Ctx) error { return c.SendString(string(txid.IDFromContext(c.Context()))) }
	app.Get("/", say)
	app.Get("/items/:id", say)
	app.Get("/files/*", say)
	app.Post("/only/post", say)
	app.Get("/panic/:how", func(fiber.Ctx) error { panic("on purpose") })
	app.Get("/named", func(c fiber.Ctx) error {
		middleware.SetRoute(c.Context(), "/its/own/name")
		middleware.SetUser(c.Context(), "8812")
		middleware.Annotate(c.Context(), "cart", "9")
		return nil
	})
	app.Post("/echo", func(c fiber.Ctx) error {
		c.Set("Content-Type", c.Get("Content-Type"))
		return c.Send(c.Body())
	})
	api := app.Group("/api")
	api.Get("/carts/:cart", say)
	api.Get("/broken", func(fiber.Ctx) error { return fmt.Errorf("cart: %w", errStock) })
	api.Get("/typed", func(fiber.Ctx) error { return fmt.Errorf("pay: %w", named{}) })
	api.Get("/gateway", func(fiber.Ctx) error { return fiber.NewError(fiber.StatusBadGateway, "sorry") })
	api.Get("/refused", func(fiber.Ctx) error { return fiber.NewError(fiber.StatusConflict, "sold already") })
	api.Get("/set", func(c fiber.Ctx) error {
		middleware.SetError(c.Context(), named{})
		return c.SendStatus(fiber.StatusServiceUnavailable)
	})
	sub := fiber.New()
	sub.Get("/:name", say)
	app.Use("/users", sub)
}

func TestRoute(t *testing.T) {
	t.Parallel()
	url, mem := serve(t, nil, fiber.Config{}, routes)
	for i, tc := range []struct {
		name, path, route string
		status            int
	}{
		{"root", "/", "/", 200},
		{"parameter", "/items/7?q=1", "/items/:id", 200},
		{"wildcard", "/files/a/b/c", "/files/*", 200},
		{"group", "/api/carts/9", "/api/carts/:cart", 200},
		{"mounted", "/users/kim", "/users/:name", 200},
		{"named by the handler", "/named", "/its/own/name", 200},
		{"panic", "/panic/now", "/panic/:how", 500},
		{"nothing", "/nothing", "", 404},
		{"other method", "/only/post", "", 405},
	} {
		a := ask(t, "GET", url+tc.path, "")
		e := entries(t, mem, i+1)[i]
		if e.HTTP.Route != tc.route || e.HTTP.Status != tc.status || a.status != tc.status {
			t.Errorf("%s: route %q, status %d recorded, %d answered; want %q, %d", tc.path, e.HTTP.Route, e.HTTP.Status, a.status, tc.route, tc.status)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	url, mem := serve(t, nil, fiber.Config{}, routes)
	for i, tc := range []struct {
		path   string
		status int
		want   entry.Error
		labels []entry.Label
		failed bool
	}{
		{"/api/broken", 500, entry.Error{Type: "*fmt.wrapError", Message: "cart: no stock"}, nil, true},
		{"/api/typed", 500, entry.Error{Type: "unavailable", Message: "pay: till closed"}, nil, true},
		{"/api/gateway", 502, entry.Error{Type: "*fiber.Error", Message: "sorry"}, nil, true},
		{"/api/set", 503, entry.Error{Type: "unavailable", Message: "till closed"}, nil, true},
		{"/api/refused", 409, entry.Error{}, []entry.Label{{Name: fibertx.LabelClientError, Value: "sold already"}}, false},
		{"/named", 200, entry.Error{}, []entry.Label{{Name: "cart", Value: "9"}}, false},
	} {
		a := ask(t, "GET", url+tc.path, "")
		e := entries(t, mem, i+1)[i]
		if d := cmp.Diff(tc.want, e.Error); d != "" {
			t.Errorf("%s: error (-want +got): %s", tc.path, d)
		}
		if d := cmp.Diff(tc.labels, e.Labels, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: labels (-want +got): %s", tc.path, d)
		}
		if e.HTTP.Status != tc.status || a.status != tc.status || e.Failed() != tc.failed {
			t.Errorf("%s: status %d, answered %d, failed %v; want %d, %v", tc.path, e.HTTP.Status, a.status, e.Failed(), tc.status, tc.failed)
		}
	}
}

// The error handler is called once, and its answer is what is recorded.
func TestErrorHandler(t *testing.T) {
	t.Parallel()
	calls := 0
	url, mem := serve(t, nil, fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		calls++
		if c.Path() == "/fails" {
			return errors.New("cannot even say sorry")
		}
		return c.Status(fiber.StatusTeapot).SendString("custom: " + err.Error())
	}}, func(app *fiber.App) {
		app.Get("/*", func(fiber.Ctx) error { return errStock })
	})
	if a := ask(t, "GET", url+"/", ""); a.status != 418 || a.body != "custom: no stock" || calls != 1 {
		t.Errorf("%d %q after %d calls", a.status, a.body, calls)
	}
	if e := entries(t, mem, 1)[0]; e.HTTP.Status != 418 || string(e.Response.Body.Content) != "custom: no stock" {
		t.Errorf("recorded %d %q", e.HTTP.Status, e.Response.Body.Content)
	}
	if a := ask(t, "GET", url+"/fails", ""); a.status != 500 {
		t.Errorf("%d where the error handler fails", a.status)
	}
	if e := entries(t, mem, 2)[1]; e.HTTP.Status != 500 || e.Error.Message != "no stock" {
		t.Errorf("recorded %d %+v", e.HTTP.Status, e.Error)
	}
}

// What an entry holds beside the error and the route.
func TestEntry(t *testing.T) {
	t.Parallel()
	before := time.Now()
	url, mem := serve(t, nil, fiber.Config{}, routes)
	const parent = "00f067aa0ba902b7"
	body := `{"item":7,"password":"hunter2"}`
	a := ask(t, "POST", url+"/echo?q=1", body, "Content-Type", "application/json", "User-Agent", "probe/1",
		"Referer", "https://shop.example/items/7?x=1", txid.Header, "scenario-0001", txid.HeaderParent, parent,
		txid.HeaderUser, "8812", txid.HeaderDevice, "iPhone15,2", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if a.status != 200 || a.body != body || a.header.Get(txid.Header) != "scenario-0001" {
		t.Errorf("answer %d %q, ID %q", a.status, a.body, a.header.Get(txid.Header))
	}
	e := entries(t, mem, 1)[0]
	type summary struct {
		Kind                           entry.Kind
		TxID                           txid.ID
		Origin                         txid.Origin
		Parent, Trace                  string
		Method, URL, Protocol, IP, UA  string
		User, Device, Page             string
		In, Out, InType, OutType       string
		InSize, OutSize                int64
		Severity                       entry.Severity
		InHeader, OutHeader, Truncated bool
	}
	has := func(hs []entry.Header, name, value string) bool {
		for _, h := range hs {
			if h.Name == name && h.Value == value {
				return true
			}
		}
		return false
	}
	masked := `{"item":7,"password":"[masked:password]"}`
	got := summary{
		e.Kind, e.TxID, e.Origin, e.Parent.String(), e.Trace.ID,
		e.HTTP.Method, e.HTTP.URL, e.HTTP.Protocol, e.HTTP.RemoteIP, e.HTTP.UserAgent,
		e.Facts.UserID, e.Facts.Device, e.Facts.EntryPage,
		string(e.Request.Body.Content), string(e.Response.Body.Content), e.Request.Body.Type, e.Response.Body.Type,
		e.Request.Body.Size, e.Response.Body.Size, e.Severity,
		has(e.Request.Headers, "User-Agent", "probe/1"), has(e.Response.Headers, txid.Header, "scenario-0001"),
		e.Request.Body.Truncated || e.Response.Body.Truncated,
	}
	want := summary{
		entry.KindServer, "scenario-0001", "header:X-Transaction-Id", parent, "0af7651916cd43dd8448eb211c80319c",
		"POST", "/echo?q=1", "HTTP/1.1", "127.0.0.1", "probe/1",
		"8812", "iPhone15,2", "/items/7",
		masked, masked, "application/json", "application/json",
		int64(len(body)), int64(len(body)), entry.SeverityInfo, true, true, false,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error("(-want +got):", d)
	}
	if e.Time.Before(before) || e.Time.After(time.Now()) || e.Latency <= 0 || e.Timings.Handler != e.Latency || e.Span == 0 {
		t.Errorf("time %v, latency %v, timings %+v, span %v", e.Time, e.Latency, e.Timings, e.Span)
	}
	if !strings.HasPrefix(e.Message, "POST /echo 200 (") {
		t.Errorf("message %q", e.Message)
	}
}

// The same request gives the same entry behind net/http, apart from what tells of
// times, addresses and the server's own headers.
func TestSameAsNetHTTP(t *testing.T) {
	t.Parallel()
	setError := func(ctx context.Context) {
		middleware.SetRoute(ctx, "/pay/{id}")
		middleware.SetError(ctx, errStock)
		middleware.SetUser(ctx, "8812")
		middleware.Annotate(ctx, "cart", "9")
	}
	const answer = `{"ok":false}`
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Post("/pay/:id", func(c fiber.Ctx) error {
			setError(c.Context())
			c.Set("Content-Type", "application/json")
			c.Set("X-Own", "1")
			return c.Status(502).SendString(answer)
		})
	})
	q, netMem := trail(t)
	wrap, err := middleware.New(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setError(r.Context())
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Own", "1")
		w.WriteHeader(502)
		_, _ = io.WriteString(w, answer)
	}))}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	for _, u := range []string{url, "http://" + l.Addr().String()} {
		ask(t, "POST", u+"/pay/7?token=abcdef", `{"password":"x"}`, "Content-Type", "application/json", txid.Header, "not an id", txid.HeaderCountry, "KR", "X-Two", "2")
	}
	ours, theirs := entries(t, mem, 1)[0], entries(t, netMem, 1)[0]
	byName := cmpopts.SortSlices(func(a, b entry.Header) bool { return a.Name+a.Value < b.Name+b.Value })
	if d := cmp.Diff(theirs, ours, byName, cmpopts.EquateEmpty(),
		cmpopts.IgnoreUnexported(entry.Entry{}), cmpopts.IgnoreFields(entry.Entry{}, "Time", "TxID", "InsertID", "Span", "Latency", "Timings", "Message"),
		cmp.FilterValues(func(a, b entry.Header) bool { return a.Name == txid.Header && b.Name == txid.Header }, cmp.Comparer(func(entry.Header, entry.Header) bool { return true })),
	); d != "" {
		t.Error("(-net/http +fiber):", d)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("word ", 40)
	var form bytes.Buffer
	mp := multipart.NewWriter(&form)
	part, _ := mp.CreateFormFile("f", "a.bin")
	_, _ = part.Write(bytes.Repeat([]byte{0}, 100))
	_ = mp.Close()
	echo := func(app *fiber.App) {
		app.Post("/echo", func(c fiber.Ctx) error { return c.Send(c.Body()) })
		app.Post("/ignore", func(c fiber.Ctx) error { return c.SendString("ignored") })
		app.Get("/stream", func(c fiber.Ctx) error {
			c.Set("Content-Type", "text/plain")
			return c.SendStreamWriter(func(w *bufio.Writer) {
				for range 3 {
					_, _ = w.WriteString("chunk ")
					_ = w.Flush()
				}
			})
		})
		app.Get("/sized", func(c fiber.Ctx) error { return c.SendStream(strings.NewReader(large), len(large)) })
		app.Get("/image", func(c fiber.Ctx) error {
			c.Set("Content-Type", "image/png")
			return c.SendString(large)
		})
		app.Get("/empty", func(c fiber.Ctx) error { return c.SendStatus(204) })
		app.Get("/text", func(c fiber.Ctx) error { return c.SendString("text") })
	}
	body := func(size int64, content, reason string, truncated bool) entry.Body {
		return entry.Body{Size: size, Content: []byte(content), Reason: reason, Truncated: truncated}
	}
	for _, tc := range []struct {
		name, method, path, in, contentType string
		maxBody                             int
		stream                              bool
		answer                              string
		request, response                   entry.Body
		flags                               []string
	}{
		{name: "both whole", method: "POST", path: "/echo", in: "hello", answer: "hello", request: body(5, "hello", "", false), response: body(5, "hello", "", false)},
		{
			name: "cut", method: "POST", path: "/echo", in: large, maxBody: 10, answer: large,
			request: body(200, large[:9], "capture limit", true), response: body(200, large[:9], "capture limit", true),
		},
		{name: "none captured", method: "POST", path: "/echo", in: "hello", maxBody: -1, answer: "hello", request: body(5, "", "", true), response: body(5, "", "", true)},
		{
			name: "form that is parsed", method: "POST", path: "/ignore", in: form.String(), contentType: mp.FormDataContentType(), answer: "ignored",
			request: body(int64(form.Len()), "", "multipart", true), response: body(7, "ignored", "", false),
		},
		{
			name: "request stream, taken", method: "POST", path: "/echo", in: large, stream: true, answer: large,
			request: body(200, large, "", false), response: body(200, large, "", false),
		},
		{
			name: "request stream, left", method: "POST", path: "/ignore", in: large, stream: true, answer: "ignored",
			request: body(200, "", "stream", true), response: body(7, "ignored", "", false),
		},
		{name: "stream", method: "GET", path: "/stream", answer: "chunk chunk chunk ", response: body(-1, "", "stream", true), flags: []string{entry.FlagStreamed}},
		{name: "stream of known length", method: "GET", path: "/sized", answer: large, response: body(200, "", "stream", true), flags: []string{entry.FlagStreamed}},
		{name: "picture", method: "GET", path: "/image", answer: large, response: body(200, "", "binary", true)},
		{name: "204", method: "GET", path: "/empty", response: body(0, "", "", false)},
		{name: "HEAD", method: "HEAD", path: "/text", response: body(0, "", "", false)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url, mem := serve(t, &fibertx.Options{MaxBody: tc.maxBody}, fiber.Config{StreamRequestBody: tc.stream}, echo)
			ct := tc.contentType
			if ct == "" {
				ct = "text/plain"
			}
			a := ask(t, tc.method, url+tc.path, tc.in, "Content-Type", ct)
			if a.body != tc.answer {
				t.Errorf("answer %.50q, want %.50q", a.body, tc.answer)
			}
			e := entries(t, mem, 1)[0]
			compare := cmp.Options{cmpopts.IgnoreFields(entry.Body{}, "Type", "Encoding"), cmpopts.EquateEmpty()}
			if d := cmp.Diff(tc.request, e.Request.Body, compare); d != "" {
				t.Error("request (-want +got):", d)
			}
			if d := cmp.Diff(tc.response, e.Response.Body, compare); d != "" {
				t.Error("response (-want +got):", d)
			}
			if d := cmp.Diff(tc.flags, e.Flags, cmpopts.EquateEmpty()); d != "" {
				t.Error("flags (-want +got):", d)
			}
		})
	}
}

// fasthttp uses its buffers again for the next request on the connection: nothing of
// an entry may lie in them.
func TestBuffersAreCopied(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var held sync.WaitGroup
	var pages []string
	var mu sync.Mutex
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Post("/*", func(c fiber.Ctx) error {
			scope, _ := txid.FromContext(c.Context())
			held.Go(func() { // outlives the request
				<-release
				mu.Lock()
				defer mu.Unlock()
				pages = append(pages, string(scope.ID)+" "+scope.Recorder.EntryPage()+" "+scope.Carried.Get(txid.HeaderUser))
			})
			return c.Send(c.Body())
		})
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	br := bufio.NewReader(conn)
	want := map[string]bool{}
	for _, c := range []string{"a", "b", "c"} {
		word := strings.Repeat(c, 20)
		fmt.Fprintf(conn, "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nContent-Type: text/plain\r\n%s: %s\r\n%s: %s\r\nReferer: https://s/%s\r\n\r\n%s",
			word, txid.Header, word, txid.HeaderUser, word, word, word)
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		if string(b) != word {
			t.Fatalf("answer %q, want %q", b, word)
		}
		want[word+" /"+word+" "+word] = true
	}
	close(release)
	held.Wait()
	for _, p := range pages {
		if !want[p] {
			t.Errorf("a scope held for longer says %q", p)
		}
	}
	for i, e := range entries(t, mem, 3) {
		word := strings.Repeat(string(rune('a'+i)), 20)
		got := []string{
			string(e.TxID), strings.TrimPrefix(e.HTTP.URL, "/"), string(e.Request.Body.Content), string(e.Response.Body.Content),
			e.Facts.UserID, strings.TrimPrefix(e.Facts.EntryPage, "/"),
		}
		for j, g := range got {
			if g != word {
				t.Errorf("entry %d, %d: %q, want %q", i, j, g, word)
			}
		}
	}
}

// A panic value without words of its own is named, and not printed field by field.
func TestPanicValueIsNotPrinted(t *testing.T) {
	t.Parallel()
	type login struct{ Password string }
	told := make(chan string, 1)
	opts := &fibertx.Options{
		OnEntry: func(context.Context, *entry.Entry) { panic(&login{"hunter2"}) },
		OnError: func(err error) { told <- err.Error() },
	}
	url, mem := serve(t, opts, fiber.Config{}, func(app *fiber.App) {
		app.Use(fiberrecover.New(fiberrecover.Config{EnableStackTrace: true, StackTraceHandler: fibertx.NotePanic}))
		app.Get("/", func(fiber.Ctx) error { panic(login{"hunter2"}) })
	})
	ask(t, "GET", url+"/", "")
	if e := entries(t, mem, 1)[0]; e.Error.Message != "fibertx_test.login: " {
		t.Errorf("message %q", e.Error.Message)
	}
	if got := <-told; got != "fibertx: OnEntry panicked: a value of type *fibertx_test.login" {
		t.Errorf("OnError was told %q", got)
	}
}

// Of a piece of something only the size is kept: what would say that it holds a secret may
// stand in another piece.
func TestPieces(t *testing.T) {
	t.Parallel()
	const piece = `{"page": "of a list"}`
	for _, tc := range []struct {
		name, contentRange string
		stream, kept       bool
	}{
		{"bytes", "bytes 1000-1020/5000", false, false},
		{"streamed", "bytes 1000-1020/5000", true, false},
		{"a page of a list", "items 1-2/5", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			config := fiber.Config{}
			if tc.stream {
				config = fiber.Config{StreamRequestBody: true, BodyLimit: 10} // what is above is a stream
			}
			url, mem := serve(t, nil, config, func(app *fiber.App) {
				app.Put("/", func(c fiber.Ctx) error {
					c.Set("Content-Type", "application/json")
					c.Set("Content-Range", c.Get("Content-Range"))
					return c.Status(206).Send(c.Body())
				})
			})
			a := ask(t, "PUT", url+"/", piece, "Content-Range", tc.contentRange, "Content-Type", "application/json")
			if a.status != 206 {
				t.Fatalf("answered %d", a.status)
			}
			e := entries(t, mem, 1)[0]
			for _, b := range []entry.Body{e.Request.Body, e.Response.Body} {
				if b.Size != int64(len(piece)) || (len(b.Content) > 0) != tc.kept || b.Truncated == tc.kept {
					t.Errorf("%+v", b)
				}
			}
		})
	}
}

// A path that is cut is cut between segments.
func TestLongPath(t *testing.T) {
	t.Parallel()
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Use(func(c fiber.Ctx) error { return c.SendStatus(204) })
	})
	path := "/" + strings.Repeat("a", 1010) + "/4111111111111111"
	ask(t, "GET", url+path, "")
	if e := entries(t, mem, 1)[0]; strings.Contains(e.Message, "4111") || strings.Contains(e.Facts.EntryPage, "4111") {
		t.Errorf("message %q, page %q", e.Message, e.Facts.EntryPage)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, e *entry.Entry, status int) {
		t.Helper()
		if e.HTTP.Status != status || e.Error.Type != "panic" || e.Error.Message != "string: on purpose" || !e.HasFlag(entry.FlagPanic) ||
			e.Severity != entry.SeverityCritical || !strings.Contains(e.Error.Stack, "fiber_test") && !strings.Contains(e.Error.Stack, "fibertx_test") {
			t.Errorf("%d, error %+v, flags %v, %v", e.HTTP.Status, e.Error, e.Flags, e.Severity)
		}
	}
	t.Run("recovered behind us", func(t *testing.T) {
		t.Parallel()
		url, mem := serve(t, nil, fiber.Config{}, routes)
		a := ask(t, "GET", url+"/panic/now", "")
		if a.status != 500 || a.header.Get(txid.Header) == "" {
			t.Errorf("%d, %v", a.status, a.header)
		}
		check(t, entries(t, mem, 1)[0], 500)
	})
	t.Run("recovered before us", func(t *testing.T) {
		t.Parallel()
		q, mem := trail(t)
		record, err := fibertx.New(q, nil)
		if err != nil {
			t.Fatal(err)
		}
		app := fiber.New()
		var seen any
		app.Use(fiberrecover.New(fiberrecover.Config{EnableStackTrace: true, StackTraceHandler: func(_ fiber.Ctx, v any) { seen = v }}))
		app.Use(record)
		app.Get("/", func(fiber.Ctx) error { panic("on purpose") })
		a := ask(t, "GET", listen(t, app)+"/", "")
		if a.status != 500 || seen != "on purpose" || a.header.Get(txid.Header) == "" {
			t.Errorf("%d, the panic seen outside is %v, %v", a.status, seen, a.header)
		}
		check(t, entries(t, mem, 1)[0], 0)
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	release, done := make(chan struct{}), make(chan struct{})
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/slow", timeout.New(func(c fiber.Ctx) error {
			defer close(done)
			ctx := c.Context()
			<-release
			middleware.SetError(ctx, errors.New("too late"))
			return c.SendString("late")
		}, timeout.Config{Timeout: 20 * time.Millisecond}))
	})
	a := ask(t, "GET", url+"/slow", "", txid.Header, "scenario-0001")
	e := entries(t, mem, 1)[0]
	if a.status != 408 || e.HTTP.Status != 408 || e.Error.Type != "timeout" || e.TxID != "scenario-0001" || a.header.Get(txid.Header) != "scenario-0001" {
		t.Errorf("answered %d %v, recorded %d %+v", a.status, a.header, e.HTTP.Status, e.Error)
	}
	close(release)
	<-done
}

func TestHijack(t *testing.T) {
	t.Parallel()
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/ws", func(c fiber.Ctx) error {
			c.RequestCtx().Hijack(func(conn net.Conn) {
				_, _ = io.Copy(conn, conn)
			})
			c.Set("Connection", "Upgrade")
			c.Set("Upgrade", "echo")
			return c.SendStatus(fiber.StatusSwitchingProtocols)
		})
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	br := bufio.NewReader(conn)
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	fmt.Fprint(conn, "hello\n")
	if line, err := br.ReadString('\n'); line != "hello\n" {
		t.Errorf("%q %v", line, err)
	}
	if e := entries(t, mem, 1)[0]; e.HTTP.Status != 101 || !e.HasFlag(entry.FlagHijacked) || e.HTTP.Route != "/ws" {
		t.Errorf("%d %v %q", e.HTTP.Status, e.Flags, e.HTTP.Route)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	setup := func(app *fiber.App) {
		app.Get("/cached", func(c fiber.Ctx) error {
			c.Set("Cache-Control", "public, max-age=60")
			return c.SendString("x")
		})
		app.Get("/own", func(c fiber.Ctx) error {
			c.Set(txid.Header, "handlers-own")
			return nil
		})
		app.Get("/bad", func(c fiber.Ctx) error { return c.SendStatus(500) })
		app.Get("/healthz", func(c fiber.Ctx) error { return c.SendString(string(txid.IDFromContext(c.Context()))) })
	}
	const id = "scenario-0001"
	propagator := func(o txid.Options) *txid.Propagator {
		p, err := txid.NewPropagator(&o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var seen *entry.Entry
	for _, tc := range []struct {
		name, path string
		opts       fibertx.Options
		header     []string
		check      func(t *testing.T, a answer, es []*entry.Entry)
		want       int
	}{
		{"not on what a cache keeps", "/cached", fibertx.Options{}, nil, func(t *testing.T, a answer, _ []*entry.Entry) {
			if a.header.Get(txid.Header) != "" {
				t.Error("returned")
			}
		}, 1},
		{"always", "/cached", fibertx.Options{ReturnID: middleware.ReturnAlways}, nil, func(t *testing.T, a answer, _ []*entry.Entry) {
			if a.header.Get(txid.Header) != id {
				t.Error("not returned")
			}
		}, 1},
		{"never", "/bad", fibertx.Options{ReturnID: middleware.ReturnNever}, nil, func(t *testing.T, a answer, _ []*entry.Entry) {
			if a.header.Get(txid.Header) != "" {
				t.Error("returned")
			}
		}, 1},
		{"the handler's own stands", "/own", fibertx.Options{}, nil, func(t *testing.T, a answer, _ []*entry.Entry) {
			if a.header.Get(txid.Header) != "handlers-own" {
				t.Error(a.header)
			}
		}, 1},
		{"error link", "/bad", fibertx.Options{ErrorLink: func(id txid.ID) string { return "http://trail/" + string(id) }}, nil, func(t *testing.T, a answer, _ []*entry.Entry) {
			if a.header.Get(middleware.HeaderErrorLink) != "http://trail/"+id {
				t.Error(a.header)
			}
		}, 1},
		{"skipped, the ID goes on", "/healthz", fibertx.Options{Skip: middleware.SkipNoise}, nil, func(t *testing.T, a answer, es []*entry.Entry) {
			if a.body != id || a.header.Get(txid.Header) != id || len(es) != 0 {
				t.Error(a, es)
			}
		}, 0},
		{"functions that panic", "/bad", fibertx.Options{
			Skip:      func(*http.Request) bool { panic(1) },
			ErrorLink: func(txid.ID) string { panic(2) },
			OnEntry:   func(context.Context, *entry.Entry) { panic(3) },
			OnError:   func(error) { panic(4) },
		}, nil, func(t *testing.T, a answer, es []*entry.Entry) {
			if a.status != 500 || es[0].HTTP.Status != 500 {
				t.Error(a, es)
			}
		}, 1},
		{"trust by address", "/bad", fibertx.Options{Propagator: propagator(txid.Options{Trust: txid.FromCIDR(netip.MustParsePrefix("10.0.0.0/8"))})}, nil, func(t *testing.T, a answer, es []*entry.Entry) {
			if es[0].TxID == id || es[0].Refused != id+": caller not trusted" || a.header.Get(txid.Header) != string(es[0].TxID) {
				t.Error(es[0].TxID, es[0].Refused)
			}
		}, 1},
		{"trust, given", "/bad", fibertx.Options{Propagator: propagator(txid.Options{Trust: txid.FromCIDR(netip.MustParsePrefix("127.0.0.0/8"))})}, nil, func(t *testing.T, _ answer, es []*entry.Entry) {
			if es[0].TxID != id {
				t.Error(es[0].TxID, es[0].Refused)
			}
		}, 1},
		{"query", "/bad?tx=scenario-0002", fibertx.Options{Propagator: propagator(txid.Options{Query: "tx", Header: "X-Other"})}, nil, func(t *testing.T, _ answer, es []*entry.Entry) {
			if es[0].TxID != "scenario-0002" || es[0].Origin != "query:tx" {
				t.Error(es[0].TxID, es[0].Origin)
			}
		}, 1},
		{
			"trusted proxies", "/bad",
			fibertx.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}},
			[]string{"X-Forwarded-For", "1.1.1.1, 203.0.113.9:4711, 10.0.0.1"},
			func(t *testing.T, _ answer, es []*entry.Entry) {
				if es[0].HTTP.RemoteIP != "203.0.113.9" {
					t.Error(es[0].HTTP.RemoteIP)
				}
			}, 1,
		},
		{
			"trusted proxies, Forwarded", "/bad",
			fibertx.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}, ProxyHeader: middleware.Forwarded},
			[]string{"Forwarded", `for=1.1.1.1, for="[2001:db8::7]:4711", for=10.0.0.1`},
			func(t *testing.T, _ answer, es []*entry.Entry) {
				if es[0].HTTP.RemoteIP != "2001:db8::7" {
					t.Error(es[0].HTTP.RemoteIP)
				}
			}, 1,
		},
		{"proxies nobody trusts", "/bad", fibertx.Options{}, []string{"X-Forwarded-For", "1.1.1.1"}, func(t *testing.T, _ answer, es []*entry.Entry) {
			if es[0].HTTP.RemoteIP != "127.0.0.1" {
				t.Error(es[0].HTTP.RemoteIP)
			}
		}, 1},
		{"OnEntry", "/bad", fibertx.Options{OnEntry: func(ctx context.Context, e *entry.Entry) {
			seen = e
			e.Labels = append(e.Labels, entry.Label{Name: "from ctx", Value: string(txid.IDFromContext(ctx))})
		}}, nil, func(t *testing.T, _ answer, es []*entry.Entry) {
			if seen == nil || len(es[0].Labels) != 1 || es[0].Labels[0].Value != id {
				t.Error(es[0].Labels)
			}
		}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, mem := serve(t, &tc.opts, fiber.Config{}, setup)
			a := ask(t, "GET", url+tc.path, "", append(tc.header, txid.Header, id)...)
			tc.check(t, a, entries(t, mem, tc.want))
		})
	}
}

// What a strategy leaves out is counted; what failed is kept all the same.
func TestKeep(t *testing.T) {
	t.Parallel()
	const parent = "00f067aa0ba902b7"
	none, brief := middleware.Always(middleware.None), middleware.Always(middleware.Brief)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, tc := range []struct {
		name, path string
		opts       fibertx.Options
		header     []string
		kept       bool
		body, tell string
		escalated  bool
	}{
		{"nothing", "/fine", fibertx.Options{Keep: none}, nil, false, "", "", false},
		{"brief", "/fine", fibertx.Options{Keep: brief}, nil, true, "", "", false},
		{"failed", "/bad", fibertx.Options{Keep: none}, nil, true, "bad", "", true},
		{"failed, and the caller records", "/bad", fibertx.Options{Keep: none}, []string{txid.HeaderParent, parent}, true, "bad", "1", true},
		{"failed, and the response may be cached", "/cached", fibertx.Options{Keep: none}, []string{txid.HeaderParent, parent}, true, "cached", "", true},
		{"failed, no ID in responses", "/bad", fibertx.Options{Keep: none, ReturnID: middleware.ReturnNever}, []string{txid.HeaderParent, parent}, true, "bad", "", true},
		{"failed, no escalation", "/bad", fibertx.Options{Keep: none, NoEscalation: true}, []string{txid.HeaderParent, parent}, false, "", "", false},
		{"the handler asks", "/asks", fibertx.Options{Keep: none}, nil, true, "asked", "", true},
		{"the caller asks", "/fine", fibertx.Options{Keep: none, KeepFrom: loopback}, []string{txid.HeaderKeep, "1"}, true, "fine", "", true},
		{"a stranger asks", "/fine", fibertx.Options{Keep: none}, []string{txid.HeaderKeep, "1"}, false, "", "", false},
		{"it panics", "/fine", fibertx.Options{Keep: func(*entry.Entry) middleware.Detail { panic(1) }, OnError: func(error) {}}, nil, true, "fine", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			q, mem := trail(t)
			record, err := fibertx.New(q, &tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			app := fiber.New()
			app.Use(record)
			app.Get("/fine", func(c fiber.Ctx) error { return c.SendString("fine") })
			app.Get("/bad", func(c fiber.Ctx) error { return c.Status(500).SendString("bad") })
			app.Get("/cached", func(c fiber.Ctx) error {
				c.Set("Cache-Control", "public, max-age=60")
				return c.Status(500).SendString("cached")
			})
			app.Get("/asks", func(c fiber.Ctx) error {
				middleware.Keep(c.Context())
				return c.SendString("asked")
			})
			a := ask(t, "GET", listen(t, app)+tc.path, "", append(tc.header, txid.Header, "scenario-0001")...)
			if got := a.header.Get(txid.HeaderKeep); got != tc.tell {
				t.Errorf("the caller is told %q, want %q", got, tc.tell)
			}
			if !tc.kept {
				for q.Stats().Declined == 0 {
					time.Sleep(time.Millisecond)
				}
				if s := q.Stats(); s.Declined != 1 || s.Captured != 0 {
					t.Errorf("%+v", s)
				}
				return
			}
			e := entries(t, mem, 1)[0]
			if string(e.Response.Body.Content) != tc.body || e.HasFlag(entry.FlagEscalated) != tc.escalated {
				t.Errorf("body %q, flags %v; want %q, escalated %v", e.Response.Body.Content, e.Flags, tc.body, tc.escalated)
			}
		})
	}
}

func TestInvalidOptions(t *testing.T) {
	t.Parallel()
	q, _ := trail(t)
	if _, err := fibertx.New(nil, nil); !errors.Is(err, middleware.ErrOptions) {
		t.Error("no queue:", err)
	}
	if _, err := fibertx.New(q, &fibertx.Options{MaxBody: -2}); !errors.Is(err, middleware.ErrOptions) {
		t.Error("MaxBody -2:", err)
	}
}

// Applied twice, the outer one alone records.
func TestTwice(t *testing.T) {
	t.Parallel()
	inner, innerMem := trail(t)
	second, err := fibertx.New(inner, nil)
	if err != nil {
		t.Fatal(err)
	}
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Use(second)
		app.Get("/", func(c fiber.Ctx) error { return c.SendString("once") })
	})
	ask(t, "GET", url+"/", "")
	entries(t, mem, 1)
	if es := innerMem.Entries(); len(es) != 0 {
		t.Errorf("recorded again: %v", es)
	}
}

// The calls of a handler are paired with its entry and carry what is known.
func TestOutbound(t *testing.T) {
	t.Parallel()
	behind, behindMem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/stock/:id", func(c fiber.Ctx) error { return c.SendString("7") })
	})
	q, clientMem := trail(t)
	client, err := outbound.NewClient(q, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	url, mem := serve(t, nil, fiber.Config{}, func(app *fiber.App) {
		app.Get("/items/:id", func(c fiber.Ctx) error {
			middleware.SetRoute(c.Context(), c.FullPath())
			r, err := http.NewRequestWithContext(c.Context(), "GET", behind+"/stock/7", nil)
			if err != nil {
				return err
			}
			r.Close = true
			res, err := client.Do(r)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.Copy(c, res.Body)
			return err
		})
	})
	if a := ask(t, "GET", url+"/items/7", "", txid.HeaderUser, "8812"); a.body != "7" {
		t.Fatal(a)
	}
	server, call, inner := entries(t, mem, 1)[0], entries(t, clientMem, 1)[0], entries(t, behindMem, 1)[0]
	if call.Parent != server.Span || inner.Parent != call.Span || inner.TxID != server.TxID || inner.Facts.UserID != "8812" {
		t.Errorf("server %v; call %v of %v; inner of %v, %q", server.Span, call.Span, call.Parent, inner.Parent, inner.Facts.UserID)
	}
	if inner.Facts.EntryPage != "GET /items/:id" {
		t.Errorf("entry page %q", inner.Facts.EntryPage)
	}
}
