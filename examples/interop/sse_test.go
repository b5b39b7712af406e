package interop

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
)

// event is what a client makes of a piece of an event stream.
type event struct{ id, name, data string }

// listen reads events as they come, as the HTML standard has a client do it. The
// channel is closed at the stream's end.
func listen(body io.Reader) <-chan event {
	events := make(chan event, 100)
	go func() {
		defer close(events)
		var e event
		for lines := bufio.NewScanner(body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case lines.Text() == "":
				if e.data != "" {
					e.data = strings.TrimSuffix(e.data, "\n")
					events <- e
				}
				e = event{id: e.id}
			case name == "": // a comment
			case name == "id":
				e.id = value
			case name == "event":
				e.name = value
			case name == "data":
				e.data += value + "\n"
			}
		}
	}()
	return events
}

// ticker is a handler that sends an event for each value on next, from the one after
// Last-Event-ID on, until the channel is closed or the client has gone.
func ticker(next <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := 0
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			n, err := strconv.Atoi(last)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			i = n + 1
		}
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
		flusher, ok := w.(http.Flusher) // as most handlers do it
		if !ok {
			http.Error(w, "no streaming", http.StatusInternalServerError)
			return
		}
		flusher.Flush()
		for ; ; i++ {
			select {
			case <-r.Context().Done():
				return
			case _, more := <-next:
				if !more {
					return
				}
			}
			fmt.Fprintf(w, ": comment\nid: %d\nevent: tick\ndata: {\"n\":%d,\ndata: \"password\":\"hunter2-%d\"}\n\n", i, i, i)
			flusher.Flush()
		}
	}
}

// expect asks for n events, each after the one before has come.
func expect(t *testing.T, next chan<- struct{}, events <-chan event, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		next <- struct{}{}
		want := event{strconv.Itoa(i), "tick", fmt.Sprintf("{\"n\":%d,\n\"password\":\"hunter2-%d\"}", i, i)}
		if got := recv(t, events, "event "+want.id); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// An event is with its reader before the next one is sent, and a reader that comes back
// goes on where it left.
func TestEvents(t *testing.T) {
	eachProtocol(t, func(t *testing.T, proto protocol) {
		server, client := newTrail(t), newTrail(t)
		next := make(chan struct{})
		s := serve(t, proto, server.wrap(ticker(next)))
		c := client.over(t, s.transport)

		res, err := c.Do(request(t, http.MethodGet, s.URL+"/ticks", nil, "Accept", "text/event-stream"))
		if err != nil {
			t.Fatal(err)
		}
		events := listen(res.Body)
		expect(t, next, events, 0, 5)
		_ = res.Body.Close()
		e := server.one(t, entry.KindServer)
		if e.Error.Type != "client_aborted" || !e.HasFlag(entry.FlagStreamed) || e.Response.Body.Chunks != 5 {
			t.Errorf("%s: %s, %v, %d chunks, want a client that left after 5", e.Message, e.Error.Type, e.Flags, e.Response.Body.Chunks)
		}
		if e := client.one(t, entry.KindClient); e.Response.Body.Size == 0 || e.HTTP.Status != http.StatusOK {
			t.Errorf("%s: %d bytes", e.Message, e.Response.Body.Size)
		}

		res, err = c.Do(request(t, http.MethodGet, s.URL+"/ticks", nil, "Accept", "text/event-stream", "Last-Event-ID", "4"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		events = listen(res.Body)
		expect(t, next, events, 5, 3)
		close(next)
		if e, more := <-events; more {
			t.Errorf("%q after the last event", e)
		}
		for who, e := range map[string]*entry.Entry{
			"server": server.one(t, entry.KindServer), "client": client.one(t, entry.KindClient),
		} {
			b := string(e.Response.Body.Content)
			if e.Error.Type != "" || strings.Count(b, "event: tick") != 3 || strings.Contains(b, "hunter2") {
				t.Errorf("%s: %s: %s: %s", who, e.Message, e.Error.Type, b)
			}
		}
	})
}
