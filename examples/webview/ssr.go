package main

import (
	"crypto/rand"
	"embed"
	"html/template"
	"io"
	"net/http"

	"github.com/txtrail/txtrail"
	"github.com/txtrail/txtrail/txid"
)

//go:embed page.html static
var files embed.FS

// newSSR renders the page. api is where the page's own calls go, as the browser
// reaches it; web is where this process reaches the same service.
func newSSR(trail *txtrail.Trail, web string) (http.Handler, error) {
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	client := trail.Client()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items", func(w http.ResponseWriter, r *http.Request) {
		// The page is rendered from what web says; the call carries the txid by itself.
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, web+"/api/items?access_token="+secretToken, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		res, err := client.Do(req)
		if err != nil {
			http.Error(w, "try again later", http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()

		nonce := rand.Text()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// The ID is in the page, so no cache may give the page to somebody else.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy",
			"default-src 'self'; script-src 'nonce-"+nonce+"'; connect-src 'self' "+web)
		_ = page.Execute(w, pageData(r, web, nonce))
	})
	mux.Handle("GET /static/", http.FileServerFS(files))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	return trail.Handler(mux), nil
}

// pageData is what the snippet needs: the ID, and the facts it sends on, the page by
// which the user came in among them.
func pageData(r *http.Request, api, nonce string) any {
	data := struct {
		TxID, API, Nonce string
		Facts            []txid.Fact
	}{API: api, Nonce: nonce}
	if s, ok := txid.FromContext(r.Context()); ok {
		data.TxID = string(s.ID)
		data.Facts = append(data.Facts, s.Carried...)
		page := s.EntryPage
		if page == "" && s.Recorder != nil {
			page = s.Recorder.EntryPage()
		}
		data.Facts = append(data.Facts, txid.Fact{Name: txid.HeaderEntryPage, Value: page},
			txid.Fact{Name: txid.HeaderParent, Value: s.Span.String()})
	}
	return data
}
