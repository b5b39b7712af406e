package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/internal/render"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	journalquery "github.com/txtrail/txtrail/query/journal"
)

// The story in Cloud Logging is the journal's, to the byte, but for where it was
// searched.
func TestCloud(t *testing.T) {
	srv, err := gcltest.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	dir := filepath.Join(t.TempDir(), "journal")
	var out, talk bytes.Buffer
	if code := run([]string{"-once", "-dir", dir, "-endpoint", srv.Addr()}, &out, &talk); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, talk.String(), out.String())
	}
	id := regexp.MustCompile(`^[0-9a-f-]{36}`).FindString(out.String())
	if !strings.Contains(talk.String(), "--source 'gcl:webview-demo?endpoint="+srv.Addr()+"&insecure'") {
		t.Errorf("it is not said how to look there:\n%s", talk.String())
	}
	story := func(src query.Source) string {
		found, err := query.Load(t.Context(), src, id)
		if err != nil || len(found.Stories) != 1 || found.Result.Partial() {
			t.Fatalf("%s: %+v, %v", src.Name(), found, err)
		}
		doc := render.NewStoryDoc(found.Stories[0], true) // what show -o json writes
		var b bytes.Buffer
		if err := render.WriteDoc(&b, &render.Doc{Story: &doc}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	local, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	remote, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: project, Endpoint: srv.Addr(), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = remote.Close() }()
	if journal, cloud := story(local), story(remote); journal != cloud {
		t.Errorf("the stories differ:\n%s\n\n%s", journal, cloud)
	}
}
