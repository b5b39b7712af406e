package workload

import (
	"net/http"
	"sync"
)

func contentType() []string { return []string{"application/json"} }

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// answer reads the request and answers, as an API does. Its buffers outlive requests,
// so that the handler itself allocates nothing.
func answer(body []byte) http.Handler {
	buffers := &sync.Pool{New: func() any { return new([4 << 10]byte) }}
	json := contentType()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := buffers.Get().(*[4 << 10]byte)
		for {
			if _, err := r.Body.Read(buf[:]); err != nil {
				break
			}
		}
		buffers.Put(buf)
		w.Header()["Content-Type"] = json
		_, _ = w.Write(body)
	})
}

// stream sends lines in pieces, each flushed.
func stream(lines []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/x-ndjson"}
		for range chunks {
			if _, err := w.Write(lines); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
}

func serveFile(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{"video/mp4"}
		http.ServeFile(w, r, name)
	})
}

// Boom is what the case "panic" throws.
const Boom = "boom"

func panics(http.ResponseWriter, *http.Request) { panic(Boom) }
