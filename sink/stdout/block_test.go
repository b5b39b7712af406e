package stdoutsink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
)

// gate is a writer that blocks until it is opened, and then takes room bytes.
type gate struct {
	bytes.Buffer
	open chan struct{}
	room int
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	n, _ := g.Buffer.Write(b[:min(len(b), g.room)])
	g.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// A writer that blocks holds up neither Write nor Close for longer than their contexts,
// and spoils nothing for the time when it writes again.
func TestBlockedWriter(t *testing.T) {
	for _, room := range []int{1 << 20, 100} {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{open: make(chan struct{}), room: room}
			s, err := stdoutsink.New(g, &stdoutsink.Options{LookupEnv: func(string) (string, bool) { return "", false }})
			if err != nil {
				t.Fatal(err)
			}
			within := func(name string, f func(ctx context.Context) error) error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin := time.Now()
				err := f(ctx)
				if took := time.Since(begin); took != time.Second {
					t.Errorf("%s took %v", name, took)
				}
				if !errors.Is(err, context.DeadlineExceeded) || sink.IsPermanent(err) {
					t.Errorf("%s: %v", name, err)
				}
				return err
			}
			write := func(at int) func(ctx context.Context) error {
				return func(ctx context.Context) error { return s.Write(ctx, sinktest.Samples(at, 3)) }
			}
			if err := within("a Write to the blocked writer", write(0)); !strings.Contains(err.Error(), "the writer blocks") {
				t.Error(err)
			}
			_ = within("a Write behind it", write(3))
			close(g.open)
			synctest.Wait()
			g.room = 1 << 20
			if err := write(6)(t.Context()); err != nil {
				t.Error(err)
			}
			// What was cut is ended, so that all that came whole reads.
			var ids []string
			for line := range bytes.Lines(g.Bytes()) {
				if e, err := entry.Parse(line); err == nil {
					ids = append(ids, e.InsertID)
				}
			}
			want := 6
			if room == 100 {
				want = 3
			}
			if len(ids) != want || ids[want-1] != sinktest.Sample(8).InsertID {
				t.Errorf("%d: %q", room, ids)
			}

			g.open = make(chan struct{})
			go func() { _ = write(9)(context.Background()) }()
			synctest.Wait()
			_ = within("Close while a Write blocks", s.Close)
			if err := write(12)(t.Context()); !errors.Is(err, sink.ErrClosed) || !sink.IsPermanent(err) {
				t.Errorf("Write after Close: %v", err)
			}
			close(g.open)
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A writer that panics does not take the process along.
func TestPanickingWriter(t *testing.T) {
	s := open(t, panicking{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, ctx := range []context.Context{ctx, context.Background()} {
		if err := s.Write(ctx, sinktest.Samples(0, 1)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "panicked: broken") {
			t.Errorf("%v", err)
		}
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("broken") }
