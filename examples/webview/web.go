package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
)

// chargeLimit is how long web waits for a charge.
const chargeLimit = 300 * time.Millisecond

// web is the web backend: the page's AJAX calls come here, and it calls core.
type web struct {
	trail  *txtrail.Trail
	client *http.Client
	core   string // http://host:port
	spare  string // a second core that is not running
}

func newWeb(trail *txtrail.Trail, core, spare string) http.Handler {
	s := &web{trail: trail, client: trail.Client(), core: core, spare: spare}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/sign-in", s.signIn)
	mux.HandleFunc("GET /api/items", s.forward("GET", "/v1/items"))
	mux.HandleFunc("GET /api/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.forward("GET", "/v1/items/"+r.PathValue("id"))(w, r)
	})
	mux.HandleFunc("POST /api/coupon", s.coupon)
	mux.HandleFunc("POST /api/pay", s.pay)
	mux.HandleFunc("GET /api/report", s.forward("GET", "/v1/report"))
	mux.HandleFunc("GET /api/export", s.forward("GET", "/v1/export"))
	mux.HandleFunc("GET /api/events", s.forward("GET", "/v1/events"))
	mux.HandleFunc("POST /api/upload", s.upload)
	mux.HandleFunc("POST /api/profile", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"saved": true})
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	return s.cors(trail.Handler(mux))
}

// cors lets pages of this machine call, which is another origin. The preflight stays outside the trail: the
// browser asks it by itself, without any of the page's headers.
func (s *web) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Vary", "Origin")
		if origin := r.Header.Get("Origin"); strings.HasPrefix(origin, "http://127.0.0.1:") {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "X-Transaction-Id")
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *web) signIn(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	res, err := s.call(r.Context(), http.MethodPost, s.core+"/v1/sessions", bytes.NewReader(body))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer res.Body.Close()
	http.SetCookie(w, &http.Cookie{Name: "visit", Value: secretSession, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	s.copy(w, res)
}

// coupon tries twice: the second try is an attempt of the same call.
func (s *web) coupon(w http.ResponseWriter, r *http.Request) {
	ctx := outbound.Attempt(r.Context())
	send := func() (*http.Response, error) {
		return s.call(ctx, http.MethodPost, s.core+"/v1/coupons", strings.NewReader(`{"code":"AUTUMN-10"}`))
	}
	res, err := send()
	if err == nil && res.StatusCode >= 500 {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if err != nil || res.StatusCode >= 500 {
		res, err = send()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer res.Body.Close()
	s.copy(w, res)
}

// pay charges a card: core does not answer in time, and the spare is not there.
func (s *web) pay(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Item int    `json:"item"`
		Memo string `json:"memo"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	middleware.Annotate(r.Context(), "item", fmt.Sprint(in.Item))
	ctx := outbound.Attempt(r.Context())
	body := fmt.Sprintf(`{"item":%d,"amount":12000,"currency":"KRW"}`, in.Item)
	first, cancel := context.WithTimeout(ctx, chargeLimit)
	defer cancel()
	res, err := s.call(first, http.MethodPost, s.core+"/v1/charge", strings.NewReader(body))
	if err != nil {
		res, err = s.call(ctx, http.MethodPost, s.spare+"/v1/charge", strings.NewReader(body))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer res.Body.Close()
	s.copy(w, res)
}

// upload stores the file by a presigned URL, whose signature is a credential.
func (s *web) upload(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	defer file.Close()
	url := s.core + "/storage/" + head.Filename + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=" + secretSign
	res, err := s.call(r.Context(), http.MethodPut, url, file)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_ = res.Body.Close()
	writeJSON(w, http.StatusCreated, map[string]any{"stored": head.Size, "url": url})
}

// forward answers with what core answers.
func (s *web) forward(method, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		res, err := s.call(r.Context(), method, s.core+path, nil)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer res.Body.Close()
		s.copy(w, res)
	}
}

func (s *web) call(ctx context.Context, method, url string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", secretAPIKey)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.client.Do(req)
}

func (s *web) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.trail.Logger().ErrorContext(r.Context(), "core failed", "error", err)
	middleware.SetError(r.Context(), err)
	writeJSON(w, http.StatusBadGateway, map[string]any{"error": "try again later"})
}

// copy passes an answer on piece by piece, so that a stream stays one.
func (s *web) copy(w http.ResponseWriter, res *http.Response) {
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(res.StatusCode)
	rc := http.NewResponseController(w)
	stream := strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	buf := make([]byte, 32<<10)
	for {
		n, err := res.Body.Read(buf)
		if _, werr := w.Write(buf[:n]); werr != nil || err != nil {
			return
		}
		if stream && rc.Flush() != nil {
			return
		}
	}
}
