package interop

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/txid"
)

// seen is all that a client gets to see of an exchange.
type seen struct {
	Informational []string // status and headers of each 1xx
	Status        string
	Header        http.Header
	Length        int64 // as announced
	Encoding      []string
	Body          string // a digest of it, and how long it is
	Trailer       http.Header
	Err           string // of the body
}

// look sends a request and notes what comes of it. Nothing is left out but what is
// different each time, and what we add.
func look(t testing.TB, c *http.Client, req *http.Request) seen {
	t.Helper()
	var s seen
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			if status == http.StatusContinue {
				return nil // through a proxy it is luck how many come: its own, or the backend's too
			}
			s.Informational = append(s.Informational, fmt.Sprint(status, h))
			return nil
		},
	}))
	res, err := c.Do(req)
	if err != nil {
		s.Err = "no response: " + kind(err)
		return s
	}
	defer res.Body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, res.Body)
	s.Err = kind(err)
	s.Status, s.Length, s.Encoding = res.Proto+" "+res.Status, res.ContentLength, res.TransferEncoding
	s.Body = fmt.Sprintf("%x, %d bytes", sum.Sum(nil)[:8], n)
	s.Header, s.Trailer = res.Header.Clone(), res.Trailer.Clone()
	for _, name := range []string{"Date", txid.Header, txid.HeaderKeep} {
		s.Header.Del(name)
	}
	if s.Err != "" {
		s.Body = "" // how much came before the end is not for us to say
	}
	if boundary, ok := strings.CutPrefix(s.Header.Get("Content-Type"), "multipart/byteranges; boundary="); ok {
		s.Header.Set("Content-Type", fmt.Sprintf("multipart/byteranges, %d", len(boundary)))
		s.Body = fmt.Sprint(n) // its boundary is random
	}
	return s
}

// kind returns what an error says, without addresses and numbers of streams.
func kind(err error) string {
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "INTERNAL_ERROR"):
		return "stream reset"
	case strings.Contains(err.Error(), "unexpected EOF"):
		return "unexpected EOF"
	}
	return err.Error()
}

// alike compares what a client sees of the bare thing and of the recorded one.
func alike(t testing.TB, what string, bare, recorded seen) {
	t.Helper()
	if diff := cmp.Diff(bare, recorded); diff != "" {
		t.Errorf("%s: bare (-), recorded (+):\n%s", what, diff)
	}
}
