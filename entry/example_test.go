package entry_test

import (
	"fmt"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// An entry becomes its line, and the line an entry again.
func Example() {
	e := &entry.Entry{
		Time:     time.Date(2026, 11, 20, 10, 4, 11, 204e6, time.UTC),
		TxID:     "order-2026/000017",
		InsertID: "i-17",
		Kind:     entry.KindServer,
		HTTP:     entry.HTTP{Method: "GET", URL: "/items", Status: 200},
		Latency:  1500 * time.Microsecond,
	}
	e.Severity = entry.SeverityOf(e.HTTP.Status, e.Error.Type, false)
	if err := e.Seal(nil); err != nil {
		fmt.Println(err)
		return
	}
	back, err := entry.Parse(e.Line())
	fmt.Println(back.TxID, back.HTTP.Status, back.Latency, back.Failed(), err)
	fmt.Printf("%.65s…\n", e.Line())
	// Output:
	// order-2026/000017 200 1.5ms false <nil>
	// {"time":"2026-11-20T10:04:11.204000000Z","txid":"order-2026/00001…
}

func ExampleParse() {
	_, err := entry.Parse([]byte(`{"message":"cut sho`))
	fmt.Println(err)
	// Output: entry: malformed line: string without end at byte 19
}

func ExampleAppendTime() {
	fmt.Println(string(entry.AppendTime(nil, time.Unix(1_790_000_000, 5))))
	// Output: 2026-09-21T14:13:20.000000005Z
}
