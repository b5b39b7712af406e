package entry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/txtrail/txtrail/entry"
)

func TestFlags(t *testing.T) {
	e := &entry.Entry{}
	e.AddFlag(entry.FlagPanic)
	e.AddFlag(entry.FlagAborted)
	e.AddFlag(entry.FlagPanic)
	if d := cmp.Diff([]string{entry.FlagPanic, entry.FlagAborted}, e.Flags); d != "" || !e.HasFlag(entry.FlagAborted) || e.HasFlag(entry.FlagLate) {
		t.Error(d)
	}
}

func TestFailed(t *testing.T) {
	entryOf := func(k entry.Kind, status int, errType string) *entry.Entry {
		return &entry.Entry{Kind: k, HTTP: entry.HTTP{Status: status}, Error: entry.Error{Type: errType}}
	}
	for _, tc := range []struct {
		e    *entry.Entry
		want bool
		why  string
	}{
		{entryOf(entry.KindServer, 200, ""), false, "an answer"},
		{entryOf(entry.KindServer, 404, ""), false, "the server did its work"},
		{entryOf(entry.KindServer, 500, ""), true, "the server failed"},
		{entryOf(entry.KindServer, 200, "client_aborted"), true, "an error, whatever the status"},
		{entryOf(entry.KindClient, 404, ""), true, "the caller did not get what it asked for"},
		{entryOf(entry.KindClient, 302, ""), false, "an answer"},
		{entryOf(entry.KindClient, 0, "timeout"), true, "no answer"},
		{entryOf(entry.KindBrowser, 404, ""), false, "as a server's"},
		{entryOf(entry.KindStream, 101, "reset"), true, "it broke"},
		{&entry.Entry{Kind: entry.KindLog, Severity: entry.SeverityWarning}, false, "a warning"},
		{&entry.Entry{Kind: entry.KindLog, Severity: entry.SeverityError}, true, "an error"},
		{&entry.Entry{Kind: entry.KindGap}, true, "entries are lost"},
		{&entry.Entry{Kind: entry.KindCrash}, true, "the process died"},
	} {
		if got := tc.e.Failed(); got != tc.want {
			t.Errorf("%s %d %q: %v, want %v: %s", tc.e.Kind, tc.e.HTTP.Status, tc.e.Error.Type, got, tc.want, tc.why)
		}
	}
}

func TestBodyEmpty(t *testing.T) {
	for _, tc := range []struct {
		b    entry.Body
		want bool
	}{
		{entry.Body{}, true},
		{entry.Body{Type: "text/plain", Encoding: "utf-8", ContentEncoding: "gzip"}, true},
		{entry.Body{Raw: []byte{}}, true},
		{entry.Body{Raw: []byte("x")}, false},
		{entry.Body{Content: []byte("x")}, false},
		{entry.Body{Size: -1}, false},
		{entry.Body{Truncated: true}, false},
		{entry.Body{Reason: "unread"}, false},
	} {
		if got := tc.b.Empty(); got != tc.want {
			t.Errorf("%+v: %v", tc.b, got)
		}
	}
}

func TestSeverity(t *testing.T) {
	names := map[entry.Severity]string{
		entry.SeverityDefault: "DEFAULT", entry.SeverityDebug: "DEBUG", entry.SeverityInfo: "INFO", entry.SeverityNotice: "NOTICE",
		entry.SeverityWarning: "WARNING", entry.SeverityError: "ERROR", entry.SeverityCritical: "CRITICAL",
		entry.SeverityAlert: "ALERT", entry.SeverityEmergency: "EMERGENCY",
	}
	for s, name := range names {
		got, err := entry.ParseSeverity(name)
		if s.String() != name || got != s || err != nil || (s+99).String() != name {
			t.Errorf("%d is %q, between %q, read back as %d, %v", s, s, s+99, got, err)
		}
	}
	if s := entry.Severity(-1); s.String() != "DEFAULT" {
		t.Errorf("-1 is %q", s)
	}
	if s, err := entry.ParseSeverity(""); s != 0 || err != nil {
		t.Errorf("nothing is %v, %v", s, err)
	}
	for _, name := range []string{"error", "LOUD", " INFO", strings.Repeat("X", 10_000), "\x1b[2J"} {
		_, err := entry.ParseSeverity(name)
		if !errors.Is(err, entry.ErrSeverity) || len(err.Error()) > 200 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

func TestSeverityOf(t *testing.T) {
	for _, tc := range []struct {
		status   int
		errType  string
		panicked bool
		want     entry.Severity
	}{
		{200, "", false, entry.SeverityInfo},
		{304, "", false, entry.SeverityInfo},
		{404, "", false, entry.SeverityWarning},
		{404, "reset", false, entry.SeverityWarning},
		{500, "", false, entry.SeverityError},
		{0, "timeout", false, entry.SeverityError},
		{200, "reset", false, entry.SeverityError},
		{200, "client_aborted", false, entry.SeverityWarning},
		{500, "canceled", false, entry.SeverityWarning},
		{502, "client_aborted", false, entry.SeverityWarning},
		{200, "handler_aborted", false, entry.SeverityWarning},
		{0, "read_timeout", false, entry.SeverityError},
		{400, "bad_request_body", false, entry.SeverityWarning},
		{500, "goexit", false, entry.SeverityError},
		{0, "", true, entry.SeverityCritical},
		{200, "canceled", true, entry.SeverityCritical},
	} {
		if got := entry.SeverityOf(tc.status, tc.errType, tc.panicked); got != tc.want {
			t.Errorf("%d %q %v: %v, want %v", tc.status, tc.errType, tc.panicked, got, tc.want)
		}
	}
}
