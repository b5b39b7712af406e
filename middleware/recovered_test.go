package middleware_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
)

type coded struct{ code string }

func (e coded) Error() string { return "the till is closed" }
func (e coded) ErrorType() string {
	if e.code == "panics" {
		panic("no type today")
	}
	return e.code
}

// An error that has a word for itself is filed under that word.
func TestErrorType(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"named", coded{"unavailable"}, "unavailable"},
		{"wrapped", fmt.Errorf("paying: %w", coded{"unavailable"}), "unavailable"},
		{"joined", errors.Join(errors.New("first"), coded{"unavailable"}), "unavailable"},
		{"empty", coded{}, "middleware_test.coded"},
		{"panics", coded{"panics"}, "middleware_test.coded"},
		{"plain", errors.New("plain"), "*errors.errorString"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
				middleware.SetError(r.Context(), tc.err)
				w.WriteHeader(http.StatusBadGateway)
			})
			do(t, s.Client(), request(t, "GET", s.URL, nil))
			if e := rec.one(t); e.Error.Type != tc.want || e.Error.Message != tc.err.Error() {
				t.Errorf("error %q %q, want %q %q", e.Error.Type, e.Error.Message, tc.want, tc.err)
			}
		})
	}
}

// A panic that a framework recovered is recorded as one, with what was answered.
func TestSetPanic(t *testing.T) {
	t.Parallel()
	recovering := func(trace []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				middleware.SetPanic(r.Context(), recover(), trace)
				w.WriteHeader(http.StatusInternalServerError)
			}()
			explodes()
		}
	}
	for _, tc := range []struct {
		name, stack string
		h           http.HandlerFunc
	}{
		{"own stack", "explodes", recovering(nil)},
		{"given stack", "goroutine 7", recovering([]byte("goroutine 7 [running]"))},
		{"long stack", "xxxx", recovering([]byte(strings.Repeat("x", 2*entry.MaxStack)))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, rec := serve(t, middleware.Options{}, tc.h)
			do(t, s.Client(), request(t, "GET", s.URL, nil))
			e := rec.one(t)
			if e.HTTP.Status != 500 || e.Error.Type != "panic" || e.Error.Message != "string: boom" || !e.HasFlag(entry.FlagPanic) || e.Severity != entry.SeverityCritical {
				t.Errorf("%d %q %q %v %v", e.HTTP.Status, e.Error.Type, e.Error.Message, e.Flags, e.Severity)
			}
			if !strings.Contains(e.Error.Stack, tc.stack) || len(e.Error.Stack) > entry.MaxStack {
				t.Errorf("stack of %d bytes: %.200q, want %q", len(e.Error.Stack), e.Error.Stack, tc.stack)
			}
		})
	}

	// What is no panic, or an abort, is none.
	s, rec := serve(t, middleware.Options{}, func(w http.ResponseWriter, r *http.Request) {
		middleware.SetPanic(r.Context(), nil, nil)
		middleware.SetPanic(r.Context(), http.ErrAbortHandler, nil)
		middleware.SetPanic(t.Context(), "no exchange here", nil)
	})
	do(t, s.Client(), request(t, "GET", s.URL, nil))
	if e := rec.one(t); e.Error.Type != "" || e.HasFlag(entry.FlagPanic) {
		t.Errorf("%q %v, want no panic", e.Error.Type, e.Flags)
	}
}

func explodes() { panic("boom") }
