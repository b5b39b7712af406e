package cloudloggingquery_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/txid"
)

// What the test service promises is true of the service itself, where a project is
// named to try it on: the same is asked of both. The conformance suite is not, since it
// wants a source in which there is nothing else.
func TestProject(t *testing.T) {
	t.Run("test service", func(t *testing.T) {
		promises(t, openOn(t, nil, time.Now), time.Second)
	})
	t.Run("real service", func(t *testing.T) {
		project := os.Getenv("TXTRAIL_TEST_GCL_PROJECT")
		if project == "" {
			t.Skip("TXTRAIL_TEST_GCL_PROJECT names no project: the service itself is not tried, the one in this process is")
		}
		s, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{ProjectID: project})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		src, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: project, Keep: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = src.Close() })
		promises(t, &world{sink: s, src: src}, 2*time.Minute)
	})
}

// promises tries what is promised. Entries of other runs are there too, so that each
// question has this run's ID in it; and they may take as long as patience to be found.
func promises(t *testing.T, w *world, patience time.Duration) {
	start := time.Now().UTC().Add(-time.Minute)
	id := func(what string) txid.ID { return txid.ID(fmt.Sprintf("real-%s-%d", what, start.UnixNano())) }
	made := func(what string, i int, change ...func(*entry.Entry)) *entry.Entry {
		return line(t, i, append([]func(*entry.Entry){func(e *entry.Entry) {
			e.Time, e.TxID, e.InsertID = start.Add(time.Duration(i)*time.Millisecond), id(what), fmt.Sprintf("%s-%06d", id(what), i)
		}}, change...)...)
	}
	// found waits for all that was written, and returns it.
	found := func(t *testing.T, ask func() (*query.Result, error), n int) []*entry.Entry {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(patience / 30) {
			r, err := ask()
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Entries) == n && !r.Partial() {
				return r.Entries
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d found, %v", len(r.Entries), n, r.Warnings)
			}
		}
	}
	same := func(t *testing.T, got, want []*entry.Entry) {
		t.Helper()
		for i := range want {
			if !bytes.Equal(got[i].Line(), want[i].Line()) {
				t.Errorf("entry %d\n%.300s\nwant\n%.300s", i, got[i].Line(), want[i].Line())
			}
		}
	}

	t.Run("check", func(t *testing.T) {
		for _, step := range w.src.Check(t.Context(), patience) {
			if step.Err != nil {
				t.Errorf("%s: %v", step.What, step.Err)
			}
		}
	})
	t.Run("hostile values", func(t *testing.T) {
		var want []*entry.Entry
		for i, v := range hostile {
			want = append(want, made("hostile", i, func(e *entry.Entry) {
				e.Facts.UserID, e.Facts.Device, e.HTTP.Route, e.Message = "u"+v, "d"+v, "/"+v, fmt.Sprint(i)
				e.Labels = []entry.Label{{Name: "z", Value: v}, {Name: "a", Value: v}}
			}))
		}
		w.write(t, want...)
		lookup := func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(id("hostile"))) }
		same(t, found(t, lookup, len(want)), want)
		all := parsed(t, want)
		memory := query.Memory(all)
		for i := range hostile {
			e := all[i]
			for name, f := range map[string]query.Filter{"user": {User: e.Facts.UserID}, "device": {Device: e.Facts.Device}, "route": {Route: e.HTTP.Route}, "text": {Text: e.Labels[0].Value}} {
				f.TxID, f.Since = string(id("hostile")), start
				got, err := w.src.Find(t.Context(), f)
				if err != nil {
					t.Errorf("%s %q: %v", name, hostile[i], err)
					continue
				}
				wanted, err := memory.Find(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				if g, w := messages(got.Entries), messages(wanted.Entries); !slices.Equal(g, w) {
					t.Errorf("%s %q finds %v, want %v", name, hostile[i], g, w)
				}
			}
		}
	})
	t.Run("parts", func(t *testing.T) {
		want := []*entry.Entry{
			made("parts", 0, func(e *entry.Entry) {
				e.Response.Body = entry.Body{Content: bytes.Repeat([]byte("크다"), 200<<10), Encoding: "utf-8"}
			}),
			made("parts", 1),
		}
		w.write(t, want...)
		same(t, found(t, func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(id("parts"))) }, 2), want)
	})
	t.Run("pages", func(t *testing.T) {
		var want []*entry.Entry
		for i := range 1200 {
			want = append(want, made("pages", i))
		}
		w.write(t, want...)
		w.write(t, want[500:700]...) // as after a lost answer
		same(t, found(t, func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(id("pages"))) }, len(want)), want)
	})
	t.Run("times", func(t *testing.T) {
		old := made("times", 0, func(e *entry.Entry) { e.Time = e.Time.Add(-40 * 24 * time.Hour) })
		ahead := made("times", 1, func(e *entry.Entry) { e.Time = e.Time.Add(40 * time.Hour) })
		w.write(t, old, ahead)
		same(t, found(t, func() (*query.Result, error) { return w.src.Lookup(t.Context(), string(id("times"))) }, 2), []*entry.Entry{old, ahead})
	})
	t.Run("following", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience+10*time.Second)
		defer cancel()
		want := made("tail", 0, func(e *entry.Entry) { e.Time = time.Now() })
		go func() {
			for i := 1; ctx.Err() == nil; i++ { // until one comes after following has begun
				_ = w.sink.Write(ctx, []*entry.Entry{want, made("tail", i)})
				_ = sleep(ctx, patience/10)
			}
		}()
		for e, err := range w.src.Tail(ctx, query.Filter{TxID: string(id("tail"))}) {
			if err != nil {
				t.Error(err)
			} else if e.InsertID == want.InsertID {
				same(t, []*entry.Entry{e}, []*entry.Entry{want})
				return
			}
		}
		t.Error("nothing came")
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
