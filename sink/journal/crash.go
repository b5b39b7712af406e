package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/blackbox"
	"github.com/txtrail/txtrail/internal/report"
	"github.com/txtrail/txtrail/sink"
)

// ErrCrashed is reported through Options.OnError, wrapped with what is known, when a
// dead process was found to have left requests unfinished.
var ErrCrashed = report.NewNotice("txtrail found what a dead process had left unfinished", "journalsink: a process died while it served requests")

// adopter takes care of the lists that dead processes have left. One does it, of all
// processes: whoever has the list's lock. Should it die in between, the next one does it
// again, and the InsertIDs are the same.
type adopter struct {
	dir     string
	fs      fsys
	now     func() time.Time
	report  func(error)
	once    func(key string, err error) // what does not go away is told once
	closing func() bool
	count   func(n int64) // entries that were written; before their list goes
	// own writes what a process of the name has left into a file that is open already.
	name string
	own  func([]*entry.Entry) error
}

// adoptTables writes a crash entry for each request that a dead process has left in its
// list, and takes the list away.
func (j *Journal) adoptTables() {
	a := adopter{
		dir: j.dir, fs: j.fs, now: j.opts.Now, report: j.report, once: j.reportOnce, closing: j.keep.closing,
		count: func(n int64) { j.count.crashed.Add(n) },
		name:  j.opts.Name, own: func(batch []*entry.Entry) error { return j.Write(context.Background(), batch) },
	}
	_ = a.all() // an error of the listing adoptAll has told
}

// AdoptCrashed writes a crash entry for each request that was in flight in a process
// that has died since, as a [Journal] does that is opened in the folder, and returns how
// many: for who ships from a folder whose services do not come back. Living processes
// are left alone, and so are lists that this user may not write.
//
// They stand in a file of the dead process's name, so that they go where its entries do.
// Of the options OnError is used, which is told of each dead process ([ErrCrashed]), and
// Now; nil means the defaults. An error says that the folder can not be read; what can
// not be adopted is told to OnError.
func AdoptCrashed(dir string, opts *Options) (crashed int64, err error) {
	o, err := opts.withDefaults()
	if err != nil {
		return 0, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return 0, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	a := adopter{
		dir: abs, fs: o.fs, now: o.Now, report: o.OnError, once: func(_ string, err error) { o.OnError(err) },
		closing: func() bool { return false }, count: func(n int64) { crashed += n }, name: o.Name,
	}
	if err := a.all(); err != nil {
		return crashed, folderError(abs, err)
	}
	return crashed, nil
}

// all adopts what is there.
func (a *adopter) all() error {
	items, err := a.fs.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, path := range blackbox.List(items, a.dir) {
		if a.closing() {
			break
		}
		a.adopt(path)
	}
	return nil
}

func (a *adopter) adopt(path string) {
	dead, err := blackbox.Adopt(path)
	switch {
	case dead == nil:
		return // alive, gone, or another user's
	case errors.Is(err, blackbox.ErrDamaged), errors.Is(err, blackbox.ErrGone):
		if st, serr := os.Lstat(path); serr == nil && st.Size() > 0 { // else its maker lives, and makes another
			a.report(fmt.Errorf("journalsink: the list of a dead process's requests is lost: %s: %w", path, err))
		}
		_ = dead.Remove()
		return
	case err != nil:
		_ = dead.Close() // a newer version's, or unreadable
		a.once("in flight "+path, fmt.Errorf("journalsink: what a dead process was serving can not be told: %s: %w", path, err))
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
		if err := a.write(path, dead, sealed); err != nil {
			_ = dead.Close()
			if errors.Is(err, sink.ErrClosed) {
				return // the next journal does it
			}
			a.report(fmt.Errorf("journalsink: what a dead process was serving can not be written yet: %w", err))
			return
		}
		a.count(int64(len(sealed)))
		a.report(fmt.Errorf("%w: %s had %d unfinished", ErrCrashed, whose(dead.Resource), len(sealed)))
	}
	if err := dead.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.report(fmt.Errorf("journalsink: %w", err))
	}
}

// write writes the entries under the name that the dead process wrote under: who ships
// its entries is to ship these, which may be nobody here.
func (a *adopter) write(table string, dead *blackbox.Found, sealed []*entry.Entry) error {
	name := dead.Journal
	switch {
	case name != "":
		name = cleanName(name)
	case dead.Resource != nil && dead.Resource.Service != "": // of an earlier version
		name = cleanName(dead.Resource.Service)
	default:
		name = a.name
	}
	if a.own != nil && name == a.name {
		return a.own(sealed)
	}
	perm := (&Options{}).fileMode()
	if st, err := os.Lstat(table); err == nil && st.Mode()&0o040 != 0 {
		perm = (&Options{Shared: true}).fileMode()
	}
	var buf []byte
	for _, e := range sealed {
		buf = appendLine(buf, e.Line())
	}
	return a.leave(name, buf, perm)
}

// leave writes a file as a process leaves it that dies: whoever keeps the folder next
// compresses it.
func (a *adopter) leave(name string, lines []byte, perm fs.FileMode) error {
	var last error
	for range 16 {
		path := filepath.Join(a.dir, newBase(name, a.now(), newRand(), 1)+extOpen)
		f, err := a.fs.Create(path, perm)
		if errors.Is(err, fs.ErrExist) {
			last = err
			continue
		}
		if err != nil {
			return err
		}
		if err = f.Lock(); err == nil && f.Named(path) {
			var n int
			if n, err = f.Write(lines); err == nil && n < len(lines) {
				err = errors.New("short write")
			}
			if err == nil {
				err = f.Sync()
			}
			if err != nil {
				_ = a.fs.Remove(path)
			}
			_ = f.Close()
			return err
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, errLocked) {
			_ = a.fs.Remove(path)
			return err
		}
		last = fmt.Errorf("%s: taken by another process as soon as it was made", path)
	}
	return last
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
