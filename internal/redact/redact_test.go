package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/txtrail/txtrail/internal/redact"
	"github.com/txtrail/txtrail/sanitize"
)

func TestDocument(t *testing.T) {
	var out, errs bytes.Buffer
	err := redact.Run(strings.NewReader(`{"password":"hunter2","id":7}`), &out, &errs, &redact.Options{Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `{"password":"[masked:password]","id":7}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, want := range []string{"taken for: json", "hidden by rule password: 1"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("stderr lacks %q: %s", want, errs.String())
		}
	}
}

func TestDocumentTooLong(t *testing.T) {
	var out, errs bytes.Buffer
	err := redact.Run(strings.NewReader(`{"a":1,"password":"hunter2"}`), &out, &errs, &redact.Options{MaxInput: 24})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunt") || !strings.Contains(errs.String(), "truncated") {
		t.Errorf("out %q, stderr %q", out.String(), errs.String())
	}
}

func TestLines(t *testing.T) {
	f, err := os.Open("../../sanitize/testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out, errs bytes.Buffer
	if err := redact.Run(f, &out, &errs, &redact.Options{JSONL: true}); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	n := 0
	for _, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var r struct {
			ID         string         `json:"id"`
			Output     *string        `json:"output"`
			Redactions map[string]int `json:"redactions"`
			Truncated  *bool          `json:"truncated"`
			Reason     *string        `json:"reason"`
		}
		if err := json.Unmarshal(line, &r); err != nil || r.ID == "" || r.Output == nil || r.Redactions == nil || r.Truncated == nil || r.Reason == nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.Contains(*r.Output, "hunter2-S3CRET") {
			t.Errorf("%s: %s", r.ID, line)
		}
		n++
	}
	if n != 212 {
		t.Errorf("%d lines, want 212", n)
	}
}

func TestBadLines(t *testing.T) {
	var out, errs bytes.Buffer
	in := "not json hunter2\n" + `{"id":1,"kind":"nope","input":"x"}` + "\n" + `{"id":2}` + "\n" + `{"id":3,"input_b64":"%"}` + "\n" + `{"id":4,"kind":"json","input":"{}"}` + "\n"
	err := redact.Run(strings.NewReader(in), &out, &errs, &redact.Options{JSONL: true})
	if !errors.Is(err, redact.ErrLines) {
		t.Fatalf("err = %v", err)
	}
	if got := out.String(); got != `{"id":4,"output":"{}","redactions":{},"truncated":false,"reason":""}`+"\n" {
		t.Errorf("out %s", got)
	}
	for _, want := range []string{"line 1:", "line 2: ", "line 3: neither", "line 4: input_b64"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, errs.String())
		}
	}
	if strings.Contains(errs.String(), "hunter2") {
		t.Errorf("an error quotes its line: %s", errs.String())
	}
}

func TestNegativeMaxInput(t *testing.T) {
	if err := redact.Run(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, &redact.Options{MaxInput: -1, Input: sanitize.Input{}}); err == nil {
		t.Error("no error")
	}
}
