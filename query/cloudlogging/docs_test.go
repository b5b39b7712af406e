package cloudloggingquery_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	logging "cloud.google.com/go/logging/apiv2"
	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// The filters of docs/cloud-logging.md say what they are there for, of entries by the
// sink and by an agent: what is ours, and of that what developers' machines wrote.
func TestDocumentedFilters(t *testing.T) {
	page, err := os.ReadFile("../../docs/cloud-logging.md")
	if err != nil {
		t.Fatal(err)
	}
	w := open(t)
	var want, local int
	for i, environment := range []string{"local", "development", "dev", "test", "Dev", "production", "staging", "devices"} {
		r, err := sink.NewResource(&sink.ResourceOptions{Service: "web", Environment: environment, ServerUser: func() (string, error) { return "minji", nil }})
		if err != nil {
			t.Fatal(err)
		}
		var es []*entry.Entry
		for j, id := range []string{"docs-filter", ""} {
			es = append(es, line(t, 10*i+j, func(e *entry.Entry) {
				e.TxID, e.Kind, e.HTTP.Status, e.Resource = "", entry.KindServer, 200, r
				if id != "" {
					e.TxID = "docs-filter-1"
				}
			}))
		}
		w.write(t, es[0], es[1])
		byAgent(t, w, nil, line(t, 10*i+2, func(e *entry.Entry) { e.Resource = r }), line(t, 10*i+3, func(e *entry.Entry) { e.Resource, e.TxID = r, "" }))
		want += 4
		if r.ServerUser != "" { // what sink.NewResource takes for a developer's machine
			local += 4
		}
	}
	w.srv.Put(&loggingpb.LogEntry{LogName: "projects/shop-test/logs/other", InsertId: "other", Payload: &loggingpb.LogEntry_TextPayload{TextPayload: "not ours"}})

	client, err := logging.NewClient(t.Context(), cloudloggingsink.Access{Endpoint: w.srv.Addr(), Insecure: true}.ClientOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	count := func(filter string) (n int) {
		t.Helper()
		it := client.ListLogEntries(t.Context(), &loggingpb.ListLogEntriesRequest{ResourceNames: []string{"projects/shop-test"}, Filter: fmt.Sprintf("(%s) AND timestamp>=\"2026-01-01T00:00:00Z\"", filter), PageSize: 1000})
		page, _, err := it.InternalFetch(1000, "")
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		return len(page)
	}
	all := func(name, pattern string, want int, expand func(string) string) {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(page), -1)
		if len(found) == 0 {
			t.Errorf("no %s in the page", name)
		}
		for _, f := range found {
			if got := count(expand(f[1])); got != want {
				t.Errorf("%s: %s lets %d through, want %d", name, f[1], got, want)
			}
		}
	}
	plain := func(s string) string { return s }
	local1 := regexp.MustCompile(`developers = "(.*)"`).FindStringSubmatch(string(page))
	if local1 == nil {
		t.Fatal("no local.developers in the page")
	}
	hcl := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "${local.developers}", local1[1]), `\"`, `"`)
	}
	all("what is ours, by gcloud", `--log-filter '(log_id.*?)'`, want, plain)
	all("what is excluded from _Default, by gcloud", `name=txtrail,filter='(.*?)'`, want, plain)
	all("what is ours, in Terraform", `ours +      *= "(.*)"`, want, hcl)
	all("developers, by gcloud", `name=developers,filter='(.*?)'`, local, plain)
	all("developers, in Terraform", `filter = "(labels\.environment.*)"`, local, hcl)
	all("requests, by gcloud", `--log-filter "(\(log_id.*?)\$\{m#`, want/2, func(s string) string { return strings.ReplaceAll(s, `\"`, `"`) })
}
