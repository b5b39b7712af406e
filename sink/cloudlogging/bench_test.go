package cloudloggingsink

import (
	"testing"

	"github.com/txtrail/txtrail/query/querytest"
)

func BenchmarkEncode(b *testing.B) {
	x := newEncoder()
	line := querytest.Sample()[3].Line()
	buf := make([]byte, 0, 64<<10)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.append(buf, line, testNow, part{}); err != nil {
			b.Fatal(err)
		}
	}
}
