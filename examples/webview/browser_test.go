package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	journalquery "github.com/txtrail/txtrail/query/journal"
)

// TestBrowser opens the page in a real browser: its snippet must give every call the
// page's own txid, across origins and under the page's content security policy.
func TestBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	if browser == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium here, and CI may not skip this test")
		}
		t.Skip("needs Chromium: none of chromium-headless-shell, chromium, google-chrome is in PATH")
	}
	dir := filepath.Join(t.TempDir(), "journal")
	p, err := startAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	dom, err := dump(t.Context(), browser, t.TempDir(), p.ssr.url+"/items")
	if endErr := p.end(); endErr != nil {
		t.Error(endErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(dom, []byte("생일 선물 상자 12000")) {
		t.Errorf("the page's call did not bring the items:\n%s", dom)
	}
	m := metaTxID.FindSubmatch(dom)
	if m == nil {
		t.Fatalf("no txid in the page:\n%s", dom)
	}
	src, err := journalquery.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := query.Load(t.Context(), src, string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Stories) != 1 {
		t.Fatalf("%d stories of the page's txid, want 1", len(found.Stories))
	}
	var page, call *entry.Entry
	for _, e := range found.Stories[0].Entries {
		switch {
		case e.Kind != entry.KindServer:
		case e.Resource.Service == "ssr":
			page = e
		case e.Resource.Service == "web" && strings.Contains(e.HTTP.UserAgent, "Chrome"):
			call = e
		}
	}
	if page == nil || call == nil {
		t.Fatalf("page %v, its call %v: want both in the story", page, call)
	}
	if call.Facts.EntryPage != "GET /items" || call.Parent != page.Span {
		t.Errorf("the call has entry page %q and parent %s, want GET /items and %s", call.Facts.EntryPage, call.Parent, page.Span)
	}
}

// dump returns the page's document after its scripts have run. The many flags keep
// the browser from asking its maker for anything.
func dump(ctx context.Context, browser, profile, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--disable-default-apps", "--user-data-dir="+profile,
		"--virtual-time-budget=5000", "--dump-dom", url)
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.WaitDelay = 5 * time.Second
	return cmd.Output()
}
