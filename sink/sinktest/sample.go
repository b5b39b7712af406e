package sinktest

import (
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// Sample returns a sealed server entry, the i-th of its kind: InsertID and Time
// grow with i, every ten share a txid.
func Sample(i int) *entry.Entry {
	return Seal(Unsealed(i))
}

// Unsealed returns what Sample seals.
func Unsealed(i int) *entry.Entry {
	at := time.Date(2026, 7, 4, 19, 4, 5, 123456789, time.UTC).Add(time.Duration(i) * time.Millisecond)
	return &entry.Entry{
		Time:     at,
		TxID:     txid.ID(fmt.Sprintf("sinktest-%06d", i/10)),
		InsertID: fmt.Sprintf("sinktest%012d", i),
		Severity: entry.SeverityInfo,
		Kind:     entry.KindServer,
		Message:  fmt.Sprintf("POST /items/%d 200", i),
		Span:     txid.SpanID(i + 1),
		HTTP: entry.HTTP{
			Method: "POST", URL: fmt.Sprintf("/items/%d?lang=ko", i), Route: "/items/{id}", Protocol: "HTTP/1.1",
			Status: 200, RemoteIP: "192.0.2.7", UserAgent: "sinktest/1.0",
		},
		Latency: 1500 * time.Microsecond,
		Request: entry.Message{
			Headers: []entry.Header{{Name: "Content-Type", Value: "application/json"}},
			Body: entry.Body{
				Content: []byte(`{"name":"아이템"}`), Encoding: "utf-8", Type: "application/json", Size: 20,
			},
		},
		Response: entry.Message{
			Headers: []entry.Header{{Name: "Content-Type", Value: "application/json"}},
			Body:    entry.Body{Content: []byte(`{"ok":true}`), Encoding: "utf-8", Type: "application/json", Size: 11},
		},
		Labels: []entry.Label{{Name: "sample", Value: fmt.Sprint(i)}},
	}
}

// Seal seals e into memory of its own and returns it. It panics if e cannot be
// sealed, which is a mistake of the test.
func Seal(e *entry.Entry) *entry.Entry {
	if err := e.Seal(nil); err != nil {
		panic(err)
	}
	return e
}

// Samples returns the samples from to from+n-1.
func Samples(from, n int) []*entry.Entry {
	batch := make([]*entry.Entry, n)
	for i := range batch {
		batch[i] = Sample(from + i)
	}
	return batch
}
