package journalsink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// benchEntries makes entries of about 1.7 KB with what differs from one request to
// the next in a real service: ids, times, sizes, names and amounts in bodies.
func benchEntries(tb testing.TB, count int) []*entry.Entry {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	now := testStart
	mint := txid.NewMinter(func() time.Time { return now })
	res := &entry.Resource{Service: "web", Version: "1.42.0", Environment: "production", Host: "web-7c9d8-x2x4v", Instance: "7c9d8-x2x4v", PID: 17}
	models := []string{"SM-S921N", "iPhone16,2", "SM-A556S", "Pixel 9", "iPhone15,3"}
	var id txid.ID
	batch := make([]*entry.Entry, count)
	size := 0
	for i := range batch {
		now = now.Add(time.Duration(rng.IntN(3000)) * time.Microsecond)
		if i%5 == 0 {
			id = mint.New() // five entries a scenario
		}
		model := models[rng.IntN(len(models))]
		item := rng.IntN(5000)
		e := &entry.Entry{
			Time: now, TxID: id, InsertID: fmt.Sprintf("%012x%08x", now.UnixMicro(), rng.Uint32()),
			Kind: entry.KindServer, Severity: entry.SeverityInfo, Message: fmt.Sprintf("GET /items/%d 200", item),
			Span: mint.Span(), Parent: mint.Span(), Latency: time.Duration(rng.IntN(9e7)),
			HTTP: entry.HTTP{
				Method: "GET", URL: fmt.Sprintf("/items/%d?page=%d", item, rng.IntN(9)), Route: "/items/{id}", Protocol: "HTTP/1.1",
				Status: 200, RemoteIP: fmt.Sprintf("10.0.%d.%d", rng.IntN(256), rng.IntN(256)),
				UserAgent: "Mozilla/5.0 (Linux; Android 14; " + model + " Build/UP1A; wv) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile Safari/537.36",
			},
			Facts:    entry.Facts{UserID: fmt.Sprintf("u%07d", rng.IntN(1e6)), Device: model, OS: "Android 14", AppVersion: "5.3.1", Country: "KR", EntryPage: "GET /items"},
			Resource: res,
		}
		e.Request.Headers = []entry.Header{
			{Name: "Accept", Value: "application/json"},
			{Name: "Accept-Encoding", Value: "gzip, deflate, br"},
			{Name: "Cookie", Value: "[masked:cookie]"},
			{Name: "X-Client-Device", Value: model},
		}
		e.Response.Headers = []entry.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Date", Value: now.Format(time.RFC1123)}}
		e.Response.Body = entry.Body{
			Content:  fmt.Appendf(nil, `{"id":%d,"name":"item %x","price":%d,"stock":%d,"owner":"u%07d"}`, item, rng.Uint64(), rng.IntN(1e6), rng.IntN(99), rng.IntN(1e6)),
			Encoding: "utf-8", Type: "application/json", Size: 180,
		}
		e.Timings = entry.Timings{Handler: time.Duration(rng.IntN(8e7)), FirstByte: time.Duration(rng.IntN(8e7))}
		if err := e.Seal(nil); err != nil {
			tb.Fatal(err)
		}
		size += len(e.Line())
		batch[i] = e
	}
	tb.Logf("%d entries of %d bytes", count, size/count)
	return batch
}

// BenchmarkAppend writes batches of 20, as a queue does under load; ns/op is per
// entry, and cpu-ns/entry counts all goroutines. "open" has one file that is never closed, "closed" compresses as well.
func BenchmarkAppend(b *testing.B) {
	batch := benchEntries(b, 10000)
	for _, c := range []struct {
		name string
		size int64
		per  int
	}{{"open/batch=20", 1 << 30, 20}, {"open/batch=1", 1 << 30, 1}, {"closed/batch=20", 0, 20}} {
		b.Run(c.name, func(b *testing.B) {
			j := openTest(b, b.TempDir(), &Options{MaxFileBytes: c.size, MaxBytes: -1, fs: osFS{}})
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime()
			for i := 0; i < b.N; i += c.per {
				at := i % (len(batch) - c.per)
				if err := j.Write(context.Background(), batch[at:at+c.per]); err != nil {
					b.Fatal(err)
				}
			}
			if c.size == 0 {
				if err := j.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(j.Stats().SealedBytes)/float64(b.N), "B/entry")
			} else {
				b.ReportMetric(float64(j.Stats().Bytes)/float64(b.N), "B/entry")
			}
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/entry")
		})
	}
}

// BenchmarkLookup looks a txid of five entries up among 200,000 in 20 closed files
// and one open one of 8 MiB.
func BenchmarkLookup(b *testing.B) {
	dir := b.TempDir()
	batch := benchEntries(b, 200000)
	j := openTest(b, dir, &Options{MaxBytes: -1})
	for i := 0; i < len(batch); i += 100 {
		if err := j.Write(context.Background(), batch[i:i+100]); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	find := func(b *testing.B, r *Reader, n int) {
		id := string(batch[n%len(batch)].TxID)
		if got := lookupIDs(b, r, id); len(got) != 5 {
			b.Fatalf("%d found", len(got))
		}
	}
	b.Run("closed/reader kept", func(b *testing.B) {
		r := readerTest(b, dir)
		find(b, r, 0)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			find(b, r, i*7919)
		}
	})
	b.Run("closed/new reader", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			find(b, readerTest(b, dir), i*7919)
		}
	})
	open := openTest(b, dir, &Options{MaxBytes: -1})
	if err := open.Write(context.Background(), benchEntries(b, 5000)[:4900]); err != nil {
		b.Fatal(err)
	}
	b.Run("with an open file of 8 MiB", func(b *testing.B) {
		r := readerTest(b, dir)
		for i := 0; b.Loop(); i++ {
			find(b, r, 100000+i*7919%100000)
		}
	})
}

// BenchmarkScan parses every entry.
func BenchmarkScan(b *testing.B) {
	dir := b.TempDir()
	batch := benchEntries(b, 10000)
	j := openTest(b, dir, nil)
	if err := j.Write(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	r := readerTest(b, dir)
	for b.Loop() {
		n := 0
		for _, err := range r.Scan(context.Background(), ScanOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != len(batch) {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/entry")
}

// BenchmarkRows aggregates 150,000 rows by route, as a status page does.
func BenchmarkRows(b *testing.B) {
	dir := b.TempDir()
	batch := benchEntries(b, 150000)
	j := openTest(b, dir, &Options{MaxBytes: -1})
	for i := 0; i < len(batch); i += 100 {
		if err := j.Write(context.Background(), batch[i:i+100]); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	r := readerTest(b, dir)
	since := batch[0].Time
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		classes := make(map[[2]string]*[6]int)
		failed, rows := 0, 0
		for row, err := range r.Rows(context.Background(), ScanOptions{Since: since}) {
			if err != nil {
				b.Fatal(err)
			}
			key := [2]string{row.Method(), row.Route()}
			c := classes[key]
			if c == nil {
				c = new([6]int)
				classes[key] = c
			}
			c[min(5, row.Status()/100)]++
			if row.Failed() || row.Latency() < 0 {
				failed++
			}
			rows++
		}
		if rows != len(batch) || failed > 0 {
			b.Fatal(rows, failed)
		}
	}
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N)/float64(len(batch)), "cpu-ns/row")
}
