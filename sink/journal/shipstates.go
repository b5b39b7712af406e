package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// ShipState is how far the entries of one writers' name were shipped to one sink.
type ShipState struct {
	Sink   string
	Writer string // Options.Name of the processes that wrote them
	// Folder is the path of what is remembered of the sink: how far it is, and its dead
	// letters. Who removes it while nobody ships has the sink forgotten, and no files kept
	// for it; should it come back, it gets all that is there.
	Folder string
	// Alive: a process ships them now. Written is when the last one wrote its cursor, or
	// made the lock, where there is no cursor.
	Alive   bool
	Written time.Time
	Waiting int64     // entries that the sink has not got
	Bytes   int64     // of them, before compression
	Oldest  time.Time // of them; zero if there are none
	// Lost are the entries that were removed before the sink got them, to keep the folder
	// within its bounds or by somebody: of this folder as long as its cursor is there.
	// LostLast is when the sink was told last, by a gap entry; zero if it was not yet.
	Lost     int64
	LostLast time.Time
	// Stale: nobody has shipped for so long that the files are not kept for it any
	// more.
	Stale bool
	Err   error // of the cursor: shipping begins again with the oldest file
}

// ShipStates looks at everything that is, or was, shipped from a journal's folder. It
// writes nothing, needs no more than the right to read, and who ships goes on meanwhile. Of an entry that is being sent right
// now it may say that it waits. With an error, which says what could not be looked at,
// come those that could.
func ShipStates(ctx context.Context, dir string, now time.Time) ([]ShipState, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	var states []ShipState
	err = eachShip(dir, func(folder string, items []fs.DirEntry) error {
		errs := oddShip(folder, items)
		for _, writer := range shipWriters(items) {
			state, err := shipState(ctx, abs, filepath.Base(folder), writer, now)
			if err != nil {
				errs = append(errs, err)
				if ctx.Err() != nil {
					break
				}
				continue
			}
			states = append(states, state)
		}
		return errors.Join(errs...)
	})
	return states, err
}

// shipWriters returns the writers' names that a sink's folder has a cursor of, or a lock:
// who ships, and could not write down how far, or not even begin, has only that.
func shipWriters(items []fs.DirEntry) (names []string) {
	for _, item := range items {
		writer, ok := strings.CutSuffix(item.Name(), extCursor)
		if !ok {
			writer, ok = strings.CutSuffix(item.Name(), extLock)
		}
		if ok && cleanName(writer) == writer {
			names = append(names, writer)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// oddShip says what in a sink's folder keeps who ships from doing so. A cursor that is
// none is told with its state.
func oddShip(folder string, items []fs.DirEntry) (errs []error) {
	some := false
	for _, item := range items {
		path := filepath.Join(folder, item.Name())
		lock := strings.HasSuffix(item.Name(), extLock)
		some = some || lock || strings.HasSuffix(item.Name(), extCursor)
		if (lock || strings.HasSuffix(item.Name(), extCursor+".tmp")) && !item.Type().IsRegular() {
			errs = append(errs, fmt.Errorf("journalsink: %s is in the way of the shipping: %w: it is a %s; remove it", path, ErrForeign, typeName(item.Type())))
		}
	}
	if !some && len(items) == 0 {
		errs = append(errs, fmt.Errorf("journalsink: %s is empty: who was to ship to this sink could not; see whether the service may write there, or remove it if there is no such sink any more", folder))
	}
	return errs
}

func shipState(ctx context.Context, dir, folder, writer string, now time.Time) (ShipState, error) {
	state := ShipState{Sink: folder, Writer: writer, Folder: filepath.Join(dir, shipDir, folder), Alive: locked(shipPath(dir, folder, writer+extLock))}
	path := shipPath(dir, folder, writer+extCursor)
	c, err := readCursor(lookFS{}, path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return state, fmt.Errorf("journalsink: %w", err)
	case errors.Is(err, fs.ErrNotExist): // only the lock is there
		if st, err := os.Lstat(shipPath(dir, folder, writer+extLock)); err == nil {
			state.Written = st.ModTime()
		}
	case err != nil:
		state.Err = err
		if st, err := os.Lstat(path); err == nil {
			state.Written = st.ModTime()
		}
	default:
		state.Sink, state.Written = c.Sink, c.Time
	}
	state.Stale = !state.Alive && now.Sub(state.Written) >= cursorLife
	s, err := OpenSpool(dir, &SpoolOptions{Name: writer, fs: lookFS{}, OnError: func(err error) {
		if state.Err == nil && errors.Is(err, ErrCursor) {
			state.Err = err
		}
	}})
	if err != nil {
		return state, err
	}
	f := s.feed(state.Sink, folder)
	f.looking = true
	if err := f.load(); err != nil {
		return state, err
	}
	look, err := f.Look(ctx)
	if err != nil {
		return state, err
	}
	state.Lost, state.LostLast = f.note.Entries, f.note.Last
	for _, x := range f.lost {
		n := max(0, x.lines-x.read.lines)
		state.Lost += n
		look.Entries -= n
	}
	state.Waiting, state.Bytes = look.Entries, look.Bytes
	if look.Entries > 0 {
		b := sink.SpoolBatch{MaxEntries: len(f.lost) + 1, MaxBytes: 1}
		if err := f.Next(ctx, &b); err != nil {
			return state, err
		}
		if len(b.Entries) > b.Gaps {
			state.Oldest = b.Entries[b.Gaps].Time
		}
	}
	return state, nil
}

// locked reports whether somebody holds the lock of a file. To find out it takes the
// lock for a moment; who wants it then tries again.
func locked(path string) bool {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(lockFile(f), errLocked)
}

// Writers returns the writers' names of which a journal's folder has something to ship,
// sorted: those that have files in it, and those of whom a sink is to get dead letters
// again, whose files may have gone. With an error, which says what could not be looked
// at, come those that could.
func Writers(dir string) ([]string, error) {
	bases, err := list(dir, readDir, nil, nil)
	if err != nil {
		return nil, folderError(dir, err)
	}
	var names []string
	for i := range bases {
		names = append(names, bases[i].writer())
	}
	err = eachShip(dir, func(_ string, items []fs.DirEntry) error {
		for _, item := range items {
			name, ok := strings.CutSuffix(item.Name(), extOpen)
			writer, again := strings.CutPrefix(name, againPrefix)
			if ok && again && cleanName(writer) == writer && item.Type().IsRegular() {
				names = append(names, writer)
			}
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}
