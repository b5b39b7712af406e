package soak

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"
)

// operation is one thing that a user does, and what must come of it.
type operation struct {
	name string
	do   func(context.Context, *users, *rand.Rand) error
}

var operations = []operation{
	{"get", get("/small?user=kim", http.StatusOK)},
	{"get", get("/small?user=lee", http.StatusOK)},
	{"file", get("/file", http.StatusOK)},
	{"range", getRange},
	{"head", head},
	{"missing", get("/nowhere", http.StatusNotFound)},
	{"echo", echo(1 << 10)},
	{"echo", echo(64 << 10)},
	{"gzip", gzipped},
	{"upload", upload},
	{"form", form},
	{"events", listen},
	{"panic", get("/panic", 0)},
	{"late panic", get("/panic?late", 0)},
	{"abort", get("/abort", 0)},
	{"time limit", get("/limit", http.StatusServiceUnavailable)},
	{"hang", hang},
	{"leave", leave},
	{"slow upload", trickle(false)},
	{"upload broken off", trickle(true)},
	{"expect", expect},
	{"coder", coderEcho},
	{"gorilla", gorillaEcho(true)},
	{"gorilla gone", gorillaEcho(false)},
	{"call", get("/call?to=ok", http.StatusOK)},
	{"call", get("/call?to=echo", http.StatusOK)},
	{"call redirected", get("/call?to=redirect", http.StatusOK)},
	{"call failed", get("/call?to=fail", http.StatusInternalServerError)},
	{"call refused", get("/call?to=refused", http.StatusBadGateway)},
	{"call slow", get("/call?to=slow", http.StatusBadGateway)},
	{"call cut", get("/call?to=cut", http.StatusBadGateway)},
	{"call unread", get("/call?to=unread", http.StatusNoContent)},
}

// pick returns one of the six clients and the server that it goes to.
func (u *users) pick(rnd *rand.Rand) (*http.Client, string) {
	i := rnd.IntN(len(u.http))
	if rnd.IntN(2) == 0 {
		return u.ours[i], u.urls[i]
	}
	return u.http[i], u.urls[i]
}

// send sends a request and reads the whole answer.
func (u *users) send(ctx context.Context, rnd *rand.Rand, method, path string, body io.Reader, header ...string) (*http.Response, []byte, error) {
	c, url := u.pick(rnd)
	req, err := http.NewRequestWithContext(ctx, method, url+path, body)
	if err != nil {
		return nil, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, b, err
}

// get expects a status, or with 0 that the exchange breaks off.
func get(path string, status int) func(context.Context, *users, *rand.Rand) error {
	return func(ctx context.Context, u *users, rnd *rand.Rand) error {
		res, _, err := u.send(ctx, rnd, http.MethodGet, path, nil)
		switch {
		case status == 0 && err == nil:
			return fmt.Errorf("status %d and a whole body, want it broken off", res.StatusCode)
		case status == 0:
			return nil
		case err != nil:
			return err
		case res.StatusCode != status:
			return fmt.Errorf("status %d, want %d", res.StatusCode, status)
		}
		return nil
	}
}

func getRange(ctx context.Context, u *users, rnd *rand.Rand) error {
	res, b, err := u.send(ctx, rnd, http.MethodGet, "/file", nil, "Range", "bytes=10-1009")
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusPartialContent || len(b) != 1000 {
		return fmt.Errorf("status %d with %d bytes, want 206 with 1000", res.StatusCode, len(b))
	}
	return nil
}

func head(ctx context.Context, u *users, rnd *rand.Rand) error {
	res, b, err := u.send(ctx, rnd, http.MethodHead, "/file", nil)
	if err != nil {
		return err
	}
	if len(b) > 0 || res.ContentLength <= 0 {
		return fmt.Errorf("%d bytes and a length of %d", len(b), res.ContentLength)
	}
	return nil
}

func echo(size int) func(context.Context, *users, *rand.Rand) error {
	return func(ctx context.Context, u *users, rnd *rand.Rand) error {
		sent := document(rnd, size)
		var body io.Reader = bytes.NewReader(sent)
		if rnd.IntN(2) == 0 {
			body = io.MultiReader(body) // of a length that nobody knows
		}
		return same(sent)(u.send(ctx, rnd, http.MethodPost, "/echo", body, "Content-Type", "application/json"))
	}
}

func gzipped(ctx context.Context, u *users, rnd *rand.Rand) error {
	sent := document(rnd, 8<<10)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(sent)
	if err := z.Close(); err != nil {
		return err
	}
	return same(sent)(u.send(ctx, rnd, http.MethodPost, "/gzip", &b, "Content-Encoding", "gzip", "Content-Type", "application/json"))
}

func upload(ctx context.Context, u *users, rnd *rand.Rand) error {
	n := 256<<10 + rnd.Int64N(256<<10)
	return same([]byte(strconv.FormatInt(n, 10)))(
		u.send(ctx, rnd, http.MethodPost, "/upload", io.LimitReader(zeros{}, n), "Content-Type", "application/octet-stream"))
}

func form(ctx context.Context, u *users, rnd *rand.Rand) error {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if err := m.WriteField("password", "not for the journal"); err != nil {
		return err
	}
	w, err := m.CreateFormFile("file", "photo.jpg")
	if err != nil {
		return err
	}
	_, _ = io.CopyN(w, zeros{}, 20<<10)
	if err := m.Close(); err != nil {
		return err
	}
	return same([]byte(strconv.Itoa(20 << 10)))(u.send(ctx, rnd, http.MethodPost, "/form", &b, "Content-Type", m.FormDataContentType()))
}

func listen(ctx context.Context, u *users, rnd *rand.Rand) error {
	_, b, err := u.send(ctx, rnd, http.MethodGet, "/events", nil, "Accept", "text/event-stream")
	if err != nil {
		return err
	}
	if n := bytes.Count(b, []byte("data: ")); n != events {
		return fmt.Errorf("%d events, want %d", n, events)
	}
	return nil
}

// hang leaves while the handler has not answered yet.
func hang(ctx context.Context, u *users, rnd *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	if _, _, err := u.send(ctx, rnd, http.MethodGet, "/hang", nil); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%v, want the deadline", err) //nolint:errorlint // whatever it is
	}
	return nil
}

// leave closes a large answer after its beginning.
func leave(ctx context.Context, u *users, rnd *rand.Rand) error {
	c, url := u.pick(rnd)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/big", nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, res.Body, 64<<10)
	return errors.Join(err, res.Body.Close())
}

// document makes about size bytes of JSON that no two calls have alike.
func document(rnd *rand.Rand, size int) []byte {
	b := []byte(`{"user":"kim","password":"not for the journal","items":[`)
	for len(b) < size {
		b = strconv.AppendUint(b, rnd.Uint64(), 10)
		b = append(b, ',')
	}
	return append(b, `0]}`...)
}

// same returns a check of an answer's body.
func same(want []byte) func(*http.Response, []byte, error) error {
	return func(res *http.Response, got []byte, err error) error {
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK || !bytes.Equal(got, want) {
			return fmt.Errorf("status %d with %d bytes, want 200 with the %d of before", res.StatusCode, len(got), len(want))
		}
		return nil
	}
}

// zeros is an endless reader.
type zeros struct{}

// Read implements [io.Reader].
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
