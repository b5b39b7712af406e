package conformance

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// readerFromWriter notes what its ReadFrom is given.
type readerFromWriter struct {
	*plainWriter
	src io.Reader
}

func (w *readerFromWriter) ReadFrom(src io.Reader) (int64, error) {
	w.src = src
	return io.Copy(struct{ io.Writer }{w.plainWriter}, src)
}

func (c *checker) file(content string) *os.File {
	c.Helper()
	name := filepath.Join(c.TempDir(), "file.txt")
	c.must(os.WriteFile(name, []byte(content), 0o600))
	f, err := os.Open(name)
	c.must(err)
	c.Cleanup(func() { _ = f.Close() })
	return f
}

func fileCases() []Case {
	return []Case{{
		Name:   "SendfileIsKept",
		Reason: "io.Copy hands a file to ReadFrom, and the kernel sends it; a writer without it, or one that reads the file itself, copies every byte through memory.",
		over:   onlyHTTP1,
		check: func(c *checker) {
			f := c.file("a file")
			for _, limited := range []bool{false, true} {
				w := &readerFromWriter{plainWriter: newPlainWriter()}
				c.direct(w, http.NoBody, func(w http.ResponseWriter, _ *http.Request) {
					_, err := f.Seek(0, io.SeekStart)
					c.must(err)
					if limited {
						_, err = io.CopyN(w, f, 6)
					} else if rf, ok := w.(io.ReaderFrom); ok {
						// io.Copy asks a file for WriteTo first, which comes back to ReadFrom.
						_, err = rf.ReadFrom(f)
					} else {
						c.Fatalf("the writer has no ReadFrom, the inner one has")
					}
					c.must(err)
				})
				src := w.src
				if l, ok := src.(*io.LimitedReader); ok {
					src = l.R
				}
				if src != io.Reader(f) {
					c.Errorf("ReadFrom was given a %T instead of the file", src)
				}
				if got := w.body.String(); got != "a file" {
					c.Errorf("body is %q", got)
				}
			}
		},
	}, {
		Name:   "Ranges",
		Reason: "http.ServeContent answers ranges by seeking and copying: status, length and bytes stay right.",
		check: func(c *checker) {
			f := c.file(strings.Repeat("0123456789", 20000))
			h := func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "file.txt", time.Unix(1, 0), f)
			}
			got, want := c.serve(h), c.bare(h)
			for _, ranges := range []string{"", "bytes=5-100004", "bytes=-3", "bytes=300000-", "bytes=0-1,10-11"} {
				ask := func(s *server) answer {
					r := s.newRequest("GET", "/", nil)
					if ranges != "" {
						r.Header.Set("Range", ranges)
					}
					a := s.send(r)
					if strings.HasPrefix(a.Header.Get("Content-Type"), "multipart/") {
						a.Header.Del("Content-Type") // a random boundary
						a.body = ""
					}
					return a
				}
				c.same(ask(got), ask(want))
			}
		},
	}, {
		Name:   "ReadFromAfterWrite",
		Reason: "What was written before the file comes before it.",
		check: func(c *checker) {
			f := c.file("file")
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("head,"))
				_, _ = io.Copy(w, f)
				text(w, ",tail")
			})
			if got := s.get("/"); got.body != "head,file,tail" {
				c.Errorf("body is %q, want head,file,tail", got.body)
			}
		},
	}, {
		Name:   "ReadFromAnything",
		Reason: "ReadFrom takes every reader, not files alone, to its end and reports its error.",
		check: func(c *checker) {
			errs := make(chan error, 1)
			s := c.serve(func(w http.ResponseWriter, _ *http.Request) {
				_, err := io.Copy(w, &failingReader{text: strings.Repeat("x", 5000)})
				errs <- err
			})
			if got := s.get("/"); len(got.body) != 5000 {
				c.Errorf("got %d bytes, want 5000", len(got.body))
			}
			if err := await(c, errs, "the copy"); err != io.ErrNoProgress { // identical
				c.Errorf("the copy returned %v, want the reader's own error", err)
			}
		},
	}}
}

// failingReader yields its text, then an error.
type failingReader struct{ text string }

func (r *failingReader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.ErrNoProgress
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}
