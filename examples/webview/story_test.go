package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// once runs the command as a user does, and returns what it printed.
func once(t *testing.T, dir string) (stdout, stderr string, id txid.ID) {
	t.Helper()
	var out, talk bytes.Buffer
	if code := run([]string{"-once", "-dir", dir}, &out, &talk); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, talk.String(), out.String())
	}
	m := regexp.MustCompile(`^[0-9a-f-]{36}`).FindString(out.String())
	if m == "" {
		t.Fatalf("the story does not begin with its txid:\n%s", out.String())
	}
	return out.String(), talk.String(), txid.ID(m)
}

// command builds the txtrail command and returns a function that runs it.
func command(t *testing.T) func(args ...string) (stdout, stderr string, code int) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "txtrail")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/txtrail").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return func(args ...string) (string, string, int) {
		var out, talk bytes.Buffer
		cmd := exec.Command(bin, args...)
		cmd.Stdout, cmd.Stderr = &out, &talk
		_ = cmd.Run()
		return out.String(), talk.String(), cmd.ProcessState.ExitCode()
	}
}

// TestStory is the whole of the example: three processes, one txid, one look-up, and
// nothing of what must not be seen in any of it.
func TestStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	stdout, stderr, id := once(t, dir)

	head := regexp.MustCompile(`(\d+) services, (\d+) calls, .*, (\d+) failed`).FindStringSubmatch(stdout)
	if head == nil {
		t.Fatalf("no head in\n%s", stdout)
	}
	if calls, _ := strconv.Atoi(head[2]); head[1] != "3" || calls < 10 {
		t.Errorf("%s services and %s calls, want 3 and at least 10", head[1], head[2])
	}
	for _, want := range []string{
		"user 8812", "KR", "SM-S928N", "Android 15", "KakaoTalk", "entered by GET /items", // who, on what, by which page
		"POST /api/pay failed: web → core POST /v1/charge timed out after ", // the verdict
		"refused", "timeout", "503", "404", "the handler panicked", "attempt 2", // what failed, and why
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the story does not say %q:\n%s", want, stdout)
		}
	}
	for _, noise := range []string{"/healthz", "/static/"} {
		if strings.Contains(stdout, noise) {
			t.Errorf("the story has %s, which is filtered", noise)
		}
	}

	txtrail := command(t)
	printed := stdout + stderr
	source := []string{"--source", "journal:" + dir}
	show := func(args ...string) string {
		t.Helper()
		out, talk, code := txtrail(append(args, source...)...)
		if code != 0 {
			t.Fatalf("txtrail %v: exit code %d\n%s%s", args, code, out, talk)
		}
		printed += out + talk
		return out
	}
	if full, prefix := show("show", string(id)), show("show", string(id[:13])); !sameStory(full, prefix) {
		t.Errorf("by prefix another story:\n%s\n%s", full, prefix)
	}
	rows := regexp.MustCompile(`(?m)^ *(\d+) +\d+ +\S`).FindAllStringSubmatch(stdout, -1)
	for _, row := range rows {
		show("show", string(id)+"#"+row[1], "--body", "full")
	}
	show("show", string(id), "--body", "full", "--headers")
	// From user and minute alone one reaches the failure.
	if list := show("find", "--user", "8812", "--since", "10m", "--failed"); !strings.Contains(list, string(id[:18])) ||
		!strings.Contains(list, "POST /api/pay failed: web → core") {
		t.Errorf("find does not lead to the failure:\n%s", list)
	}
	lines := show("show", string(id), "-o", "jsonl")
	checkEntries(t, show("show", string(id), "-o", "json"), lines)

	if found := leaks([]byte(printed)); len(found) > 0 {
		t.Errorf("printed: %v", found)
	}
	if found := leaks(folder(t, dir)); len(found) > 0 {
		t.Errorf("in the journal: %v", found)
	}

	// An unknown txid, and the same one once the journal is gone.
	out, talk, code := txtrail(append([]string{"show", "0197a3c2-0000"}, source...)...)
	if code != 1 || out != "" || !strings.Contains(talk, dir) {
		t.Errorf("unknown txid: exit code %d, %q, %q; want 1, nothing, and the folder", code, out, talk)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, talk, code = txtrail(append([]string{"show", string(id)}, source...)...); code != 1 {
		t.Errorf("emptied journal: exit code %d, want 1\n%s%s", code, out, talk)
	}
	var b bytes.Buffer
	if err := story(t.Context(), dir, id, &b); err == nil {
		t.Errorf("emptied journal, and yet a story:\n%s", b.String())
	}
}

// sameStory compares two stories but for the lines that propose commands, in which
// the txid stands as it was typed.
func sameStory(a, b string) bool {
	cut := func(s string) string { s, _, _ = strings.Cut(s, "\nnext:"); return s }
	return cut(a) == cut(b)
}

// checkEntries checks that the JSON holds every header and body that was captured.
func checkEntries(t *testing.T, doc, lines string) {
	t.Helper()
	if !json.Valid([]byte(doc)) {
		t.Fatalf("not JSON:\n%s", doc)
	}
	n := 0
	for line := range strings.Lines(lines) {
		e, err := entry.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		n++
		for _, m := range []*entry.Message{&e.Request, &e.Response} {
			for _, h := range m.Headers {
				if v, _ := json.Marshal(h.Value); !strings.Contains(doc, string(v)) && !strings.Contains(doc, h.Value) {
					t.Errorf("%s: %s is not in the document", h.Name, h.Value)
				}
			}
		}
		if !strings.Contains(doc, `"`+e.InsertID+`"`) {
			t.Errorf("entry %s is not in the document", e.InsertID)
		}
	}
	if n < 30 {
		t.Errorf("%d entries, want both sides of at least ten calls and the log lines", n)
	}
	// One body of each direction, as a user would look for them.
	for _, body := range []string{`작은 상자`, `생일 선물 상자`, `AUTUMN-10`, `event: stock`} {
		if !strings.Contains(doc, body) {
			t.Errorf("no body with %q in the document", body)
		}
	}
}
