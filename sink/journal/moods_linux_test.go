package journalsink

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// moodRounds is small so that the plain test run stays short; with 20 and more the
// times are judged too.
var moodRounds = flag.Int("moodrounds", 1, "how often TestMoods alternates between a healthy disk and each sick one")

// moodFS is a disk with moods.
type moodFS struct {
	quickFS
	mood  atomic.Int32
	awake atomic.Pointer[chan struct{}] // closed when a stall ends
}

const (
	healthy = iota
	full
	failing
	stalled
	removed // by us, for real
	numMoods
)

var moodNames = [...]string{"healthy", "full", "failing", "stalled", "removed"}

func (f *moodFS) set(mood int32) {
	if old := f.awake.Load(); old != nil {
		close(*old)
		f.awake.Store(nil)
	}
	if mood == stalled {
		c := make(chan struct{})
		f.awake.Store(&c)
	}
	f.mood.Store(mood)
}

func (f *moodFS) err() error {
	switch f.mood.Load() {
	case full:
		return syscall.ENOSPC
	case failing:
		return syscall.EIO
	case stalled:
		if c := f.awake.Load(); c != nil {
			<-*c
		}
	}
	return nil
}

func (f *moodFS) Create(path string, perm fs.FileMode) (file, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	made, err := f.quickFS.Create(path, perm)
	if err != nil {
		return nil, err
	}
	return &moodFile{made, f}, nil
}

type moodFile struct {
	file
	fs *moodFS
}

func (f *moodFile) Write(b []byte) (int, error) {
	if err := f.fs.err(); err != nil {
		n, _ := f.file.Write(b[:len(b)/3])
		return n, err
	}
	return f.file.Write(b)
}

func threadCPU(t *testing.T) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// mooded is a service that writes to a disk with moods.
type mooded struct {
	fs     *moodFS
	dir    string
	j      *Journal
	q      *sink.Queue
	server *httptest.Server
	client *http.Client
	sent   int64
}

func newMooded(t *testing.T) *mooded {
	t.Helper()
	m := &mooded{fs: &moodFS{}, dir: filepath.Join(t.TempDir(), "journal")}
	m.j = openTest(t, m.dir, &Options{fs: m.fs, OnError: func(error) {}})
	var err error
	m.q, err = sink.NewQueue(m.j, &sink.QueueOptions{OnError: func(error) {}, RetryMax: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	list, err := m.j.InFlight(nil)
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := middleware.New(m.q, &middleware.Options{InFlight: list})
	if err != nil {
		t.Fatal(err)
	}
	m.server = httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"answer":42}`)
	})))
	m.client = m.server.Client()
	m.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 4
	t.Cleanup(func() {
		m.fs.set(healthy)
		m.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := m.q.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// measure serves requests, and enqueues entries, and returns how long the requests
// took and what CPU time an Enqueue took.
func (m *mooded) measure(t *testing.T, requests, entries int) (latencies []time.Duration, enqueue time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range requests / 4 {
				begin := time.Now()
				res, err := m.client.Post(m.server.URL+"/api/orders", "application/json", strings.NewReader(`{"item":7}`))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				took := time.Since(begin)
				mu.Lock()
				latencies = append(latencies, took)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	batch := make([]*entry.Entry, entries)
	for i := range batch {
		batch[i] = &entry.Entry{
			Time: time.Now(), TxID: txid.ID(fmt.Sprintf("transaction-%06d", i)), Kind: entry.KindServer,
			HTTP: entry.HTTP{Method: "POST", URL: "/api/orders", Status: 200}, Message: "POST /api/orders 200",
		}
	}
	if *moodRounds >= 20 {
		runtime.GC() // one under way makes each store dearer, twice in all
	}
	runtime.LockOSThread()
	begin := threadCPU(t)
	for _, e := range batch {
		m.q.Enqueue(e)
	}
	enqueue = (threadCPU(t) - begin) / time.Duration(entries)
	runtime.UnlockOSThread()
	m.sent += int64(requests/4*4 + entries)
	return latencies, enqueue
}

// settle waits until all that was sent has been written, and checks the account.
func (m *mooded) settle(t *testing.T, when string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := m.q.Flush(ctx); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	// A request's entry is enqueued when its client has the answer already.
	waitFor(t, func() bool { return m.q.Stats().Delivered == m.sent })
	if s := m.q.Stats(); s.Captured != m.sent || s.Delivered != m.sent || s.DroppedTotal() != 0 || s.Waiting != 0 {
		t.Fatalf("%s: sent %d, Stats = %+v", when, m.sent, s)
	}
}

func p99(ds []time.Duration) time.Duration {
	s := slices.Clone(ds)
	slices.Sort(s)
	return s[len(s)*99/100]
}

func median(ds []time.Duration) time.Duration {
	s := slices.Clone(ds)
	slices.Sort(s)
	return s[len(s)/2]
}

// The disk runs full, fails, stalls for as long as the requests take, and loses its
// folder. Requests and Enqueue take what they take with a healthy disk; nothing is
// lost; the account is right; and all of it is written when the disk is well again,
// without a restart.
//
// Where times are judged the process has the heap of a small service, 64 MB in a million
// pieces: of next to none, the garbage collector runs every few milliseconds as soon as
// entries wait, and it would be measured alone.
func TestMoods(t *testing.T) {
	type piece struct {
		next *piece
		_    [56]byte
	}
	var heap *piece
	if *moodRounds >= 20 {
		for range 1 << 20 {
			heap = &piece{next: heap}
		}
	}
	defer func() { runtime.KeepAlive(heap) }()
	for mood := int32(1); mood < numMoods; mood++ {
		t.Run(moodNames[mood], func(t *testing.T) {
			// The 99th percentile of 400 requests is what the slowest four of some ten
			// milliseconds took: those who met the garbage collector, or the one moment in
			// which a file was made anew. That one is told beside it.
			requests := 400
			if *moodRounds >= 20 {
				requests = 2000
			}
			m := newMooded(t)
			m.measure(t, 100, 100)
			m.settle(t, "warm")
			var lat [2][]time.Duration
			var first [2][]time.Duration // of each round, some 400
			var cpu [2][]time.Duration
			for range *moodRounds {
				for sick := range 2 {
					if sick == 1 {
						if mood == removed {
							if err := os.RemoveAll(m.dir); err != nil {
								t.Fatal(err)
							}
						}
						m.fs.set(mood)
					}
					writes := m.j.Stats().WriteErrors
					l, c := m.measure(t, requests, 2000)
					lat[sick] = append(lat[sick], l...)
					first[sick] = append(first[sick], l[:min(400, len(l))]...)
					cpu[sick] = append(cpu[sick], c)
					if sick == 1 {
						if mood == full || mood == failing {
							waitFor(t, func() bool { return m.j.Stats().WriteErrors > writes })
						}
						if s := m.q.Stats(); mood == stalled && s.Waiting == 0 {
							t.Errorf("nothing waits for a disk that stalls: %+v", s)
						}
						m.fs.set(healthy)
					}
					m.settle(t, moodNames[mood])
				}
			}
			p, c := float64(p99(lat[1]))/float64(p99(lat[0])), float64(median(cpu[1]))/float64(median(cpu[0]))
			t.Logf("%s: p99 of %d requests %s, healthy %s: %.2f; Enqueue %s of CPU, healthy %s: %.2f",
				moodNames[mood], len(lat[1]), p99(lat[1]), p99(lat[0]), p, median(cpu[1]), median(cpu[0]), c)
			t.Logf("of the first 400 of each round: p99 %s, healthy %s: %.2f", p99(first[1]), p99(first[0]), float64(p99(first[1]))/float64(p99(first[0])))
			if *moodRounds >= 20 && (p > 1.2 || c > 1.2) {
				t.Errorf("more than 1.2 times the healthy disk's: p99 %.2f, Enqueue %.2f", p, c)
			}
		})
	}
}
