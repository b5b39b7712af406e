package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

func TestConnContext(t *testing.T) {
	for _, told := range []bool{true, false} {
		wrap, rec := recording(t, middleware.Options{})
		s := httptest.NewUnstartedServer(wrap(answering(200)))
		if told {
			s.Config.ConnContext = middleware.ConnContext
		}
		s.Start()
		for range 3 {
			do(t, s.Client(), request(t, "GET", s.URL, http.NoBody))
		}
		s.Client().CloseIdleConnections()
		do(t, s.Client(), request(t, "GET", s.URL, http.NoBody))
		s.Close()
		for i, e := range rec.wait(t, 4) {
			if want := told && (i == 1 || i == 2); e.HasFlag(entry.FlagReused) != want {
				t.Errorf("request %d, server told: %v, flags %v", i, told, e.Flags)
			}
		}
	}
}
