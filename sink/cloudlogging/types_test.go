package cloudloggingsink_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

// everything is one entry of each kind, with every field that a kind may have.
func everything() []*entry.Entry {
	label := []entry.Label{{Name: "a.b/c d", Value: "1"}}
	header := []entry.Header{{Name: "X-A", Value: "1"}}
	var es []*entry.Entry
	for i, kind := range []entry.Kind{entry.KindServer, entry.KindClient, entry.KindLog, entry.KindBrowser, entry.KindStream, entry.KindGap, entry.KindCrash} {
		for full := range 2 {
			e := &entry.Entry{Time: now.Add(time.Duration(i)), InsertID: fmt.Sprint(kind, full), Kind: kind}
			if full == 1 {
				*e = entry.Entry{
					Time: now.Add(time.Duration(i)), TxID: "types-test-1", InsertID: fmt.Sprint(kind, full), Severity: entry.SeverityError, Kind: kind, Message: "m",
					Span: 1, Parent: 2, Origin: txid.OriginMinted, Refused: "r", Trace: txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 5, Sampled: true},
					HTTP: entry.HTTP{
						Method: "GET", URL: "/", Route: "/{a}", Protocol: "HTTP/1.1", Status: 200, RemoteIP: "192.0.2.1", UserAgent: "ua", Referer: "r",
						ServerAddress: "a", ServerPort: 443, CacheHit: true, ResendCount: 2, Deadline: time.Second,
					},
					Peer: entry.Peer{Service: "core", Requests: 5, Per: time.Second}, Latency: 1500 * time.Microsecond,
					Timings: entry.Timings{DNS: 1, Connect: 2, TLS: 3, Send: 4, Wait: 5, Receive: 6, FirstByte: 1500 * time.Microsecond, Handler: time.Second},
					Error:   entry.Error{Type: "timeout", Message: "m", Stack: "s"}, Flags: []string{"retry"},
					Facts:  entry.Facts{UserID: "1", Device: "d", OS: "o", AppVersion: "1", Country: "KR", EntryPage: "e", Carried: label},
					Labels: label, Logger: "l", Attributes: label, Source: entry.Source{File: "f", Line: 3, Function: "f"},
					Gap:        &entry.Gap{Count: 3, Bytes: 5, Reason: "r", From: now, To: now},
					Resource:   &entry.Resource{Service: "s", Version: "v", Environment: "e", Instance: "i", Host: "h", PID: 7, ServerUser: "u", Attributes: label},
					Redactions: []entry.Redaction{{Rule: "r", Count: 2}},
				}
				for _, m := range []*entry.Message{&e.Request, &e.Response} {
					*m = entry.Message{Headers: header, Trailers: header, Body: entry.Body{
						Type: "text/plain", ContentEncoding: "gzip", Encoding: "utf-8", Content: []byte("c"), Size: 1500, Truncated: true, Reason: "r", Chunks: 2,
					}}
				}
			}
			es = append(es, sinktest.Seal(e))
		}
	}
	return es
}

// Each field of the payload has one type whatever the entry, none is null, and no name
// is one that an export to BigQuery has to change or that a user chose: the first entry
// that the Log Router sees fixes the columns.
func TestOneTypePerField(t *testing.T) {
	srv := serve(t)
	big := sinktest.Unsealed(1)
	big.Response.Body.Content = []byte(strings.Repeat("b", 600<<10))
	if err := open(t, srv).Write(t.Context(), append(everything(), sinktest.Seal(big))); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	var walk func(path string, v *structpb.Value)
	walk = func(path string, v *structpb.Value) {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", v.GetKind()), "*structpb.Value_")
		if before := types[path]; before != "" && before != kind {
			t.Errorf("%s is %s and %s", path, before, kind)
		}
		types[path] = kind
		if kind == "NullValue" {
			t.Errorf("%s is null", path)
		}
		for k, inner := range v.GetStructValue().GetFields() {
			if strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
				t.Errorf("%s.%s is no name of a column", path, k)
			}
			walk(path+"."+k, inner)
		}
		for _, inner := range v.GetListValue().GetValues() {
			walk(path+"[]", inner)
		}
	}
	for _, le := range srv.Entries() {
		walk("", structpb.NewStructValue(le.GetJsonPayload()))
	}
	if len(types) < 80 {
		t.Errorf("%d paths: the entries have not everything", len(types))
	}
}

// One label that is too large for the index leaves room there for the others.
func TestLargeLabel(t *testing.T) {
	srv := serve(t)
	// Another's line: entry.Seal cuts such a value.
	line := `{"time":"2026-07-04T19:04:05Z","txid":"large-label-1","logging.googleapis.com/insertId":"l","kind":"log","logging.googleapis.com/labels":{"txid":"large-label-1","a":"` +
		strings.Repeat("v", 40<<10) + `","b":"2"}}`
	e, err := entry.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, srv).Write(t.Context(), []*entry.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if got := srv.Entries()[0].Labels; got["b"] != "2" || got["a"] != "" {
		t.Errorf("%d labels, b is %q", len(got), got["b"])
	}
}
