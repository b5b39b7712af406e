package journalsink

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// Three writers fill and rotate files in one folder while one reader looks txids up,
// one scans and one follows. A reader finds everything written before it began, and
// the follower everything, once.
func TestReadersWhileRotating(t *testing.T) {
	dir := t.TempDir()
	const writers, batches, size = 3, 300, 10
	var written [writers]atomic.Int64 // batches
	first := openTest(t, dir, nil)    // so that the folder is there

	tailCtx, stopTail := context.WithCancel(context.Background())
	var followed []string
	var readers, work sync.WaitGroup
	ready := make(chan struct{})
	readers.Go(func() {
		r := readerTest(t, dir)
		close(ready)
		for e, err := range r.Tail(tailCtx, TailOptions{Poll: 3 * time.Millisecond, FromStart: true}) {
			if err != nil {
				t.Error(err)
				return
			}
			followed = append(followed, e.InsertID)
			if len(followed) == writers*batches*size {
				stopTail()
			}
		}
	})
	<-ready

	done := make(chan struct{})
	for w := range writers {
		work.Go(func() {
			j, err := Open(dir, &Options{Name: "w" + itoa(w), MaxFileBytes: 20 << 10, MinFree: -1, fs: quickFS{}})
			if err != nil {
				t.Error(err)
				return
			}
			for b := range batches {
				// The txid of a batch is its own, to be looked up.
				batch := makeBatch(t, 0, 0, 1)
				for i := range size {
					batch = append(batch, makeEntry(t, fmt.Sprintf("w%d-batch-%06d", w, b), w*1000000+b*size+i, "m"))
				}
				if err := j.Write(context.Background(), batch); err != nil {
					t.Error(err)
				}
				written[w].Add(1)
			}
			if err := j.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Go(func() {
		r := readerTest(t, dir)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			w := n % writers
			count := int(written[w].Load())
			if count == 0 {
				continue
			}
			b := (n * 7919) % count
			if got := lookupIDs(t, r, fmt.Sprintf("w%d-batch-%06d", w, b)); len(got) != size {
				t.Errorf("batch %d of %d of writer %d: %d entries, want %d", b, count, w, len(got), size)
				return
			}
		}
	})
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			var want int64
			for w := range writers {
				want += written[w].Load() * size
			}
			if got := scanIDs(t, readerTest(t, dir)); int64(len(got)) < want {
				t.Errorf("scan found %d, %d were there before", len(got), want)
				return
			}
		}
	})
	work.Wait()
	close(done)
	timeout := time.AfterFunc(30*time.Second, stopTail) // ends a hanging test only
	readers.Wait()
	timeout.Stop()

	var want []string
	for w := range writers {
		for i := range batches * size {
			want = append(want, fmt.Sprintf("i%08d", w*1000000+i))
		}
	}
	if err := first.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(followed)
	if diff := cmp.Diff(want, followed); diff != "" {
		t.Errorf("followed (-want +got)\n%s", diff)
	}
	got := scanIDs(t, readerTest(t, dir))
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scanned (-want +got)\n%s", diff)
	}
	if n := len(names(t, dir, extClosed)); n < 3*writers {
		t.Errorf("only %d files: nothing was rotated", n)
	}
}

// A follower that does not begin at the start sees what comes after, from the line
// that is being written on.
func TestTailFromNow(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	batch := makeBatch(t, 0, 10, 10)
	if err := j.Write(context.Background(), batch[:5]); err != nil {
		t.Fatal(err)
	}
	line := appendLine(nil, batch[5].Line())
	if _, err := j.cur.f.Write(line[:20]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r := readerTest(t, dir)
	tl := tailer{r: r, dup: newSeen(), at: map[string]*tailed{}}
	if err := tl.begin(false); err != nil {
		t.Fatal(err)
	}
	var got []string
	tl.yield = yieldIDs(t, &got)
	tl.poll(ctx)
	if len(got) != 0 {
		t.Fatalf("before anything came: %v", got)
	}
	if _, err := j.cur.f.Write(line[20:]); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(ctx, batch[6:8]); err != nil {
		t.Fatal(err)
	}
	tl.poll(ctx)
	if err := j.Write(ctx, batch[8:]); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(ctx); err != nil { // compressed between two polls
		t.Fatal(err)
	}
	tl.poll(ctx)
	tl.poll(ctx)
	if diff := cmp.Diff(insertIDs(batch[5:]), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNoGoroutineStays(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	j, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write(context.Background(), makeBatch(t, 0, 1000, 10)); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := lookupIDs(t, readerTest(t, dir), "txid-000001"); len(got) != 100 {
		t.Errorf("%d entries", len(got))
	}
}
