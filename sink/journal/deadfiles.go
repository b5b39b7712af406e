package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/txtrail/txtrail/sink"
)

// DeadFile is a file of the dead letters of one sink.
type DeadFile struct {
	Sink   string // its name, or that of its folder where nothing says more
	Writer string // the name of the processes that wrote the entries
	Path   string
	// Again: these are to be sent again, and whoever ships for the sink does it.
	Again          bool
	Letters        int64
	Bytes          int64
	Oldest, Newest time.Time // when they were refused
	Reason         string    // of the newest
}

// DeadFiles lists the dead letters in a journal's folder, of all sinks. None is no
// error. With an error, which says what could not be read, come those that could.
func DeadFiles(dir string) ([]DeadFile, error) {
	var files []DeadFile
	err := eachShip(dir, func(folder string, items []fs.DirEntry) error {
		var errs []error
		for _, item := range items {
			name, ok := strings.CutSuffix(item.Name(), extOpen)
			if !ok {
				continue
			}
			d := DeadFile{Path: filepath.Join(folder, item.Name())}
			switch {
			case strings.HasPrefix(name, "dead-"):
				d.Writer = name[len("dead-"):]
			case strings.HasPrefix(name, againPrefix):
				d.Writer, d.Again = name[len(againPrefix):], true
			default:
				continue
			}
			if !item.Type().IsRegular() {
				errs = append(errs, fmt.Errorf("journalsink: %s is in the way of dead letters: %w: it is a %s", d.Path, ErrForeign, typeName(item.Type())))
				continue
			}
			d.Sink = sinkOf(folder, d.Writer)
			if err := d.count(); err != nil {
				errs = append(errs, err)
			}
			if d.Letters > 0 {
				files = append(files, d)
			}
		}
		return errors.Join(errs...)
	})
	return files, err
}

// count looks at the letters.
func (d *DeadFile) count() error {
	for l, err := range d.Read() {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case errors.Is(err, ErrLine):
			continue
		case err != nil:
			return err
		}
		d.Letters++
		if d.Oldest.IsZero() || l.Time.Before(d.Oldest) {
			d.Oldest = l.Time
		}
		if !l.Time.Before(d.Newest) {
			d.Newest, d.Reason = l.Time, l.Reason
		}
	}
	if st, err := os.Lstat(d.Path); err == nil {
		d.Bytes = st.Size()
	}
	return nil
}

// eachShip visits the folders of the sinks in .ship, and goes on after an error.
func eachShip(dir string, visit func(folder string, items []fs.DirEntry) error) error {
	root := filepath.Join(dir, shipDir)
	sinks, err := os.ReadDir(root)
	if st, serr := os.Lstat(root); err == nil && serr == nil && !st.IsDir() {
		err = fmt.Errorf("%s: %w: it is a %s, which is not followed", root, ErrForeign, typeName(st.Mode()))
	}
	if err != nil {
		if _, serr := os.Stat(dir); serr != nil {
			return folderError(dir, serr)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nobody ships from here
		}
		return fmt.Errorf("journalsink: nothing can be shipped: %w", err)
	}
	var errs []error
	for _, s := range sinks {
		folder := filepath.Join(root, s.Name())
		if !s.IsDir() {
			if s.Type()&fs.ModeSymlink != 0 || isShipFolder(s.Name()) {
				errs = append(errs, fmt.Errorf("journalsink: nothing can be shipped to a sink: %s: %w: it is a %s, which is not followed; put a folder in its place", folder, ErrForeign, typeName(s.Type())))
			}
			continue
		}
		items, err := os.ReadDir(folder)
		if err != nil {
			errs = append(errs, fmt.Errorf("journalsink: %w", err))
			continue
		}
		if err := visit(folder, items); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sinkOf returns the name of the sink that a folder of .ship is of.
func sinkOf(folder, writer string) string {
	if c, err := readCursor(lookFS{}, filepath.Join(folder, writer+extCursor)); err == nil {
		return c.Sink
	}
	return filepath.Base(folder)
}

// Read yields the letters, oldest first. A line that can not be read is an error that
// wraps [ErrLine], after which the next one comes; any other ends it.
func (d *DeadFile) Read() iter.Seq2[sink.DeadLetter, error] {
	return func(yield func(sink.DeadLetter, error) bool) {
		f, err := openRegular(d.Path, os.O_RDONLY)
		if err != nil {
			yield(sink.DeadLetter{}, fmt.Errorf("journalsink: %w", err))
			return
		}
		defer func() { _ = f.Close() }()
		st, err := f.Stat()
		if err != nil {
			yield(sink.DeadLetter{}, fmt.Errorf("journalsink: %w", err))
			return
		}
		lines := newFileLines(f, 0, st.Size())
		for {
			raw, err := lines.next()
			if isEOF(err) {
				return
			}
			if err != nil {
				yield(sink.DeadLetter{}, fmt.Errorf("journalsink: %s: %w", d.Path, err))
				return
			}
			if blank(raw.text) && raw.text != nil {
				continue
			}
			l, err := parseLetter(raw.text)
			if err != nil {
				err = fmt.Errorf("journalsink: %s: byte %d: %w: %w", d.Path, raw.at, ErrLine, err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Reship has the dead letters of a sink sent again, of all sinks if its name is "", and
// returns how many. They are sent by who ships for that sink from the folder: the
// running service, the next one that starts, or the command. What is refused again is
// a dead letter again. While an earlier call's letters are being sent, those of that
// sink are left where they are. An error says what could not be read or renamed, and
// the others are sent again all the same.
func Reship(dir, sinkName string) (letters int64, err error) {
	files, err := DeadFiles(dir)
	for i := range files {
		d := &files[i]
		if d.Again || sinkName != "" && d.Sink != sinkName {
			continue
		}
		n, rerr := d.reship()
		letters += n
		err = errors.Join(err, rerr)
	}
	return letters, err
}

// reship gives the file its other name, while nobody writes to it.
func (d *DeadFile) reship() (int64, error) {
	s := &Spool{fs: osFS{}}
	f, err := s.openDead(context.Background(), d.Path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	to := filepath.Join(filepath.Dir(d.Path), againName(d.Writer))
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if !removesOpen {
		_ = f.Close() // nor does such a system rename it
	}
	if err := os.Rename(d.Path, to); err != nil {
		return 0, fmt.Errorf("journalsink: %w", err)
	}
	return d.Letters, nil
}
