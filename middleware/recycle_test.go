package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
)

// choosy is a sink that takes some entries only the second time.
type choosy struct {
	keeping
	n int
}

func (c *choosy) Write(ctx context.Context, batch []*entry.Entry) error {
	partial := &sink.PartialError{}
	var taken []*entry.Entry
	for i, e := range batch {
		if c.n++; c.n%7 == 0 {
			partial.Failed = append(partial.Failed, sink.Failure{Index: i, Err: sink.Retryable(errors.New("later"), 0)})
			continue
		}
		taken = append(taken, e)
	}
	_ = c.keeping.Write(ctx, taken)
	if len(partial.Failed) > 0 {
		return partial
	}
	return nil
}

// Entries whose memory is used again and again, with handlers that go on after they
// returned and use all there is, and sinks of which one takes its time and one fails:
// nothing of one exchange is in the line of another. Run it with -race.
func TestLentEntriesAreNobodyElses(t *testing.T) {
	for _, audit := range []bool{false, true} {
		t.Run(fmt.Sprintf("Audit=%t", audit), func(t *testing.T) {
			behind, failing := &keeping{}, &choosy{}
			branch, err := sink.NewBranch(behind, nil)
			if err != nil {
				t.Fatal(err)
			}
			q, err := sink.NewQueue(sink.Fanout(failing, branch), &sink.QueueOptions{OnError: func(error) {}, RetryMin: 1, RetryMax: 1, Linger: -1})
			if err != nil {
				t.Fatal(err)
			}
			wrap, err := middleware.New(q, &middleware.Options{MaxBody: 4096, Audit: audit, AuditTimeout: 30 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			var late sync.WaitGroup
			h := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mark := r.URL.Path[1:]
				misuse := func() {
					ctx := r.Context()
					middleware.Annotate(ctx, "label", mark)
					middleware.SetUser(ctx, mark)
					middleware.SetError(ctx, errors.New(mark))
					middleware.SetRoute(ctx, "/"+mark)
					middleware.SetPanic(ctx, mark, []byte(mark))
					middleware.Keep(ctx)
					_, _ = io.ReadFull(r.Body, make([]byte, len(mark)))
					_, _ = io.WriteString(w, mark)
					w.(http.Flusher).Flush()
				}
				w.Header().Set("X-Mark", mark)
				misuse()
				late.Go(func() {
					for range 30 {
						misuse()
					}
				})
			}))
			var clients sync.WaitGroup
			for c := range 8 {
				clients.Go(func() {
					for i := range 25 {
						mark := fmt.Sprintf("mark-%d-%d;", c, i)
						r := httptest.NewRequest("POST", "/"+mark, strings.NewReader(strings.Repeat(mark, 60)))
						r.Header.Set("X-Mark", mark)
						h.ServeHTTP(&flushing{nullWriter{http.Header{}}}, r)
					}
				})
			}
			clients.Wait()
			late.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := q.Close(ctx); err != nil {
				t.Fatal(err)
			}
			anyMark := regexp.MustCompile(`mark-\d+-\d+;`)
			for name, k := range map[string]*keeping{"failing": &failing.keeping, "behind": behind} {
				exchanges := map[string]int{}
				for _, line := range k.lines {
					marks := anyMark.FindAllString(line, -1)
					for _, m := range marks {
						if m != marks[0] {
							t.Fatalf("%s: %s and %s in one line: %s", name, marks[0], m, line)
						}
					}
					if strings.Contains(line, `"kind":"server"`) {
						exchanges[marks[0]]++
					}
				}
				if len(exchanges) != 200 {
					t.Errorf("%s: %d exchanges, want 200", name, len(exchanges))
				}
				for m, n := range exchanges {
					if n != 1 {
						t.Errorf("%s: %s has %d entries", name, m, n)
					}
				}
			}
		})
	}
}

type flushing struct{ nullWriter }

func (*flushing) Flush() {}
