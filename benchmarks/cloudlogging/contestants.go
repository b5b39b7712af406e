package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/logging"
	"google.golang.org/api/option"
	mrpb "google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/txid"
)

// workload is a batch of entries, and what each would be for the official client.
type workload struct {
	entries  []*entry.Entry
	payloads []json.RawMessage
	size     int
}

// newWorkload makes n entries: a JSON API's, a body of a third of a kilobyte.
func newWorkload(n int) *workload {
	w := &workload{}
	at := time.Now().UTC()
	words := strings.Fields("red blue small large cotton linen sale new 여름 겨울 선물 재고 free gift")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		body := `{"items":[`
		for range 4 {
			body += fmt.Sprintf(`{"id":%d,"name":"%s","price":%d},`, r.IntN(1e6), words[r.IntN(len(words))], r.IntN(1e5))
		}
		body += "{}]}"
		e := &entry.Entry{
			Time: at.Add(time.Duration(i) * time.Microsecond), TxID: txid.ID(fmt.Sprintf("0197a3c2-7f10-7b3e-9c41-%012x", r.Uint64()>>16)), InsertID: fmt.Sprintf("bench%014x", i),
			Severity: entry.SeverityInfo, Kind: entry.KindServer, Message: "POST /items/{id} 200", Span: txid.SpanID(i + 1), Parent: txid.SpanID(i),
			Trace: txid.Trace{ID: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), Span: txid.SpanID(r.Uint64()), Sampled: true},
			HTTP: entry.HTTP{
				Method: "POST", URL: "/items/77?lang=ko", Route: "/items/{id}", Protocol: "HTTP/1.1", Status: 200, RemoteIP: "203.0.113.9",
				UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 26_3 like Mac OS X) AppleWebKit/605.1.15 KAKAOTALK 26.3.5",
			},
			Latency: 1512 * time.Microsecond, Timings: entry.Timings{FirstByte: 1401 * time.Microsecond, Handler: 1498 * time.Microsecond},
			Facts:    entry.Facts{UserID: "8812", Device: "iPhone15,2", OS: "iOS 26.3", AppVersion: "26.3.5", Country: "KR", EntryPage: "GET /items"},
			Resource: &entry.Resource{Service: "web", Version: "web-00042-kx", Environment: "production", PID: 7},
		}
		e.Request.Headers = []entry.Header{{Name: "Accept", Value: "application/json"}, {Name: "Content-Type", Value: "application/json"}}
		e.Response.Headers = []entry.Header{{Name: "Content-Type", Value: "application/json"}}
		e.Request.Body = entry.Body{Content: []byte(`{"q":"생일 선물","n":3}`), Encoding: "utf-8", Type: "application/json", Size: 28}
		e.Response.Body = entry.Body{Content: []byte(body), Encoding: "utf-8", Type: "application/json", Size: int64(len(body))}
		if err := e.Seal(nil); err != nil {
			panic(err)
		}
		w.entries = append(w.entries, e)
		w.size = len(e.Line())
		var m map[string]json.RawMessage
		if err := json.Unmarshal(e.Line(), &m); err != nil {
			panic(err)
		}
		for k := range m {
			if strings.HasPrefix(k, "logging.googleapis.com/") || k == "time" || k == "severity" || k == "httpRequest" {
				delete(m, k)
			}
		}
		p, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		w.payloads = append(w.payloads, p)
	}
	return w
}

// running is a contestant at work.
type running struct {
	prepare func(w *workload, batches int) error // nil: nothing to do
	send    func(*workload) error
	flush   func() error
	stop    func()
}

type contestant struct {
	name  string
	start func(addr string) (*running, error)
}

var contestants = []contestant{
	{"official client, payload as ready JSON", official},
	{"txtrail", ours(nil, false)},
	{"txtrail, from the journal by Ship", shipped},
	{"txtrail, with parsing the line whole", ours(entry.Parse, false)},
	{"txtrail, gzip", ours(nil, true)},
	{"txtrail, by the official client's LogSync", highLevel},
}

func official(addr string) (*running, error) {
	ctx := context.Background()
	c, err := logging.NewClient(ctx, "projects/bench-marks", option.WithEndpoint(addr), option.WithoutAuthentication(), option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return nil, err
	}
	l := c.Logger("bench", logging.CommonResource(&mrpb.MonitoredResource{Type: "global"}), logging.PartialSuccess(),
		logging.EntryCountThreshold(512), logging.ConcurrentWriteLimit(1))
	return &running{
		send: func(w *workload) error {
			for i, e := range w.entries {
				l.Log(logging.Entry{
					Timestamp: e.Time, Severity: logging.Severity(e.Severity), InsertID: e.InsertID, Payload: w.payloads[i],
					Trace: "projects/bench-marks/traces/" + e.Trace.ID, SpanID: e.Trace.Span.String(), TraceSampled: true,
					Labels: map[string]string{"txid": string(e.TxID), "service": "web", "version": "web-00042-kx", "environment": "production", "user": "8812"},
					HTTPRequest: &logging.HTTPRequest{
						Request: &http.Request{
							Method: e.HTTP.Method, URL: &url.URL{Path: "/items/77", RawQuery: "lang=ko"},
							Header: http.Header{"User-Agent": {e.HTTP.UserAgent}}, Proto: e.HTTP.Protocol,
						},
						Status: e.HTTP.Status, RequestSize: e.Request.Body.Size, ResponseSize: e.Response.Body.Size, Latency: e.Latency, RemoteIP: e.HTTP.RemoteIP,
					},
				})
			}
			return nil
		},
		flush: l.Flush,
		stop:  func() { _ = c.Close() },
	}, nil
}

func ours(parse func([]byte) (*entry.Entry, error), compress bool) func(addr string) (*running, error) {
	return func(addr string) (*running, error) {
		ctx := context.Background()
		s, err := cloudloggingsink.New(ctx, &cloudloggingsink.Options{
			ProjectID: "bench-marks", Endpoint: addr, Insecure: true, Compress: compress, Resource: &cloudloggingsink.Resource{Type: "global"},
		})
		if err != nil {
			return nil, err
		}
		var parsed []*entry.Entry
		return &running{
			send: func(w *workload) error {
				if parse == nil {
					return s.Write(ctx, w.entries)
				}
				parsed = parsed[:0]
				for _, e := range w.entries {
					p, err := parse(e.Line())
					if err != nil {
						return err
					}
					parsed = append(parsed, p)
				}
				return s.Write(ctx, parsed)
			},
			flush: func() error { return nil },
			stop:  func() { _ = s.Close(ctx) },
		}, nil
	}
}

// highLevel is the sink for those who have the official client already.
func highLevel(addr string) (*running, error) {
	ctx := context.Background()
	c, err := logging.NewClient(ctx, "projects/bench-marks", cloudloggingsink.Access{Endpoint: addr, Insecure: true}.ClientOptions()...)
	if err != nil {
		return nil, err
	}
	s, err := highlevelsink.New(ctx, c, &highlevelsink.Options{ProjectID: "bench-marks", Resource: &cloudloggingsink.Resource{Type: "global"}})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &running{
		send:  func(w *workload) error { return s.Write(ctx, w.entries) },
		flush: func() error { return nil },
		stop: func() {
			_ = s.Close(ctx)
			_ = c.Close()
		},
	}, nil
}

// shipped is the whole way: what waits in a journal is read, checked and sent.
func shipped(addr string) (*running, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "txtrail-bench")
	if err != nil {
		return nil, err
	}
	s, err := cloudloggingsink.New(ctx, &cloudloggingsink.Options{
		ProjectID: "bench-marks", Endpoint: addr, Insecure: true, Resource: &cloudloggingsink.Resource{Type: "global"},
	})
	if err != nil {
		return nil, err
	}
	j, err := journalsink.Open(dir, &journalsink.Options{MaxFileBytes: 1 << 30})
	if err != nil {
		return nil, err
	}
	var ship *sink.Ship
	r := &running{
		// The journal is filled first, which is not measured: prepare.
		prepare: func(w *workload, n int) error {
			for range n {
				if err := j.Write(ctx, w.entries); err != nil {
					return err
				}
			}
			return nil
		},
		send: func(*workload) error {
			if ship != nil {
				return nil
			}
			spool, err := j.Spool(nil)
			if err != nil {
				return err
			}
			ship, err = sink.NewShip(spool, s, &sink.ShipOptions{MaxBatch: 512, OnError: func(err error) { fmt.Fprintln(os.Stderr, err) }})
			return err
		},
		flush: func() error {
			if ship == nil {
				return nil
			}
			return ship.Flush(ctx)
		},
		stop: func() {
			if ship != nil {
				_ = ship.Close(ctx)
			}
			_ = j.Close(ctx)
			_ = os.RemoveAll(dir)
		},
	}
	return r, nil
}
