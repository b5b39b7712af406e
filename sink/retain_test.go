package sink_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// What was hidden in an entry is not kept by the worker until the next one comes, which
// may be tomorrow.
func TestRawValuesAreLetGo(t *testing.T) {
	q, err := sink.NewQueue(sink.Discard(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close(context.Background()) }()
	freed := make(chan string, 8)
	secret := func(name, value string) string {
		b := []byte(value + strings.Repeat("x", 100))
		runtime.AddCleanup(&b[0], func(name string) { freed <- name }, name)
		return unsafe.String(&b[0], len(b))
	}
	func() {
		q.Enqueue(&entry.Entry{
			Message: secret("message", "password="),
			HTTP:    entry.HTTP{Method: "GET", URL: secret("url", "/p?token=")},
			Request: entry.Message{Headers: []entry.Header{
				{Name: "Cookie", Value: secret("cookie", "sid=")},
				{Name: "Authorization", Value: secret("authorization", "Bearer ")},
			}},
		})
	}()
	if err := q.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 100 {
		runtime.GC()
		for more := true; more; {
			select {
			case name := <-freed:
				got = append(got, name)
			default:
				more = false
			}
		}
		if len(got) == 4 {
			break
		}
		runtime.Gosched()
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"authorization", "cookie", "message", "url"}, got); d != "" {
		t.Errorf("of the values that were hidden, let go: %s", d)
	}
}
