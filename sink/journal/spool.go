package journalsink

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
)

// Defaults of [SpoolOptions].
const (
	DefaultCommitEvery  = 100 * time.Millisecond
	DefaultMaxDeadBytes = 64 << 20
)

// SpoolOptions of a [Spool]. Nil means the defaults.
type SpoolOptions struct {
	// Name is the writers' Options.Name: the files of all processes that have it, alive
	// or dead, are shipped together. Default "txtrail".
	Name string
	// CommitEvery is the least time between two writings of the cursor (temporary file,
	// fsync, rename). What is delivered in between comes again after a crash, under the
	// same insertIds. Default 100 ms, longer where the disk is slow; negative: each time
	// that something was delivered, however long the disk takes for it.
	CommitEvery time.Duration
	// MaxDeadBytes bounds the file of the dead letters of one sink. When it is full the
	// older half goes, which is counted and told to OnError. Default 64 MiB.
	MaxDeadBytes int64
	// Shared, as Options.Shared, lets the group read.
	Shared bool
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// OnError is told of what is odd and does not stop the shipping: a damaged cursor,
	// damage in the files, dead letters given up. It must not block. Default: a warning
	// to slog.Default(), at most one in ten seconds.
	OnError func(error)

	fs fsys
}

func (o *SpoolOptions) withDefaults() (SpoolOptions, error) {
	var c SpoolOptions
	if o != nil {
		c = *o
	}
	if c.MaxDeadBytes < 0 {
		return c, optionError("MaxDeadBytes", "is %d: want 0 for the default, or a size", c.MaxDeadBytes)
	}
	c.Name = cleanName(c.Name)
	if c.CommitEvery == 0 {
		c.CommitEvery = DefaultCommitEvery
	}
	if c.MaxDeadBytes == 0 {
		c.MaxDeadBytes = DefaultMaxDeadBytes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnError == nil {
		c.OnError = new(report.Warner).Warn
	}
	c.OnError = report.Guard(c.OnError)
	if c.fs == nil {
		c.fs = osFS{}
	}
	return c, nil
}

// Spool is a journal's folder as a sink.Spool: entries are shipped from it by a
// sink.Ship, under the name of each sink. It is safe for concurrent use and holds
// nothing open; what does is the sink.Feed that Attach returns.
//
// What was shipped is remembered in the side folder .ship, in one small file for each
// sink: docs/journal.md has the format.
type Spool struct {
	dir  string
	opts SpoolOptions
	fs   fsys
	zstd *zstd.Decoder
	j    *Journal // tells of new entries; nil for a folder that others write
}

var _ sink.Spool = (*Spool)(nil)

// OpenSpool returns the spool of a folder that other processes write, or have written:
// to ship what dead ones left. The error wraps [ErrFolder] or [ErrOptions].
func OpenSpool(dir string, opts *SpoolOptions) (*Spool, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(dir); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	if _, err := o.fs.ReadDir(abs); err != nil {
		return nil, folderError(abs, err)
	}
	return newSpool(abs, o, nil)
}

// Spool returns the journal's own spool, for the entries of all processes of its name.
// Name, Shared, Now and OnError are the journal's where opts leaves them unset.
func (j *Journal) Spool(opts *SpoolOptions) (*Spool, error) {
	var o SpoolOptions
	if opts != nil {
		o = *opts
	}
	if o.Name == "" {
		o.Name = j.opts.Name
	}
	if o.Now == nil {
		o.Now = j.opts.Now
	}
	if o.OnError == nil {
		o.OnError = j.opts.OnError
	}
	if o.fs == nil {
		o.fs = j.fs
	}
	o.Shared = o.Shared || j.opts.Shared
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.Name != j.opts.Name {
		return newSpool(j.dir, o, nil)
	}
	return newSpool(j.dir, o, j)
}

func newSpool(dir string, o SpoolOptions, j *Journal) (*Spool, error) {
	dec, err := newDecoder()
	if err != nil {
		return nil, fmt.Errorf("journalsink: %w", err)
	}
	return &Spool{dir: dir, opts: o, fs: o.fs, zstd: dec, j: j}, nil
}

// Attach implements sink.Spool.
func (s *Spool) Attach(ctx context.Context, name string) (sink.Feed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	folder := shipFolder(name)
	if err := s.fs.MkdirAll(s.dir, s.folderMode()); err != nil {
		return nil, fmt.Errorf("journalsink: %w", err)
	}
	lock, err := s.hold(folder)
	if err != nil {
		return nil, err
	}
	f := s.feed(name, folder)
	f.lock = lock
	if err := f.begin(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	if s.j != nil {
		f.changed = s.j.watch.add()
	}
	return f, nil
}

func (s *Spool) feed(name, folder string) *feed {
	return &feed{
		s: s, name: name, folder: folder,
		done: make(map[string]int64), merged: make(map[string]int64), parts: make(map[string]*parts),
		bases: make(map[string]*followed),
		told: damages{on: func(d Damage) {
			s.opts.OnError(fmt.Errorf("journalsink: %s: %q at byte %d not shipped: %w", s.dir, d.File, d.Offset, d.Err))
		}},
	}
}

// hold makes the side folder of a sink where it is not there, and takes the lock. It does
// not make the journal's folder: without it nothing can be told of what that had.
func (s *Spool) hold(folder string) (file, error) {
	for _, dir := range [...]string{filepath.Join(s.dir, shipDir), filepath.Join(s.dir, shipDir, folder)} {
		if err := s.fs.Mkdir(dir, s.folderMode()); err != nil {
			return nil, fmt.Errorf("journalsink: %w", err)
		}
		if st, err := s.fs.Lstat(dir); err == nil && !st.IsDir() {
			return nil, fmt.Errorf("journalsink: %s: %w: it is a %s, which is not followed; put a folder in its place", dir, ErrForeign, typeName(st.Mode()))
		}
	}
	return s.lock(shipPath(s.dir, folder, s.opts.Name+extLock))
}

// lock opens the lock file, makes it if need be, and takes its lock.
func (s *Spool) lock(path string) (file, error) {
	for n := range 16 {
		f, err := s.fs.Append(path, s.fileMode())
		if errors.Is(err, fs.ErrExist) && n < 15 {
			continue // another process was faster, or it is a link to nowhere
		}
		if err != nil {
			return nil, fmt.Errorf("journalsink: %w", err)
		}
		err = f.Lock()
		if err == nil && f.Named(path) {
			return f, nil
		}
		_ = f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("journalsink: %s: %w", path, sink.ErrHeld)
		}
		if err != nil {
			return nil, fmt.Errorf("journalsink: %w", err)
		}
	}
	return nil, fmt.Errorf("journalsink: %s keeps being removed", path)
}

func (s *Spool) fileMode() fs.FileMode   { return (&Options{Shared: s.opts.Shared}).fileMode() }
func (s *Spool) folderMode() fs.FileMode { return (&Options{Shared: s.opts.Shared}).folderMode() }

// shipFolder makes a sink's name fit for a folder's: what is not [a-z0-9._-] becomes
// '-', and the CRC-32C of the whole name keeps apart what became the same.
func shipFolder(name string) string {
	const most = 80
	b := make([]byte, 0, most+9)
	for i := range min(len(name), most) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '.' && i > 0:
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		default:
			c = '-'
		}
		b = append(b, c)
	}
	return fmt.Sprintf("%s-%08x", b, crc32.Checksum([]byte(name), castagnoli))
}

// isShipFolder reports whether a name is one that shipFolder makes.
func isShipFolder(name string) bool {
	at := len(name) - 9
	return at >= 0 && name[at] == '-' && hexWord(name[at+1:])
}

// watch tells feeds of the own process that something was written.
type watch struct {
	mu    sync.Mutex
	feeds []chan struct{}
}

func (w *watch) add() chan struct{} {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feeds = append(w.feeds, ch)
	return ch
}

func (w *watch) remove(ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.feeds {
		if w.feeds[i] == ch {
			w.feeds = append(w.feeds[:i], w.feeds[i+1:]...)
			return
		}
	}
}

// tell never waits.
func (w *watch) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.feeds {
		select {
		case ch <- struct{}{}:
		default: // it has a token already
		}
	}
}
