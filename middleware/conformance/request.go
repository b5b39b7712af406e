package conformance

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
)

func requestCases() []Case {
	return []Case{{
		Name:   "RequestIsTheSame",
		Reason: "Method, target, host, headers, form and addresses are what the client sent.",
		check: func(c *checker) {
			h := func(w http.ResponseWriter, r *http.Request) {
				text(w, strings.Join([]string{
					r.Method, r.URL.String(), r.Proto, r.RequestURI, r.Header.Get("X-Custom"),
					strings.Join(r.Header["X-Many"], "|"), r.FormValue("f"), r.FormValue("q"),
				}, " "))
			}
			ask := func(s *server) answer {
				r := s.newRequest("POST", "/a%2Fb/../c?q=1;2&q=3&%zz", strings.NewReader("f=%ED%95%9C"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Custom", "b\xe9te")
				r.Header["X-Many"] = []string{"1", "2"}
				return s.send(r)
			}
			c.same(ask(c.serve(h)), ask(c.bare(h)))
		},
	}, {
		Name:   "ContextIsTheServers",
		Reason: "The server's values, and those of whoever wrapped us, are in the handler's context.",
		check: func(c *checker) {
			type key struct{}
			ok := make(chan string, 1)
			inner := c.wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				switch {
				case r.Context().Value(http.ServerContextKey) == nil:
					ok <- "no http.ServerContextKey"
				case r.Context().Value(http.LocalAddrContextKey) == nil:
					ok <- "no http.LocalAddrContextKey"
				case r.Context().Value(key{}) != "outer":
					ok <- "no value of the outer handler"
				default:
					ok <- ""
				}
			}))
			c.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "outer")))
			})).get("/")
			if what := await(c, ok, "the handler"); what != "" {
				c.Errorf("the handler's context has %s", what)
			}
		},
	}, {
		Name:   "PatternAndPathValues",
		Reason: "A ServeMux inside finds its way, and its handlers their pattern and path values.",
		check: func(c *checker) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
				text(w, r.Pattern+" "+r.PathValue("id"))
			})
			s := c.serve(mux.ServeHTTP)
			if got := s.get("/items/7"); got.body != "GET /items/{id} 7" {
				c.Errorf("got %q", got.body)
			}
			if got := s.post(""); got.StatusCode != http.StatusNotFound {
				c.Errorf("another path got %d", got.StatusCode)
			}
		},
	}, {
		Name:   "MultipartFilesAreRemoved",
		Reason: "The server removes the temporary files of the form on its own request. A form parsed on a copy leaves its files behind until the disk is full.",
		check: func(c *checker) {
			names := make(chan string, 1)
			s := c.serve(func(_ http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					names <- "error: " + err.Error()
					return
				}
				f, err := r.MultipartForm.File["f"][0].Open()
				if err != nil {
					names <- "error: " + err.Error()
					return
				}
				defer f.Close()
				if file, ok := f.(*os.File); ok {
					names <- file.Name()
				} else {
					names <- "error: the file was kept in memory"
				}
			})
			var b bytes.Buffer
			form := multipart.NewWriter(&b)
			part, err := form.CreateFormFile("f", "f.txt")
			c.must(err)
			text(part, strings.Repeat("x", 64<<10))
			c.must(form.Close())
			r := s.newRequest("POST", "/", &b)
			r.Header.Set("Content-Type", form.FormDataContentType())
			s.send(r)
			name := await(c, names, "the file's name")
			if strings.HasPrefix(name, "error: ") {
				c.Fatalf("%s", name)
			}
			for end := time.Now().Add(c.patience); ; time.Sleep(time.Millisecond) {
				if _, err := os.Stat(name); os.IsNotExist(err) {
					return
				}
				if time.Now().After(end) {
					_ = os.Remove(name)
					c.Fatalf("the temporary file is still there")
				}
			}
		},
	}, {
		Name:   "Connect",
		Reason: "CONNECT has an authority for a target, and is answered like any other method.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			s := c.serve(func(w http.ResponseWriter, r *http.Request) {
				conn, rw, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				text(rw, "HTTP/1.1 200 OK\r\n\r\n"+r.Method+" "+r.RequestURI)
				_ = rw.Flush()
			})
			_, br := s.dial("CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n")
			b, err := io.ReadAll(br)
			c.must(err)
			if !strings.HasSuffix(string(b), "CONNECT example.test:443") {
				c.Errorf("got %q", b)
			}
		},
	}}
}
