package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// maxWrite bounds one write(2), in bytes, and with it the buffer that is kept.
const maxWrite = 1 << 20

// Journal writes entries into a folder. It is a sink.Sink, safe for concurrent
// use. Writes are serialised; a write that returned nil has been taken by the
// kernel and survives the death of the process.
type Journal struct {
	dir   string
	opts  Options
	fs    fsys
	rnd   uint32
	count counters
	keep  *keeper
	watch watch // who ships from here

	closing atomic.Bool // Close was called

	mu    sync.Mutex
	cur   *openFile // nil when none could be made
	seq   int
	buf   []byte
	marks []mark
	later []error // for OnError, once the lock is free
}

var _ sink.Sink = (*Journal)(nil)

// openFile is the file being written.
type openFile struct {
	f     file
	base  string
	path  string
	size  int64
	first time.Time   // when its first entry was written
	dirty atomic.Bool // written to since the last sync
	torn  bool        // ends in the middle of a line
	bad   bool        // a write to it failed in a way that another file may not have
	named atomic.Bool // its name is on the disk
	over  atomic.Bool // its copy is on the disk, or it was removed: a sync is for nothing
	rows  *notedRows  // of all its lines; nil when some may be missing

	adopted bool // a dead writer's

	syncing sync.Mutex // held by who syncs it
}

// close closes it, once it is over or was synced. Somebody may be syncing it.
func (c *openFile) close() { _ = c.f.Close() }

// mark is where one entry's line ends in the buffer.
type mark struct {
	index int // in the batch
	end   int // in the buffer
}

// Open makes or takes the folder dir, begins a file in it, and starts two
// goroutines that sync, rotate, compress, adopt what dead writers left, and keep
// the folder within its bounds. nil options are the defaults.
//
// The error wraps [ErrFolder] or [ErrOptions] and says what to do. What is already
// in the folder never keeps a journal from opening.
func Open(dir string, opts *Options) (*Journal, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(dir); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	// A later chdir must not move the journal.
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	j := &Journal{dir: abs, opts: o, fs: o.fs, rnd: newRand()}
	if err := j.fs.MkdirAll(abs, o.folderMode()); err != nil {
		return nil, fmt.Errorf("%w: %s can not be made: %w; make its parent writable, or choose another folder", ErrFolder, abs, err)
	}
	if err := j.begin(o.Now()); err != nil {
		return nil, fmt.Errorf("%w: %s: %w; make it a folder that this user may write to, or choose another one", ErrFolder, abs, err)
	}
	j.keep = newKeeper(j)
	j.keep.start()
	return j, nil
}

// Dir returns the folder's absolute path.
func (j *Journal) Dir() string { return j.dir }

// Write appends the lines of batch, in order, in one write(2) (per MiB). Nothing of
// batch is kept.
//
// An entry that is not sealed, or whose line is no line, is refused for good. A
// full or failing disk gives a retryable error; lines that were written whole
// before it stay, and a sink.PartialError names the others. A line that was torn is
// taken back, or fenced off so that it can not swallow the next one.
func (j *Journal) Write(ctx context.Context, batch []*entry.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	if j.closing.Load() { // the lock may be held for long
		return j.errClosed()
	}
	j.mu.Lock()
	defer j.unlock()
	if j.closing.Load() {
		return j.errClosed()
	}
	var failed []sink.Failure
	written := 0
	for next := 0; next < len(batch); {
		from := next
		next = j.fill(batch, from, &failed)
		if len(j.marks) == 0 {
			continue
		}
		n, err := j.append()
		written += n
		if err == nil {
			j.note(batch)
			continue
		}
		if j.cur != nil {
			j.cur.rows = nil
		}
		if written == 0 && len(failed) == 0 {
			return sink.Retryable(err, 0)
		}
		for _, m := range j.marks[n:] {
			failed = append(failed, sink.Failure{Index: m.index, Err: sink.Retryable(err, 0)})
		}
		for i := next; i < len(batch); i++ {
			failed = append(failed, sink.Failure{Index: i, Err: sink.Retryable(err, 0)})
		}
		break
	}
	if written > 0 {
		j.watch.tell()
	}
	if cap(j.buf) > 2*maxWrite {
		j.buf = nil // one huge entry must not pin its size for ever
	}
	if len(failed) > 0 {
		return &sink.PartialError{Failed: failed}
	}
	return nil
}

func (j *Journal) errClosed() error {
	return sink.Permanent(fmt.Errorf("journalsink: %s: %w", j.dir, sink.ErrClosed))
}

// note enters the entries whose lines have just been written into the file's rows.
func (j *Journal) note(batch []*entry.Entry) {
	rows := j.cur.rows
	if rows == nil {
		return
	}
	if rows.full(len(j.marks)) {
		j.cur.rows = nil
		return
	}
	for _, m := range j.marks {
		rows.add(batch[m.index])
	}
}

// fill puts lines into the buffer until it is full enough for a write, and returns
// the index of the first entry that is not in it. The buffer's first byte is the
// newline that fences off a torn line, to be left out where there is none.
func (j *Journal) fill(batch []*entry.Entry, from int, failed *[]sink.Failure) int {
	j.buf = append(j.buf[:0], '\n')
	j.marks = j.marks[:0]
	i := from
	for ; i < len(batch) && len(j.buf) < maxWrite; i++ {
		line := batch[i].Line()
		if err := checkCanonical(line); err != nil {
			j.count.refused.Add(1)
			*failed = append(*failed, sink.Failure{Index: i, Err: sink.Permanent(err)})
			continue
		}
		j.buf = appendLine(j.buf, line)
		j.marks = append(j.marks, mark{index: i, end: len(j.buf)})
	}
	return i
}

// append writes the buffer to the current file, after a rotation if one is due. It
// returns how many of the lines are in the file whole.
func (j *Journal) append() (int, error) {
	now := j.opts.Now()
	if c := j.cur; c != nil && !c.f.There() {
		j.abandon(fmt.Errorf("journalsink: %s was removed or moved while it was being written; going on in a new file", c.path))
	}
	if j.due(now, int64(len(j.buf))) {
		if err := j.rotate(now); err != nil && j.cur == nil {
			j.writeFailed(err)
			return 0, err
		}
	}
	c := j.cur
	out := j.buf[1:]
	if c.torn {
		out = j.buf
	}
	skip := len(j.buf) - len(out)
	n, err := c.f.Write(out)
	if err == nil && n < len(out) {
		err = errors.New("short write")
	}
	if n > 0 {
		c.dirty.Store(true)
		if c.first.IsZero() {
			c.first = now
		}
	}
	if err == nil {
		c.size += int64(n)
		c.torn = false
		j.wrote(len(j.marks), n)
		j.count.writes.Add(1)
		return len(j.marks), nil
	}

	// What is whole stays: a reader may have seen it already. The rest is cut off.
	whole, keep := 0, 0
	for _, m := range j.marks {
		if m.end-skip > n {
			break
		}
		whole, keep = whole+1, m.end-skip
	}
	if keep == 0 && c.torn && n > 0 {
		keep = 1 // the fence
	}
	torn := c.torn && n == 0
	if n > keep {
		if terr := c.f.Truncate(c.size + int64(keep)); terr != nil {
			keep, torn = n, true
		}
	}
	c.size += int64(keep)
	c.torn = torn
	c.bad = !isFull(err)
	j.wrote(whole, keep)
	err = fmt.Errorf("journalsink: writing %s: %w", c.path, err)
	j.writeFailed(err)
	return whole, err
}

func (j *Journal) writeFailed(err error) {
	j.count.writeErrors.Add(1)
	j.remember(err)
	if isFull(err) {
		j.keep.full.Store(true)
		j.keep.kick() // the disk may be made emptier
	}
}

func (j *Journal) wrote(entries, bytes int) {
	j.count.entries.Add(int64(entries))
	j.count.bytes.Add(int64(bytes))
	j.count.fileBytes.Store(j.cur.size)
}

// due says whether another file is to be begun before more bytes are written.
func (j *Journal) due(now time.Time, more int64) bool {
	c := j.cur
	switch {
	case c == nil || c.bad:
		return true
	case c.size == 0:
		return false
	case c.size+more > j.opts.MaxFileBytes:
		return true
	}
	return !c.first.IsZero() && now.Sub(c.first) >= j.opts.MaxFileAge
}

// rotate begins a file and hands the old one over to be compressed. When no file
// can be made the old one is kept, whatever its size.
func (j *Journal) rotate(now time.Time) error {
	old := j.cur
	if err := j.begin(now); err != nil {
		err = fmt.Errorf("journalsink: no new file: %w", err)
		if old != nil {
			j.afterwards(err) // else Write returns it
		}
		return err
	}
	if old != nil {
		j.afterwards(j.keep.give(old))
	}
	return nil
}

// abandon goes on without a file that somebody removed or moved away.
func (j *Journal) abandon(err error) {
	j.afterwards(j.keep.letGo(j.cur))
	j.cur = nil
	j.afterwards(err)
}

// begin makes a file and locks it. Between the two another process may take it for
// a dead writer's and remove it; then another name is tried.
func (j *Journal) begin(now time.Time) error {
	var last error
	for range 16 {
		j.seq++
		base := newBase(j.opts.Name, now, j.rnd, j.seq)
		path := filepath.Join(j.dir, base+extOpen)
		f, err := j.fs.Create(path, j.opts.fileMode())
		if errors.Is(err, fs.ErrNotExist) {
			// Somebody removed the folder.
			if err = j.fs.MkdirAll(j.dir, j.opts.folderMode()); err == nil {
				f, err = j.fs.Create(path, j.opts.fileMode())
			}
		}
		if errors.Is(err, fs.ErrExist) {
			j.rnd, last = newRand(), err
			continue
		}
		if err != nil {
			return err
		}
		err = f.Lock()
		if err == nil && f.Named(path) {
			j.cur = &openFile{f: f, base: base, path: path, rows: new(notedRows)}
			name := base + extOpen
			j.count.file.Store(&name)
			j.count.fileBytes.Store(0)
			j.count.opened.Add(1)
			return nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, errLocked) {
			_ = j.fs.Remove(path)
			return err
		}
		last = fmt.Errorf("%s: taken by another process as soon as it was made", path)
	}
	return last
}

// unlock frees the lock and tells OnError what came up under it: the callee may
// use the journal.
func (j *Journal) unlock() {
	later := j.later
	j.later = nil
	j.mu.Unlock()
	for _, err := range later {
		j.report(err)
	}
}

// afterwards keeps an error, if it is one, for OnError. The lock is held.
func (j *Journal) afterwards(err error) {
	if err != nil {
		j.later = append(j.later, err)
	}
}

// tell reports an error, if it is one.
func (j *Journal) tell(err error) {
	if err != nil {
		j.report(err)
	}
}

// report tells OnError.
func (j *Journal) report(err error) {
	j.remember(err)
	j.opts.OnError(err)
}

// remember keeps err for Stats; what Write returns is its caller's to report.
func (j *Journal) remember(err error) {
	j.count.last.Store(&lastError{text: err.Error(), at: j.opts.Now()})
}
