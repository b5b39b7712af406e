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
// error.
func DeadFiles(dir string) ([]DeadFile, error) {
	var files []DeadFile
	err := eachShip(dir, func(folder string, items []fs.DirEntry) error {
		for _, item := range items {
			name, ok := strings.CutSuffix(item.Name(), extOpen)
			if !ok || !item.Type().IsRegular() {
				continue
			}
			d := DeadFile{Path: filepath.Join(folder, item.Name())}
			switch {
			case strings.HasPrefix(name, "dead-"):
				d.Writer = name[len("dead-"):]
			case strings.HasPrefix(name, "again-"):
				d.Writer, d.Again = name[len("again-"):], true
			default:
				continue
			}
			d.Sink = sinkOf(folder, d.Writer)
			for l, err := range d.Read() {
				if err != nil {
					if errors.Is(err, fs.ErrNotExist) {
						break
					}
					if errors.Is(err, ErrLine) {
						continue
					}
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
			if d.Letters > 0 {
				files = append(files, d)
			}
		}
		return nil
	})
	return files, err
}

// eachShip visits the folders of the sinks in .ship.
func eachShip(dir string, visit func(folder string, items []fs.DirEntry) error) error {
	root := filepath.Join(dir, shipDir)
	sinks, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := os.Stat(dir); serr == nil {
			return nil // nobody ships from here
		}
	}
	if err != nil {
		return folderError(dir, err)
	}
	for _, s := range sinks {
		if !s.IsDir() {
			continue
		}
		folder := filepath.Join(root, s.Name())
		items, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("journalsink: %w", err)
		}
		if err := visit(folder, items); err != nil {
			return err
		}
	}
	return nil
}

// sinkOf returns the name of the sink that a folder of .ship is of.
func sinkOf(folder, writer string) string {
	if c, err := readCursor(osFS{}, filepath.Join(folder, writer+extCursor)); err == nil {
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
		lines := newLineReader(f, 0, st.Size())
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
// sink are left where they are.
func Reship(dir, sinkName string) (letters int64, err error) {
	files, err := DeadFiles(dir)
	if err != nil {
		return 0, err
	}
	for i := range files {
		d := &files[i]
		if d.Again || sinkName != "" && d.Sink != sinkName {
			continue
		}
		n, err := d.reship()
		letters += n
		if err != nil {
			return letters, err
		}
	}
	return letters, nil
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
