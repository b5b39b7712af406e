package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	ltype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
)

// attack is what a terminal must not get to see: it clears, renames, and answers.
const attack = "\x1b[2J\x1b]0;owned\x07\u009b31m\x00\r\u202eevil\x7f"

// attackEntry is a LogEntry with an attack in everything that is text. Others than the
// sink may write to a log.
func attackEntry(i int) *loggingpb.LogEntry {
	text := structpb.NewStringValue(attack)
	object := func(pairs ...any) *structpb.Value {
		f := map[string]*structpb.Value{}
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i].(string)] = pairs[i+1].(*structpb.Value)
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: f})
	}
	list := structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{object("name", text, "value", text)}})
	message := object("headers", list, "body", object("encoding", structpb.NewStringValue("utf-8"), "content", text, "type", text, "reason", text))
	return &loggingpb.LogEntry{
		LogName: "projects/shop-test/logs/txtrail", InsertId: fmt.Sprint(attack, i), Timestamp: timestamppb.New(now().Add(time.Duration(i) * time.Second)),
		Severity: ltype.LogSeverity_ERROR, Trace: attack, Labels: map[string]string{"txid": "attack-0001", attack: attack, "user": attack},
		Operation:      &loggingpb.LogEntryOperation{Id: "attack-0001", Producer: entry.Producer},
		HttpRequest:    &ltype.HttpRequest{RequestMethod: attack, RequestUrl: attack, UserAgent: attack, Referer: attack, RemoteIp: attack, Protocol: attack, Status: 500},
		SourceLocation: &loggingpb.LogEntrySourceLocation{File: attack, Function: attack},
		Payload: &loggingpb.LogEntry_JsonPayload{JsonPayload: object(
			"kind", structpb.NewStringValue([]string{"server", "log", attack}[i%3]), "message", text, "refused", text, "error", object("type", text, "message", text, "stack", text),
			"http", object("route", text, "request", message, "response", message), "user", object("id", text), "device", object("model", text), "os", object("name", text),
			"app", object("version", text), "geo", object("country", object("iso_code", text)), "entry_page", text, "carried", list, "labels", list,
			"log", object("logger", text, "attributes", list), "service", object("name", text, "version", text), "host", object("name", text), "server", object("address", text),
			"flags", structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{text}}), "resource", list,
			"redactions", structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{object("rule", text)}}),
			attack, text,
		).GetStructValue()},
	}
}

// Nothing that a service sends, in entries or in errors, gets to the terminal as it is.
func TestHostileService(t *testing.T) {
	srv, err := gcltest.Start(&gcltest.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	for i := range 6 {
		srv.Put(attackEntry(i))
	}
	broken := attackEntry(7) // one that can not be read: the error tells of it
	broken.GetJsonPayload().Fields["span"] = structpb.NewStringValue(attack)
	missing := attackEntry(8) // and one of which parts are missing
	missing.Split = &loggingpb.LogSplit{Uid: attack, Index: 1, TotalSplits: 3}
	srv.Put(broken, missing)

	source := "gcl:shop-test?endpoint=" + srv.Addr() + "&insecure"
	try := func(fault gcltest.Fault, args ...string) (string, int) {
		srv.SetFault(func(string, int) gcltest.Fault { return fault })
		var stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		stdout := &follower{stop: func() {}}
		if args[0] == "tail" { // has no end: it is interrupted while it shows the first
			stdout.end, stdout.stop = 1, cancel
		}
		code := run(ctx, append(args, "--source", source), &system{
			stdin: strings.NewReader(""), stdout: stdout, stderr: &stderr, env: func(string) string { return "" }, now: now, zone: time.UTC,
		})
		out := stdout.String() + stderr.String()
		for _, r := range out {
			bidi := r == '\u202e' && !slices.Contains(args, "jsonl") // lines, which are data, stay as they are but on a terminal
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || bidi {
				t.Errorf("%q: %U comes through: %.300q", args, r, out)
				break
			}
		}
		return out, code
	}
	for _, args := range [][]string{
		{"show", "attack-0001"},
		{"show", "attack-0001#1"},
		{"show", "attack-0001#1", "--body", "full"},
		{"show", "attack-0001", "-o", "json"},
		{"show", "attack-0001", "-o", "jsonl"},
		{"find", "--since", "1h"},
		{"find", "--since", "1h", "--user", attack},
		{"find", "--since", "1h", "--text", attack},
		{"find", "--since", "1h", "-o", "json"},
		{"find", "--service", `web" OR "" = "`},
		{"tail", "--since", "1h", "--limit", "6"},
	} {
		if out, code := try(gcltest.Fault{}, args...); code == exitUsage || len(out) == 0 {
			t.Errorf("%q ends with %d: %s", args, code, out)
		}
	}
	for _, code := range []codes.Code{codes.PermissionDenied, codes.InvalidArgument, codes.NotFound, codes.Unimplemented, codes.Unavailable, codes.Unknown} {
		for _, args := range [][]string{{"show", "attack-0001"}, {"find", "--since", "1h"}, {"doctor"}} {
			out, status := try(gcltest.Fault{Code: code, Message: attack}, args...)
			if want := map[bool]int{true: exitPermission, false: exitPartial}[code == codes.PermissionDenied]; args[0] != "doctor" && status != want || !strings.Contains(out, "evil") {
				t.Errorf("%v, %q ends with %d: %s", code, args, status, out)
			}
		}
	}
}
