package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"time"

	"github.com/txtrail/txtrail/txid"
)

// userAgent is what KakaoTalk's WebView on Android says of itself.
const userAgent = "Mozilla/5.0 (Linux; Android 15; SM-S928N Build/AP3A.240905.015.A2; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/144.0.7559.132 Mobile Safari/537.36 KAKAOTALK/26.3.5 (INAPP)"

// app is the app with its WebView: a browser, and the headers that the app adds to
// the page it opens.
type app struct {
	ssr, web string
	client   *http.Client
	facts    http.Header // what the page's snippet sends on
	id       string      // the page's txid, from its meta tag
}

// step is one thing that the user, or the page, does.
type step struct {
	name string
	do   func(context.Context, *app) (status int, err error)
	want int // the status with which the step is as the story wants it
}

func newApp(ssr, web string) *app {
	jar, _ := cookiejar.New(nil) // never fails with nil options
	return &app{ssr: ssr, web: web, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// run drives the scenario and returns the page's txid. Steps that do not end as they
// should are an error, after all of them have been taken.
func (a *app) run(ctx context.Context, talk io.Writer) (txid.ID, error) {
	var errs []error
	for _, s := range scenario() {
		status, err := s.do(ctx, a)
		if ctx.Err() != nil {
			return "", context.Cause(ctx) // Ctrl-C: what follows could only fail
		}
		_, _ = fmt.Fprintf(talk, "  %-34s %d\n", s.name, status)
		if err == nil && status != s.want {
			err = fmt.Errorf("status %d, want %d", status, s.want)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	id, err := txid.Parse(a.id)
	return id, errors.Join(append(errs, err)...)
}

func scenario() []step {
	get := func(path string) func(context.Context, *app) (int, error) {
		return func(ctx context.Context, a *app) (int, error) { return a.ajax(ctx, http.MethodGet, path, "", nil) }
	}
	post := func(path, body string) func(context.Context, *app) (int, error) {
		return func(ctx context.Context, a *app) (int, error) {
			return a.ajax(ctx, http.MethodPost, path, "application/json", strings.NewReader(body))
		}
	}
	return []step{
		{"health checks (not recorded)", health, 200},
		{"open the page", open, 200},
		{"its style sheet (not recorded)", styleSheet, 200},
		{"items, gzipped on the way", get("/api/items?access_token=" + secretToken), 200},
		{"sign in", post("/api/sign-in", `{"user":"8812","password":"`+secretPassword+`"}`), 200},
		{"profile form", profile, 200},
		{"an item that is gone", get("/api/items/999"), 404},
		{"coupon, works at the second try", post("/api/coupon", `{"code":"AUTUMN-10"}`), 200},
		{"pay: time-out, then refused", post("/api/pay", `{"item":100,"memo":"카드 `+secretCard+` 주민 `+secretRRN+` 영수증 `+secretEmail+`"}`), 502},
		{"report: a bug in core", get("/api/report"), 502},
		{"export of 2 MB", get("/api/export"), 200},
		{"stock events (SSE)", get("/api/events"), 200},
		{"upload a picture", upload, 201},
	}
}

func health(ctx context.Context, a *app) (int, error) {
	status, _, err := a.fetch(ctx, http.MethodGet, a.ssr+"/healthz", nil, nil)
	if err != nil || status != 200 {
		return status, err
	}
	status, _, err = a.fetch(ctx, http.MethodGet, a.web+"/healthz", nil, nil)
	return status, err
}

// open loads the page as the app does, with the facts in headers, and takes from it
// what the snippet takes.
func open(ctx context.Context, a *app) (int, error) {
	h := http.Header{}
	h.Set(txid.HeaderUser, "8812")
	h.Set(txid.HeaderCountry, "KR")
	h.Set(txid.HeaderOS, "Android 15")
	h.Set(txid.HeaderDevice, "SM-S928N")
	h.Set(txid.HeaderAppVersion, "KakaoTalk 26.3.5")
	h.Set("Authorization", "Bearer "+secretBearer)
	status, body, err := a.fetch(ctx, http.MethodGet, a.ssr+"/items", h, nil)
	if err != nil {
		return status, err
	}
	m := metaTxID.FindSubmatch(body)
	if m == nil {
		return status, errors.New("the page has no txid in its meta tag")
	}
	a.id = string(m[1])
	a.facts = http.Header{}
	for _, m := range metaFact.FindAllSubmatch(body, -1) {
		a.facts.Set(string(m[2]), string(m[1]))
	}
	a.facts.Set(txid.Header, a.id)
	return status, nil
}

var (
	metaTxID = regexp.MustCompile(`<meta name="txid" content="([^"]+)">`)
	metaFact = regexp.MustCompile(`<meta name="txfact" content="([^"]+)" data-header="([^"]+)">`)
)

func styleSheet(ctx context.Context, a *app) (int, error) {
	status, _, err := a.fetch(ctx, http.MethodGet, a.ssr+"/static/page.css", nil, nil)
	return status, err
}

func profile(ctx context.Context, a *app) (int, error) {
	return a.ajax(ctx, http.MethodPost, "/api/profile", "application/x-www-form-urlencoded",
		strings.NewReader("nickname=%EC%84%9C%EC%97%B0&phone="+secretPhone+"&otp="+secretOTP))
}

func upload(ctx context.Context, a *app) (int, error) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w, err := m.CreateFormFile("file", "box.png")
	if err != nil {
		return 0, err
	}
	_, _ = w.Write(append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0x00, 0xff, 0x10}, 3000)...))
	if err := m.Close(); err != nil {
		return 0, err
	}
	return a.ajax(ctx, http.MethodPost, "/api/upload", m.FormDataContentType(), &b)
}

// ajax is a call of the page: to web, with what the snippet adds.
func (a *app) ajax(ctx context.Context, method, path, contentType string, body io.Reader) (int, error) {
	h := a.facts.Clone()
	if h == nil {
		return 0, errors.New("the page has not been opened")
	}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Referer", a.ssr+"/items")
	h.Set("Origin", a.ssr)
	status, _, err := a.fetch(ctx, method, a.web+path, h, body)
	return status, err
}

func (a *app) fetch(ctx context.Context, method, url string, h http.Header, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, nil, err
	}
	if h != nil {
		req.Header = h.Clone()
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := a.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}
