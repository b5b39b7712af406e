package journalsink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

// Whatever stands in the place of a sink's side files: what waits is in the account,
// Close and ShipStates say what is wrong, and once it is gone everything is delivered.
func TestShipWithoutPlace(t *testing.T) {
	file := func(t *testing.T, path string) {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := func(t *testing.T, path string) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(t *testing.T, path string) {
		if err := os.Symlink(t.TempDir(), path); err != nil {
			t.Skip("SKIPPED: no links here")
		}
	}
	for name, c := range map[string]struct {
		lock bool // it has the lock's place, and not the folder's
		make func(t *testing.T, path string)
	}{
		"a file for the folder": {false, file},
		"a link for the folder": {false, link},
		"a folder for the lock": {true, folder},
		"a link for the lock":   {true, link},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			side := filepath.Join(dir, shipDir, shipFolder("cloud"))
			path := side
			folder(t, filepath.Dir(side))
			if c.lock {
				folder(t, side)
				path = filepath.Join(side, DefaultName+extLock)
			}
			c.make(t, path)
			j := openTest(t, dir, nil)
			writeTest(t, j, 0, 10)
			sp, err := j.Spool(nil)
			if err != nil {
				t.Fatal(err)
			}
			ship := func() *sink.Ship {
				h, err := sink.NewShip(sp, &sinktest.Memory{}, &sink.ShipOptions{Name: "cloud", OnError: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				return h
			}
			h := ship()
			waitFor(t, func() bool { return h.Stats().Waiting == 10 })
			if s := h.Stats(); s.Unknown || s.Attached || s.Standby || s.Captured != 10 || s.LastError == "" {
				t.Errorf("%+v", s)
			}
			if err := h.Close(context.Background()); !errors.Is(err, sink.ErrLeft) {
				t.Errorf("closed with %v", err)
			}
			if _, err := ShipStates(context.Background(), dir, testStart); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), path) {
				t.Errorf("states: %v", err)
			}

			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			h = ship()
			if err := h.Flush(deadline(t)); err != nil {
				t.Error(err)
			}
			if s := h.Stats(); s.Delivered != 10 || s.Captured != 10 {
				t.Errorf("%+v", s)
			}
			if err := h.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A sink's folder without a cursor says that somebody was to ship and could not.
func TestShipStatesWithoutCursor(t *testing.T) {
	dir := t.TempDir()
	j := openTest(t, dir, nil)
	writeTest(t, j, 0, 3)
	side := filepath.Join(dir, shipDir, shipFolder("cloud"))
	if err := os.MkdirAll(side, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ShipStates(context.Background(), dir, testStart); err == nil || !strings.Contains(err.Error(), side+" is empty") {
		t.Errorf("an empty one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(side, DefaultName+extLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	states, err := ShipStates(context.Background(), dir, testStart)
	if err != nil || len(states) != 1 {
		t.Fatalf("%+v, %v", states, err)
	}
	if s := states[0]; s.Waiting != 3 || s.Alive || s.Written.IsZero() || s.Err != nil {
		t.Errorf("%+v", s)
	}
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
