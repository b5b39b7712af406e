package journalsink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// ReaderOptions of a [Reader]. Nil means the defaults.
type ReaderOptions struct {
	// OnDamage is told of each damage once, as it is met; [Reader.Coverage] lists
	// them. It may be called from any goroutine that reads, and may use
	// the Reader. Default none.
	OnDamage func(Damage)
	// CacheBytes bounds what is kept in memory from one call to the next, in bytes:
	// filters of the txids of closed files (half; 4 a txid, so that 8 million fit by
	// default; of more, the oldest files' are read again by each look-up), where the
	// lines of the files being written are (three eighths), and whole indexes of the
	// closed files that were asked for (an eighth).
	// Default 64 MiB; negative: nothing is kept but the folder's listing.
	CacheBytes int
}

// DefaultCacheBytes is the default of ReaderOptions.CacheBytes.
const DefaultCacheBytes = 64 << 20

// Reader reads a folder of journal files while others write it. It never writes, and
// locks nothing but, for a moment, a dead process's list of requests in flight. It is
// safe for concurrent use; it holds no file open between calls and need not be closed.
//
// The iterators yield an entry or an error, never both. An error ends the
// iteration: the context has ended, or the folder can not be read. Damage is no
// error: what can be read is yielded, the rest is told to OnDamage and Coverage.
//
// Entries are de-duplicated by InsertID among at least the last 262,144 that were
// read (a retried write puts an entry into the folder twice, seconds apart).
type Reader struct {
	dir       string
	damage    damages
	shelf     shelf
	indexes   indexCache
	openLimit int64 // bytes of one openIndex
	zstd      *zstd.Decoder
	spare     chan *blockReader
	spareSets chan *columnSet
	opener    func(path string, mode int) (*os.File, error) // the tests put faults in between
}

// OpenReader returns a reader of dir. The error wraps [ErrFolder] when dir is not
// there or is no folder that can be read.
func OpenReader(dir string, opts *ReaderOptions) (*Reader, error) {
	var o ReaderOptions
	if opts != nil {
		o = *opts
	}
	if err := checkFolder(dir); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrFolder, dir, err)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, fmt.Errorf("journalsink: %w", err)
	}
	r := &Reader{dir: abs, zstd: dec, opener: openRegular, spare: make(chan *blockReader, spareReaders), spareSets: make(chan *columnSet, spareReaders)}
	r.shelf.limit, r.indexes.limit, r.openLimit = -1, -1, -1
	if o.CacheBytes > 0 {
		r.shelf.limit = o.CacheBytes / 2
		r.indexes.limit = o.CacheBytes / 8
		r.openLimit = int64(o.CacheBytes) / 8 * 3
	}
	r.damage.on = o.OnDamage
	if _, err := readDir(abs); err != nil {
		return nil, folderError(abs, err)
	}
	return r, nil
}

func folderError(dir string, err error) error {
	hint := "name the folder that the services write their journal to"
	if errors.Is(err, fs.ErrPermission) {
		hint = "journal folders are private to the user who runs the service: read as that user, or let the service share it with a group"
	}
	return fmt.Errorf("%w: %s: %w; %s", ErrFolder, dir, err, hint)
}

// Dir returns the folder's absolute path.
func (r *Reader) Dir() string { return r.dir }

// Lookup yields the entries whose txid begins with prefix, in the order of the
// files, oldest first; not sorted by time. Every entry written before the call is
// found, also while files are rotated. The error wraps [ErrPrefix] when prefix is
// empty or has a character that no txid has.
func (r *Reader) Lookup(ctx context.Context, prefix string) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		if err := txid.CheckPrefix(prefix); err != nil {
			yield(nil, fmt.Errorf("%w: %s", ErrPrefix, strings.TrimPrefix(err.Error(), txid.ErrInvalid.Error()+": ")))
			return
		}
		r.walkAll(ctx, &query{ids: newPrefixSet([]string{prefix})}, false, yield)
	}
}

// LookupAll is Lookup for several prefixes in one pass over the folder: a hundred of
// them cost little more than one. An entry is yielded once, whichever of the prefixes
// its txid begins with. Without a prefix it yields nothing.
func (r *Reader) LookupAll(ctx context.Context, prefixes []string) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for _, p := range prefixes {
			if err := txid.CheckPrefix(p); err != nil {
				yield(nil, fmt.Errorf("%w: %s", ErrPrefix, strings.TrimPrefix(err.Error(), txid.ErrInvalid.Error()+": ")))
				return
			}
		}
		if len(prefixes) == 0 {
			return
		}
		r.walkAll(ctx, &query{ids: newPrefixSet(slices.Sorted(slices.Values(prefixes)))}, false, yield)
	}
}

// ScanOptions bound a [Reader.Scan].
type ScanOptions struct {
	// Since and Until bound the entries' Time: Since <= Time < Until. Zero: no
	// bound. An entry without a time is within no bounds.
	Since, Until time.Time
	// Newest reads the newest file first. Within a file the order stays that of
	// writing.
	Newest bool
	// Match is asked for each entry in the time range, mostly before its line is
	// decoded; blocks in which it wants nothing are not. It must not keep the Row.
	// Default: all are wanted.
	Match func(*Row) bool
}

// Scan yields the entries of a time range that Match wants, file by file, in the
// order of writing within a file; not sorted by time. Files and blocks outside of the
// range are not read.
func (r *Reader) Scan(ctx context.Context, opts ScanOptions) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		q := newTimeQuery(opts.Since, opts.Until)
		q.match = opts.Match
		r.walkAll(ctx, q, opts.Newest, yield)
	}
}

// Rows is Scan for what needs no more of each entry than a [Row]: no line is decoded
// in files that have columns, which is a hundred times faster. Unlike Scan it does not
// look for entries that were written twice.
func (r *Reader) Rows(ctx context.Context, opts ScanOptions) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		q := newTimeQuery(opts.Since, opts.Until)
		q.match = opts.Match
		q.rows = func(row *Row) bool { return yield(row, nil) }
		if err := r.walkEach(ctx, q, opts.Newest, nil); err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// walkAll reads every base in turn, each entry once.
func (r *Reader) walkAll(ctx context.Context, q *query, newest bool, yield func(*entry.Entry, error) bool) {
	dup := newSeen()
	err := r.walkEach(ctx, q, newest, func(e *entry.Entry) bool {
		return dup.again(e.InsertID) || yield(e, nil)
	})
	if err != nil && !errors.Is(err, errStop) {
		yield(nil, err)
	}
}

// walkEach reads every base in turn. The error is the context's, that of the folder,
// or errStop.
func (r *Reader) walkEach(ctx context.Context, q *query, newest bool, each emit) error {
	vs, err := r.shelve()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var gone []string
	for i, v := range vs {
		if newest {
			v = vs[len(vs)-1-i]
		}
		switch _, _, err := r.walkVolume(ctx, v, q, 0, each); {
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, v.text)
		case err != nil && !errors.Is(err, errUnread):
			return err
		}
	}
	return r.walkGone(ctx, gone, q, each)
}

// list lists the folder, and forgets damage in files that are gone.
func (r *Reader) list() ([]listed, error) {
	there := make(map[string]bool)
	bases, err := list(r.dir, readDir, nil, func(file string, err error) {
		there[file] = true
		r.damage.add(Damage{File: file, Err: err})
	})
	if err != nil {
		return nil, folderError(r.dir, err)
	}
	for i := range bases {
		there[bases[i].text+extOpen] = bases[i].open
		there[bases[i].text+extClosed] = bases[i].closed
	}
	r.damage.forget(func(file string) bool { return !there[file] })
	r.indexes.keep(func(base string) bool { return there[base+extClosed] })
	return bases, nil
}

// unreadable notes a file that can not be opened or read; one that is gone has been
// removed by the cap, which is no damage.
func (r *Reader) unreadable(file string, at int64, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, ErrForeign):
		r.damage.add(Damage{File: file, Err: fmt.Errorf("%w: it is not a regular file", ErrForeign)})
	default:
		r.damage.add(Damage{File: file, Offset: at, Err: fmt.Errorf("%w: %w", ErrUnreadable, err)})
	}
}

func (r *Reader) open(file string) (*os.File, error) {
	return r.opener(filepath.Join(r.dir, file), os.O_RDONLY)
}
