package journalsink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
)

// Who removes a file that a sink has not got writes down how much that was, since perhaps
// nobody ships now and has counted it: in lost-WRITER.jsonl beside the cursor, a line for
// each file, with a checksum as the journal's. Who ships takes it from there.
func lostName(writer string) string { return "lost-" + writer + extOpen }

// maxLostNotes bounds such a file, in bytes: some seven thousand files. Beyond that they
// are counted by who removes them alone.
const maxLostNotes = 1 << 20

// lostFile is one line.
type lostFile struct {
	Base    string `json:"base"`
	Entries int64  `json:"entries"`        // its lines
	Bytes   int64  `json:"bytes"`          // before compression
	From    int64  `json:"from,omitempty"` // of its entries' times, Unix nanoseconds
	To      int64  `json:"to,omitempty"`   // From and To are 0 where that is not known
}

// noteLost writes down that a file is about to be removed that sinks need.
func (j *Journal) noteLost(l *listed, folders []string) {
	note := j.weigh(l)
	if note.Entries == 0 {
		return
	}
	b, err := json.Marshal(note)
	if err != nil {
		return
	}
	line := appendLine(nil, b)
	spool := &Spool{dir: j.dir, fs: j.fs, opts: SpoolOptions{Shared: j.opts.Shared}}
	for _, folder := range folders {
		path := shipPath(j.dir, folder, lostName(l.writer()))
		if err := spool.appendLost(path, line); err != nil {
			j.reportOnce("note "+folder, fmt.Errorf("journalsink: %s: what is removed before it was delivered can not be noted for who ships: %w", path, err))
		}
	}
}

func (s *Spool) appendLost(path string, line []byte) error {
	f, err := s.openDead(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return err
	}
	if size+int64(len(line)) > maxLostNotes {
		return fmt.Errorf("it has %d bytes, at most %d", size, maxLostNotes)
	}
	if size > 0 && !endsLine(f, size) {
		line = slices.Concat(newline, line)
	}
	if n, err := f.Write(line); err != nil || n < len(line) {
		return errors.Join(err, io.ErrShortWrite)
	}
	return nil
}

// weigh says how much a file has.
func (j *Journal) weigh(l *listed) lostFile {
	note := lostFile{Base: l.text}
	f, err := j.fs.Open(filepath.Join(j.dir, l.file()))
	if err != nil {
		return note
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return note
	}
	if !l.closed {
		note.Entries, note.Bytes = countLines(untilStopped{f, j.keep.abort.Load}, 0, min(size, maxPlain))
		return note
	}
	x, err := readIndex(f, size)
	if err != nil {
		return note
	}
	note.Entries, note.Bytes = x.entries+int64(x.damaged), x.plain
	if x.min <= x.max && x.min != math.MinInt64 {
		note.From, note.To = x.min, x.max
	}
	return note
}

// readLost reads the notes of a writer's files.
func readLost(file file, writer string) (notes []lostFile, err error) {
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	lines := newFileLines(file, 0, min(size, maxLostNotes))
	for {
		raw, err := lines.next()
		if isEOF(err) {
			return notes, nil
		}
		if err != nil {
			return nil, err
		}
		line, err := stripLine(raw.text)
		if err != nil {
			continue // cut short, or somebody else's
		}
		var n lostFile
		if json.Unmarshal(line, &n) != nil {
			continue
		}
		b, _, ok := splitName(n.Base + extOpen)
		if !ok || b.writer() != writer || n.Entries < 0 || n.Entries > maxKnown || n.Bytes < 0 {
			continue
		}
		notes = append(notes, n)
	}
}

func (f *feed) lostPath() string {
	return shipPath(f.s.dir, f.folder, lostName(f.s.opts.Name))
}

// takeLost enters what is noted as removed into what is lost. all is what the folder has.
//
// What was entered goes from the notes when it is in the cursor. Writing that may take
// long, so it is done without the lock that who removes files waits for; which notes have
// come meanwhile is seen under it. The note of a file that is there stays: it is written
// before the file goes.
func (f *feed) takeLost(all []listed) {
	path := f.lostPath()
	file, err := f.s.fs.Open(path)
	if err != nil {
		return // usually there is none
	}
	notes, err := readLost(file, f.s.opts.Name)
	_ = file.Close()
	if err != nil {
		f.warn(fmt.Errorf("journalsink: %s: %w", path, err))
		return
	}
	keep := f.enterLost(notes, all)
	if f.looking || len(keep) > 0 && len(keep) == len(notes) {
		return
	}
	if f.dirty {
		if err := f.write(); err != nil {
			f.warn(err)
			return
		}
	}
	stays := make(map[string]bool, len(keep))
	for i := range keep {
		stays[keep[i].Base] = true
	}
	entered := make(map[string]bool, len(notes))
	for i := range notes {
		entered[notes[i].Base] = !stays[notes[i].Base]
	}
	if err := f.s.dropLost(path, entered); err != nil {
		f.warn(fmt.Errorf("journalsink: %w", err))
	}
}

// dropLost removes the notes of some bases.
func (s *Spool) dropLost(path string, bases map[string]bool) error {
	file, err := s.openDead(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	notes, err := readLost(file, s.opts.Name)
	if err != nil {
		return err
	}
	var b []byte
	for i := range notes {
		if bases[notes[i].Base] {
			continue
		}
		line, err := json.Marshal(&notes[i])
		if err != nil {
			return err
		}
		b = appendLine(b, line)
	}
	switch {
	case !removesOpen:
		// Nor does such a system replace it, and without the lock nothing is done here.
		// (What was opened to append to can not be made shorter there.)
		out, err := s.fs.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = out.Close() }()
		if err := out.Truncate(0); err != nil || len(b) == 0 {
			return err
		}
		if n, err := out.Write(b); err != nil || n < len(b) {
			return errors.Join(err, io.ErrShortWrite)
		}
		return nil
	case len(b) > 0:
		return replaceFile(s.fs, path, b, s.fileMode())
	}
	if err := s.fs.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// enterLost enters notes into what is lost, unless that is known otherwise, and returns
// those of files that are there.
func (f *feed) enterLost(notes []lostFile, all []listed) (keep []lostFile) {
	if len(notes) == 0 {
		return nil
	}
	there := make(map[string]bool, len(all))
	for i := range all {
		there[all[i].text] = true
	}
	for i := range notes {
		n := &notes[i]
		b, _, _ := splitName(n.Base + extOpen)
		if f.isDone(b) {
			continue
		}
		if there[n.Base] {
			keep = append(keep, *n)
			continue
		}
		known := f.bases[n.Base]
		if i := slices.IndexFunc(f.lost, func(x *followed) bool { return x.text == n.Base }); known == nil && i >= 0 {
			known = f.lost[i]
		}
		if known != nil {
			if !known.final && !known.told && known.lines < n.Entries { // it was not counted to its end
				known.weighs(n)
				f.dirty = true
			}
			continue
		}
		x := &followed{listed: listed{baseName: b, closed: true}}
		x.weighs(n)
		f.lost = append(f.lost, x)
		f.dirty = true
	}
	slices.SortFunc(f.lost, func(a, b *followed) int { return cmp.Compare(a.text, b.text) })
	return keep
}

// weighs enters what a note says.
func (x *followed) weighs(n *lostFile) {
	x.lines, x.counted, x.uncounted = n.Entries, n.Bytes, false
	x.from, x.to = noMin, noMax
	if n.From <= n.To && n.To != 0 {
		x.from, x.to = n.From, n.To
	}
}
