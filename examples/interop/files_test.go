package interop

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// kernel is a listener whose connections count the files that are given to them
// whole, for the kernel to send.
type kernel struct {
	net.Listener
	files atomic.Int64
}

// Accept implements [net.Listener].
func (k *kernel) Accept() (net.Conn, error) {
	c, err := k.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &kernelConn{c.(*net.TCPConn), k}, nil
}

type kernelConn struct {
	*net.TCPConn
	k *kernel
}

// ReadFrom implements [io.ReaderFrom].
func (c *kernelConn) ReadFrom(src io.Reader) (int64, error) {
	r := src
	if l, ok := r.(*io.LimitedReader); ok {
		r = l.R
	}
	if _, ok := r.(*os.File); ok {
		c.k.files.Add(1)
	}
	return c.TCPConn.ReadFrom(src)
}

// net/http's own file server answers alike with and without us, whatever part of a file
// is asked for, and the kernel sends the same files.
func TestFileServer(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"page.html": 300 << 10, "picture.bin": 2 << 20, "empty.txt": 0, "small.txt": 100} {
		content := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz\n"), size/37+1)[:size]
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	modified := info.ModTime().UTC().Format(http.TimeFormat)
	const long = "Mon, 02 Jan 2006 15:04:05 GMT"
	cases := []struct {
		name   string
		method string
		path   string
		header []string
		status int
	}{
		{"whole", "GET", "/page.html", nil, 200},
		{"binary", "GET", "/picture.bin", nil, 200},
		{"empty", "GET", "/empty.txt", nil, 200},
		{"small", "GET", "/small.txt", nil, 200},
		{"head", "HEAD", "/page.html", nil, 200},
		{"folder", "GET", "/", nil, 200},
		{"missing", "GET", "/nothing", nil, 404},
		{"redirected", "GET", "/index.html", nil, 301},
		{"range", "GET", "/page.html", []string{"Range", "bytes=1000-200999"}, 206},
		{"range of a binary", "GET", "/picture.bin", []string{"Range", "bytes=1000000-"}, 206},
		{"last bytes", "GET", "/page.html", []string{"Range", "bytes=-50"}, 206},
		{"one byte", "GET", "/page.html", []string{"Range", "bytes=0-0"}, 206},
		{"ranges", "GET", "/page.html", []string{"Range", "bytes=0-9,100-199,1000-90000"}, 206},
		{"head of ranges", "HEAD", "/page.html", []string{"Range", "bytes=0-9,100-199"}, 206},
		{"out of range", "GET", "/page.html", []string{"Range", "bytes=9999999-"}, 416},
		{"nonsense", "GET", "/page.html", []string{"Range", "bytes=b-a"}, 416},
		{"if range, unchanged", "GET", "/page.html", []string{"Range", "bytes=5-9", "If-Range", modified}, 206},
		{"if range, changed", "GET", "/page.html", []string{"Range", "bytes=5-9", "If-Range", long}, 200},
		{"if modified, not", "GET", "/page.html", []string{"If-Modified-Since", modified}, 304},
		{"if unmodified, changed", "GET", "/page.html", []string{"If-Unmodified-Since", long}, 412},
	}
	eachProtocol(t, func(t *testing.T, proto protocol) {
		client, trail := newTrail(t), newTrail(t)
		files := http.FileServer(http.Dir(dir))
		bare, bareKernel := serveFiles(t, proto, files)
		recorded, ourKernel := serveFiles(t, proto, trail.wrap(files))
		ask := func(c *http.Client, s *server, i int) seen {
			c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			k := cases[i]
			return look(t, c, request(t, k.method, s.URL+k.path, nil, k.header...))
		}
		for i, k := range cases {
			without := bareKernel.files.Load()
			want := ask(&http.Client{Transport: bare.transport}, bare, i)
			without = bareKernel.files.Load() - without
			with := ourKernel.files.Load()
			got := ask(client.over(t, recorded.transport), recorded, i)
			with = ourKernel.files.Load() - with
			if !strings.HasSuffix(got.Status, fmt.Sprint(k.status, " ", http.StatusText(k.status))) {
				t.Errorf("%s: %s, want %d", k.name, got.Status, k.status)
			}
			alike(t, k.name, want, got)
			if with != without {
				t.Errorf("%s: the kernel sent %d files, %d without us", k.name, with, without)
			}
			if proto == http1 && k.name == "whole" && with == 0 {
				t.Error("the kernel sent no file: nothing was tested")
			}
			for who, e := range map[string]*entry.Entry{"server": trail.one(t, entry.KindServer), "client": client.one(t, entry.KindClient)} {
				if e.HTTP.Status != k.status || e.Error.Type != "" {
					t.Errorf("%s: %s: %s %s", k.name, who, e.Message, e.Error.Type)
				}
				if size := want.Length; k.method != http.MethodHead && size > 0 && e.Response.Body.Size != size {
					t.Errorf("%s: %s: %d bytes, want %d", k.name, who, e.Response.Body.Size, size)
				}
			}
		}
	})
}

func serveFiles(t testing.TB, proto protocol, h http.Handler) (*server, *kernel) {
	t.Helper()
	k := &kernel{}
	s := serveOn(t, proto, h, func(l net.Listener) net.Listener {
		k.Listener = l
		return k
	})
	return s, k
}
