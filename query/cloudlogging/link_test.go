package cloudloggingquery_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
)

func TestLinks(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 4, 11, 0, time.UTC)
	shop := &cloudloggingquery.Links{ProjectID: "shop", Now: func() time.Time { return at }}
	const since = `timestamp>="2026-10-21T10:04:11.000000000Z"`
	const view = "projects/logs-prod/locations/global/buckets/b/views/_AllLogs"
	views := &cloudloggingquery.Links{Views: []string{view, "folders/7/locations/eu/buckets/c/views/v,w"}, LogID: "a/b", Now: shop.Now, Range: time.Hour}
	for name, tt := range map[string]struct{ got, want, scope, project string }{
		"story":    {shop.Story("a;b?=c", time.Time{}, time.Time{}), "operation.id=\"a;b?=c\"\n" + since, "", "shop"},
		"in time":  {shop.Story("x", at, at.Add(1)), "operation.id=\"x\"\ntimestamp>=\"2026-11-20T10:04:11.000000000Z\"\ntimestamp<\"2026-11-20T10:04:11.000000001Z\"", "", "shop"},
		"entry":    {shop.Entry(&entry.Entry{InsertID: `i"1`, Time: at}), "(insertId=\"i\\\"1\" OR split.uid=\"i\\\"1\" OR jsonPayload.split.uid=\"i\\\"1\")\ntimestamp>=\"2026-11-20T10:03:11.000000000Z\"", "", "shop"},
		"ahead":    {shop.Entry(&entry.Entry{InsertID: "i", Time: at.Add(48 * time.Hour)}), "(insertId=\"i\" OR split.uid=\"i\" OR jsonPayload.split.uid=\"i\")\n" + since, "", "shop"},
		"a filter": {shop.Find(query.Filter{User: "88 12&x"}), "(log_id(\"txtrail\") OR operation.producer=\"github.com/txtrail/txtrail\")\n(labels.user=\"88 12&x\" OR jsonPayload.user.id=\"88 12&x\")\n" + since, "", "shop"},
		"views": {
			views.Find(query.Filter{}), "(log_id(\"a/b\") OR operation.producer=\"github.com/txtrail/txtrail\")\ntimestamp>=\"2026-11-20T09:04:11.000000000Z\"",
			"storage,projects%2Flogs-prod%2Flocations%2Fglobal%2Fbuckets%2Fb%2Fviews%2F_AllLogs,folders%2F7%2Flocations%2Feu%2Fbuckets%2Fc%2Fviews%2Fv%2Cw", "logs-prod",
		},
	} {
		u, err := url.Parse(tt.got)
		if err != nil {
			t.Fatal(err)
		}
		params := strings.Split(u.EscapedPath(), ";")
		q, err := url.PathUnescape(strings.TrimPrefix(params[1], "query="))
		scope := strings.TrimPrefix(strings.Join(params[2:], ";"), "storageScope=")
		if err != nil || q != tt.want || scope != tt.scope || u.Query().Get("project") != tt.project || u.Host != "console.cloud.google.com" || u.Path[:len("/logs/query;")] != "/logs/query;" ||
			strings.ContainsAny(tt.got[len("https://"):], " \"\n+&") {
			t.Errorf("%s: %s\nhas the query\n%s\nwant\n%s", name, tt.got, q, tt.want)
		}
	}
	// A source's are those to what it reads.
	if got := open(t).src.Links().Story("x", at, at); !strings.HasSuffix(got, "?project=shop-test") || !strings.Contains(got, "operation.id%3D%22x%22") {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	what := func(steps []cloudloggingquery.Step) (s string, last error) {
		for _, st := range steps {
			s, last = s+st.What+",", st.Err
		}
		return s, last
	}
	w := open(t)
	if s, err := what(w.src.Check(t.Context(), time.Minute)); s != "read,write,read back," || err != nil {
		t.Errorf("%s %v", s, err)
	}
	reader, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: "shop-test", ReadOnly: true, Endpoint: w.srv.Addr(), Insecure: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if s, err := what(reader.Check(t.Context(), time.Minute)); s != "read," || err != nil {
		t.Errorf("who only reads: %s %v", s, err)
	}
	for _, tt := range []struct{ method, want, says string }{
		{"ListLogEntries", "read,", "roles/logging.viewer"}, {"WriteLogEntries", "read,write,", "roles/logging.logWriter"},
	} {
		w.srv.SetFault(func(method string, _ int) gcltest.Fault {
			if method == tt.method {
				return gcltest.Fault{Code: codes.PermissionDenied}
			}
			return gcltest.Fault{}
		})
		if s, err := what(w.src.Check(t.Context(), 0)); s != tt.want || err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %s %v", tt.method, s, err)
		}
	}
	// A machine whose clock is two days ahead: the entry is there, by the service's time.
	// Where such ones are dropped it is as with an exclusion.
	for drop, tt := range map[bool]struct {
		steps string
		err   error
	}{false: {"read,write,read back,clock,", cloudloggingquery.ErrClock}, true: {"read,write,read back,", cloudloggingquery.ErrNotBack}} {
		behind, err := gcltest.Start(&gcltest.Options{Now: func() time.Time { return now.Add(-23 * time.Hour) }, DropFuture: drop})
		if err != nil {
			t.Fatal(err)
		}
		defer behind.Close()
		src, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{
			ProjectID: "shop-test", Endpoint: behind.Addr(), Insecure: true, Now: func() time.Time { return now.Add(25 * time.Hour) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = src.Close() }()
		if s, err := what(src.Check(t.Context(), 0)); s != tt.steps || !errors.Is(err, tt.err) {
			t.Errorf("%s %v", s, err)
		}
	}
}
