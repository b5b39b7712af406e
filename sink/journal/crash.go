package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
)

// ErrCrashed is reported through Options.OnError, wrapped with what is known, when a
// dead process was found to have left requests unfinished.
var ErrCrashed = report.NewNotice("txtrail found what a dead process had left unfinished", "journalsink: a process died while it served requests")

// adoptTables writes a crash entry for each request that a dead process has left in
// its list, and takes the list away. One process does it: whoever has the file's lock.
// Should it die in between, the next one does it again, and the InsertIDs are the same.
func (j *Journal) adoptTables() {
	items, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return // adoptAll has said so
	}
	for _, path := range blackbox.List(items, j.dir) {
		if j.keep.closing() {
			return
		}
		j.adoptTable(path)
	}
}

func (j *Journal) adoptTable(path string) {
	dead, err := blackbox.Adopt(path)
	switch {
	case dead == nil:
		return // alive, gone, or another user's
	case errors.Is(err, blackbox.ErrDamaged), errors.Is(err, blackbox.ErrGone):
		if st, serr := os.Lstat(path); serr == nil && st.Size() > 0 { // else its maker lives, and makes another
			j.report(fmt.Errorf("journalsink: the list of a dead process's requests is lost: %s: %w", path, err))
		}
		_ = dead.Remove()
		return
	case err != nil:
		_ = dead.Close() // a newer version's, or unreadable
		j.reportOnce("in flight "+path, fmt.Errorf("journalsink: what a dead process was serving can not be told: %s: %w", path, err))
		return
	}
	entries := dead.Entries()
	sealed := entries[:0]
	for _, e := range entries {
		if e.Seal(nil) == nil {
			sealed = append(sealed, e)
		}
	}
	if len(sealed) > 0 {
		if err := j.Write(context.Background(), sealed); err != nil {
			_ = dead.Close()
			if errors.Is(err, sink.ErrClosed) {
				return // the next journal does it
			}
			j.report(fmt.Errorf("journalsink: what a dead process was serving can not be written yet: %w", err))
			return
		}
		j.count.crashed.Add(int64(len(sealed)))
		j.report(fmt.Errorf("%w: %s had %d unfinished", ErrCrashed, whose(dead.Resource), len(sealed)))
	}
	if err := dead.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.report(fmt.Errorf("journalsink: %w", err))
	}
}

func whose(r *entry.Resource) string {
	if r == nil || r.Service == "" {
		return "one"
	}
	return fmt.Sprintf("%s (pid %d)", r.Service, r.PID)
}

// InFlightList is what one process is serving, or was when it died.
type InFlightList struct {
	Alive    bool
	Resource *entry.Resource // whose it is; nil if that is not known
	// Crashed has a crash entry, sealed, for each request: of a living process it is
	// what would be written if it died now.
	Crashed []*entry.Entry
}

// InFlight returns the lists of requests in flight of all processes that write to the
// folder, and of the dead ones that no journal has taken care of yet. There are none on
// Windows. A list that can not be read is left out.
func (r *Reader) InFlight() ([]InFlightList, error) {
	return r.inFlight(blackbox.Read)
}

// Crashed returns the crash entries that stand in lists of dead processes and in no
// file of the journal yet, sealed. The same ones may be read from the journal at the
// same time: they have the same InsertIDs.
func (r *Reader) Crashed() ([]*entry.Entry, error) {
	lists, err := r.inFlight(blackbox.ReadDead)
	var all []*entry.Entry
	for _, l := range lists {
		all = append(all, l.Crashed...)
	}
	return all, err
}

func (r *Reader) inFlight(read func(path string) (*blackbox.Found, error)) ([]InFlightList, error) {
	items, err := r.sideFiles()
	if err != nil {
		return nil, err
	}
	var lists []InFlightList
	for _, path := range blackbox.List(items, r.dir) {
		found, err := read(path)
		if err != nil {
			continue
		}
		l := InFlightList{Alive: found.Alive, Resource: found.Resource}
		for _, e := range found.Entries() {
			if e.Seal(nil) == nil {
				l.Crashed = append(l.Crashed, e)
			}
		}
		lists = append(lists, l)
	}
	return lists, nil
}
