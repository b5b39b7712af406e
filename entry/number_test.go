package entry_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// decimal is v/10^places in as many digits as it takes.
func decimal(v int64, places int) string {
	r := new(big.Rat).SetFrac(big.NewInt(v), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
	s := r.FloatString(places)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// Numbers are those of fmt.
func TestIntegers(t *testing.T) {
	check := func(v int64) {
		e := entry.Entry{Gap: &entry.Gap{Count: v}, Source: entry.Source{Line: int(v)}}
		want := fmt.Sprintf(`{"gap":{"count":%d},"logging.googleapis.com/sourceLocation":{"line":"%d"}}`, v, v)
		if got := string(e.AppendJSON(nil)); got != want {
			t.Fatalf("%d:\n got %s\nwant %s", v, got, want)
		}
	}
	for v := range int64(11_000) {
		if v > 0 {
			check(v)
			check(-v)
		}
	}
	for _, v := range []int64{math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		if int64(int(v)) == v {
			check(v)
		}
	}
}

// Durations are exact, spans have all their digits.
func TestNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	values := []int64{1, 9, 10, 99, 999_999, 1e6, 1_000_001, 999_999_999, 1e9, 1e9 + 1, 10e9, 1500e6, math.MaxInt64}
	for range 10000 {
		values = append(values, rnd.Int64()>>rnd.IntN(63)+1)
	}
	for _, v := range values {
		if v <= 0 {
			continue
		}
		e := entry.Entry{Latency: time.Duration(v), Timings: entry.Timings{Send: time.Duration(v)}, Span: txid.SpanID(v)}
		want := fmt.Sprintf(`{"span":"%016x","httpRequest":{"latency":"%ss"},"timings_ms":{"send":%s}}`, v, decimal(v, 9), decimal(v, 6))
		if got := string(e.AppendJSON(nil)); got != want {
			t.Fatalf("%d:\n got %s\nwant %s", v, got, want)
		}
	}
}
