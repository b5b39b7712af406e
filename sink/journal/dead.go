package journalsink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
)

// Dead letters stand in a file of JSON lines for each sink and writer's name, which
// people may read with jq. Those that are to be sent again are the same under another
// name, which whoever ships looks for.
func deadName(writer string) string  { return "dead-" + writer + extOpen }
func againName(writer string) string { return againPrefix + writer + extOpen }

const againPrefix = "again-"

// letter is a line of such a file. The entry is its canonical line.
type letter struct {
	Reason string          `json:"reason"`
	Time   time.Time       `json:"time"`
	Entry  json.RawMessage `json:"entry"`
}

// maxReason bounds what a sink said, in bytes: some repeat the entry.
const maxReason = 2 << 10

// Bury implements sink.Feed.
func (f *feed) Bury(ctx context.Context, letters []sink.DeadLetter) error {
	var out []byte
	for i := range letters {
		l := &letters[i]
		head, err := json.Marshal(letter{Reason: entry.Cut(l.Reason, maxReason), Time: l.Time.UTC(), Entry: json.RawMessage("0")})
		if err != nil {
			return fmt.Errorf("journalsink: %w", err)
		}
		// The line is put in as it is: encoding/json would escape it anew.
		out = append(out, head[:len(head)-len("0}")]...)
		out = append(out, l.Entry.Line()...)
		out = append(out, '}', '\n')
	}
	path := shipPath(f.s.dir, f.folder, deadName(f.s.opts.Name))
	file, err := f.s.openDead(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("journalsink: %w", err)
	}
	if size > 0 && size+int64(len(out)) > f.s.opts.MaxDeadBytes {
		if err := f.halve(file, path, size); err != nil {
			return err
		}
		_ = file.Close()
		if file, err = f.s.openDead(ctx, path); err != nil {
			return err
		}
		if size, err = file.Size(); err != nil {
			return fmt.Errorf("journalsink: %w", err)
		}
	}
	if size > 0 && !endsLine(file, size) {
		out = append([]byte{'\n'}, out...) // a write was cut short
	}
	if n, err := file.Write(out); err != nil || n < len(out) {
		return fmt.Errorf("journalsink: %s: %w", path, errors.Join(err, io.ErrShortWrite))
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("journalsink: %s: %w", path, err)
	}
	return nil
}

// openDead opens and locks a file of dead letters: somebody may be about to give it
// another name.
func (s *Spool) openDead(ctx context.Context, path string) (file, error) {
	inTheWay := 0
	for begun := time.Now(); ; {
		f, err := s.fs.Append(path, s.fileMode())
		if errors.Is(err, fs.ErrExist) && inTheWay < 16 {
			inTheWay++ // another process was faster, or it is a link to nowhere
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("journalsink: %w", err)
		}
		if err = f.Lock(); err == nil && f.Named(path) {
			return f, nil
		}
		_ = f.Close()
		switch {
		case err != nil && !errors.Is(err, errLocked):
			return nil, fmt.Errorf("journalsink: %w", err)
		case time.Since(begun) > time.Second:
			return nil, fmt.Errorf("journalsink: %s: %w for too long", path, errLocked)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
}

// halve removes the older half of the letters.
func (f *feed) halve(file file, path string, size int64) error {
	n, at := firstNewline(file, min(size, max(0, size-f.s.opts.MaxDeadBytes/2)), size)
	if n == 0 {
		at = size
	}
	rest := make([]byte, size-at)
	if err := readFull(file, rest, at); err != nil && len(rest) > 0 {
		return fmt.Errorf("journalsink: %s: %w", path, err)
	}
	gone, _ := countLines(file, 0, at)
	if !removesOpen {
		_ = file.Close() // nor does such a system replace it
	}
	if err := replaceFile(f.s.fs, path, rest, f.s.fileMode()); err != nil {
		return fmt.Errorf("journalsink: %w", err)
	}
	f.s.opts.OnError(fmt.Errorf("%w: %d of %s, the oldest: there are more than %d bytes of them", ErrDeadLetters, gone, f.name, f.s.opts.MaxDeadBytes))
	return nil
}

// ErrDeadLetters is reported, wrapped with how many, when dead letters were removed to
// keep their file within its bound.
var ErrDeadLetters = errors.New("journalsink: dead letters removed")

// parseLetter reads a line. Its entry's line is a copy.
func parseLetter(line []byte) (sink.DeadLetter, error) {
	var l letter
	if err := json.Unmarshal(line, &l); err != nil {
		return sink.DeadLetter{}, err
	}
	e, err := entry.Parse(l.Entry)
	if err != nil {
		return sink.DeadLetter{}, err
	}
	return sink.DeadLetter{Entry: e, Reason: l.Reason, Time: l.Time}, nil
}

// againFile is the letters that are to be sent again.
type againFile struct {
	path    string
	read    int64 // behind what Next has returned
	settled int64
	lines   int64 // behind settled, as counted
	counted int64
}

// look returns how many letters there are that were not returned. A file that has none
// left is removed: while it is there, no others can be sent again.
func (a *againFile) look(ctx context.Context, f *feed) (n, bytes int64) {
	st, err := f.s.fs.Lstat(a.path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			*a = againFile{path: a.path}
		}
		return 0, 0
	}
	size := st.Size()
	if a.counted != size || a.lines < 0 || a.lines == 0 && a.read == a.settled {
		file, err := f.s.fs.Open(a.path)
		if err != nil {
			f.warn(fmt.Errorf("journalsink: dead letters can not be sent again: %s: %w", a.path, err))
			return 0, 0
		}
		defer func() { _ = file.Close() }()
		if a.read > size || a.read > 0 && !endsLine(file, a.read) {
			a.read, a.settled = 0, 0 // the cursor is wrong, or speaks of another file
		}
		var end int64
		if a.lines, end = countLines(untilDone{ctx, file}, a.read, size); end < size {
			a.lines++ // a write was cut short; there will be no more of it
		}
		a.counted = size
		if ctx.Err() != nil {
			a.lines = -1 // counted in part
			return 0, 0
		}
	}
	if a.lines == 0 && a.read == a.settled && !f.looking {
		a.remove(f)
		return 0, 0
	}
	return a.lines, max(0, a.counted-a.read)
}

// next reads letters until full says so, and returns how many can not be read.
func (a *againFile) next(ctx context.Context, f *feed, full func() bool, each func(e *entry.Entry, at int64)) (damaged int64, err error) {
	if a.lines <= 0 {
		return 0, nil
	}
	file, err := f.s.fs.Open(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("journalsink: %w", err)
	}
	defer func() { _ = file.Close() }()
	size, err := file.Size()
	if err != nil {
		return 0, fmt.Errorf("journalsink: %w", err)
	}
	if a.read > 0 && (a.read > size || !endsLine(file, a.read)) {
		a.read = 0
	}
	lines := newFileLines(untilDone{ctx, file}, a.read, size)
	for !full() {
		raw, err := lines.next()
		if err := ctx.Err(); err != nil {
			return damaged, err // that may be why the line ends here
		}
		if err != nil {
			if !isEOF(err) {
				return damaged, fmt.Errorf("journalsink: %s: %w", a.path, err)
			}
			break
		}
		a.read = raw.at + raw.size
		if !raw.open {
			a.read++
		}
		if raw.size == 0 {
			continue // countLines does not count it
		}
		a.lines--
		l, err := parseLetter(raw.text)
		if err != nil {
			f.s.opts.OnError(fmt.Errorf("journalsink: %s: byte %d: not sent again: %w", a.path, raw.at, err))
			damaged++
			continue
		}
		each(l.Entry, a.read)
	}
	a.lines = max(0, a.lines)
	f.tail = append(f.tail, step{again: a.read})
	return damaged, nil
}

func (a *againFile) rewind() {
	if a.read != a.settled {
		a.read, a.lines = a.settled, -1
	}
}

// settle enters how far the letters were sent.
func (a *againFile) settle(at int64, f *feed) {
	if a.read == 0 {
		return // it is gone
	}
	a.settled = at
	if st, err := f.s.fs.Lstat(a.path); err != nil || st.Size() > at {
		return
	}
	a.remove(f)
}

// remove takes the file away with its last letter. The cursor must not speak of it then,
// or it would hold for the next file of that name.
func (a *againFile) remove(f *feed) {
	if at := a.settled; at != 0 {
		a.settled = 0
		if err := f.write(); err != nil {
			a.settled = at
			f.warn(err)
			return
		}
	}
	if err := f.s.fs.Remove(a.path); err != nil {
		f.warn(err)
	}
	*a = againFile{path: a.path}
}
