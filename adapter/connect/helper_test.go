package connecttx_test

import (
	"context"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// trail is a queue into memory.
func trail(t testing.TB) (*sink.Queue, *sinktest.Memory) {
	t.Helper()
	mem := &sinktest.Memory{}
	q, err := sink.NewQueue(mem, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return q, mem
}

// entries returns what is in mem when there are n.
func entries(t testing.TB, mem *sinktest.Memory, n int) []*entry.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := mem.Wait(ctx, n); err != nil {
		t.Fatal(err)
	}
	return mem.Entries()
}
