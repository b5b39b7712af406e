package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail"
)

// chargeTakes is how long core needs for a charge: longer than web waits.
const chargeTakes = 3 * time.Second

// newCore is the core API: the service behind the web backend.
func newCore(trail *txtrail.Trail) http.Handler {
	log := trail.Logger()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/sessions", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ User, Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Password != secretPassword {
			writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "unknown user or password"})
			return
		}
		log.InfoContext(r.Context(), "session opened", "user", in.User)
		writeJSON(w, http.StatusOK, map[string]any{"accessToken": secretToken, "expiresIn": 3600})
	})
	mux.HandleFunc("GET /v1/items", func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_ = json.NewEncoder(z).Encode(items())
		_ = z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	})
	mux.HandleFunc("GET /v1/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]any{"error": "no such item", "id": r.PathValue("id")})
	})
	var coupons atomic.Int64
	mux.HandleFunc("POST /v1/coupons", func(w http.ResponseWriter, r *http.Request) {
		if coupons.Add(1)%2 == 1 { // fails, and works when tried again
			log.ErrorContext(r.Context(), "coupon store",
				"error", errors.New("dial postgres://core:"+secretUserinfo+"@db.internal:5432/coupons: too many connections"))
			writeJSON(w, http.StatusServiceUnavailable, map[string]any{"error": "coupon store is busy"})
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"coupon": "AUTUMN-10", "off": 10})
	})
	mux.HandleFunc("POST /v1/charge", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(chargeTakes):
			writeJSON(w, http.StatusOK, map[string]any{"charged": true})
		case <-r.Context().Done():
			log.WarnContext(r.Context(), "charge given up: the caller went away")
		}
	})
	mux.HandleFunc("GET /v1/report", func(http.ResponseWriter, *http.Request) {
		panic("report: index out of range") // a bug, as they happen
	})
	mux.HandleFunc("GET /v1/export", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[")
		row := `{"id":1000,"name":"` + strings.Repeat("상자 ", 60) + `"}`
		for n := 0; n < exportSize; n += len(row) + 1 {
			if n > 0 {
				_, _ = io.WriteString(w, ",")
			}
			_, _ = io.WriteString(w, row)
		}
		_, _ = io.WriteString(w, "]")
	})
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "event: stock\ndata: {\"item\":%d,\"left\":%d}\n\n", 100+i, 3-i)
			if rc.Flush() != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	mux.HandleFunc("PUT /storage/{key}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(n)))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	return trail.Handler(mux)
}

// exportSize is how large the export is, in bytes.
const exportSize = 2 << 20

func items() any {
	return map[string]any{"items": []map[string]any{
		{"id": 100, "name": "생일 선물 상자", "price": 12000},
		{"id": 101, "name": "작은 상자", "price": 3500},
		{"id": 102, "name": "Big box", "price": 48000},
	}}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
