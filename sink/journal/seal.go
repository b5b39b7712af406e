package journalsink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/txtrail/txtrail/entry"
)

// blockTarget is how many bytes of lines make a block, unless one line has more.
// zstd works in blocks of 128 KiB: larger frames gain some percent, and a look-up
// has to decode one frame for one line.
const blockTarget = 128 << 10

// errAborted ends the compressing when Close's context has ended.
var errAborted = errors.New("journalsink: aborted")

// finishAdopted is the size, in bytes, up to which a dead writer's file is compressed to
// its end when Close is called meanwhile. A larger one, if it is a journal's at all, is
// left to the next journal, or Close would take as long as that.
const finishAdopted = 64 << 20

// finish compresses a file that was handed over and lets it go. Where that fails
// the file stays as it is, unlocked, and is tried again later. It reports whether it
// did not fail.
func (j *Journal) finish(c *openFile) bool {
	stop := j.keep.abort.Load
	if c.adopted {
		stop = func() bool { return j.keep.abort.Load() || j.keep.closing() && c.size > finishAdopted }
	}
	err := j.seal(c.f, c.path, c.base, c.rows, stop)
	if errors.Is(err, errRows) {
		err = j.seal(c.f, c.path, c.base, nil, stop)
	}
	c.rows = nil
	if err != nil {
		// It stays, and is synced no more once it is let go.
		j.tell(j.syncFile(c))
		if !errors.Is(err, errAborted) {
			j.count.sealErrors.Add(1)
			j.keep.failed(c.base)
			j.reportOnce("seal "+c.base+" "+err.Error(), fmt.Errorf("journalsink: %s can not be compressed and stays as it is: %w", c.path, err))
		}
	} else {
		c.over.Store(true)
	}
	c.close()
	return err == nil
}

// errRows says that the rows noted of a file are not those of its lines: one was
// damaged since, or somebody else wrote to the file.
var errRows = errors.New("journalsink: the rows noted are not those of the lines")

// seal writes the .zst of a file whose lock is held and removes the file. rows are those
// noted while it was written, or nil. The .zst
// gets its name when it is complete and on the disk; a crash in between leaves both,
// and readers take one.
func (j *Journal) seal(f file, path, base string, rows *notedRows, stop func() bool) error {
	if stop() {
		return errAborted
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	if size == 0 {
		return j.unlink(f, path)
	}
	final := filepath.Join(j.dir, base+extClosed)
	temp := filepath.Join(j.dir, base+extTemp)
	// A leftover can only be a dead process's: who seals holds the lock.
	_ = j.fs.Remove(temp)
	out, err := j.fs.Create(temp, j.opts.fileMode())
	if err != nil {
		return err
	}
	s, err := newSealer(out)
	if err == nil {
		s.noted = rows
		err = s.lines(newFileLines(untilStopped{f, stop}, 0, size), stop)
	}
	if err == nil {
		err = s.finish()
	}
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = j.fs.Rename(temp, final)
	}
	if err != nil {
		_ = j.fs.Remove(temp)
		return err
	}
	// The name must be on the disk before the other one goes.
	if err := j.fs.SyncDir(j.dir); err != nil {
		return err
	}
	j.count.sealed.Add(1)
	j.count.sealedPlain.Add(s.plainAt)
	j.count.sealedBytes.Add(s.at)
	j.count.damaged.Add(int64(s.bad))
	if s.bad > 0 {
		j.report(fmt.Errorf("journalsink: %s: %w (%d), blanked as it was compressed", path, ErrLine, s.bad))
	}
	// Where that fails (Windows, while somebody reads) both stay for a while, and
	// the next look at the folder finds them.
	_ = j.unlink(f, path)
	return nil
}

// unlink removes a file whose lock is held. The lock goes after the name, unless the
// system removes no open file; an adopter who gets it in between does the same.
func (j *Journal) unlink(f file, path string) error {
	if !removesOpen {
		_ = f.Close()
	}
	return j.fs.Remove(path)
}

// sealer compresses lines into blocks and collects their index.
type sealer struct {
	w       io.Writer
	enc     *zstd.Encoder
	cur     block
	plain   []byte
	packed  []byte
	blocks  []block
	ids     map[string][]uint32
	firsts  []uint32
	cols    columnBuilder
	noted   *notedRows // what cols are made of, if there is something
	good    int        // lines that have a row
	origins []origin   // of a merged file
	blanks  []byte     // a block of spaces
	at      int64
	plainAt int64
	bad     int
}

func newSealer(w io.Writer) (*sealer, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(true),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(256<<10))
	if err != nil {
		return nil, err
	}
	s := &sealer{w: w, enc: enc, ids: make(map[string][]uint32)}
	s.reset()
	return s, nil
}

func (s *sealer) reset() {
	s.plain = s.plain[:0]
	if cap(s.plain) > 8*blockTarget {
		s.plain = nil
	}
	s.cur = block{at: s.at, plainAt: s.plainAt, min: noMin, max: noMax}
}

// run reads all lines of r and writes the blocks and the index.
func (s *sealer) run(r io.Reader, size int64, aborted func() bool) error {
	if err := s.lines(newLineReader(r, 0, size), aborted); err != nil {
		return err
	}
	return s.finish()
}

// lines reads all lines and writes the blocks, but for the last one.
func (s *sealer) lines(lines *lineReader, aborted func() bool) error {
	for {
		raw, err := lines.next()
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(s.plain) > 0 && int64(len(s.plain))+raw.size+1 > blockTarget {
			if aborted() {
				return errAborted
			}
			if err := s.flush(); err != nil {
				return err
			}
		}
		if err := s.add(raw, aborted); err != nil {
			return err
		}
	}
}

// finish ends the last block and writes what helps to read them.
func (s *sealer) finish() error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.noted != nil {
		if s.good != s.noted.n {
			return errRows
		}
		s.cols = s.noted.columns()
	}
	keys := sortedIDs(s.ids)
	ids, filter := encodeSorted(keys, s.ids), encodeFilter(keys)
	if len(ids) > maxIndex/2 || len(filter) > maxIndex/8 {
		ids, filter = nil, nil // a look-up then reads the blocks
	}
	var place []byte
	if frame := s.cols.encode(s.enc); frame != nil {
		place = appendPlace(nil, s.at, frame)
		if err := s.write(frame); err != nil {
			return err
		}
	}
	return s.write(appendIndex(s.packed[:0], s.blocks,
		section{sectionIDs, ids}, section{sectionFilter, filter},
		section{sectionColumns, place}, section{sectionOrigins, encodeOrigins(s.origins)}))
}

// add puts a line into the block. A damaged one is replaced by as many spaces: JSON
// readers pass over them, and every line keeps its place, so that an offset in the
// open file holds in the closed one.
func (s *sealer) add(raw rawLine, aborted func() bool) error {
	if raw.text == nil {
		return s.addBlank(raw.size, aborted)
	}
	line, err := stripLine(raw.text)
	switch {
	case err == nil:
		h := readHead(line)
		if s.noted != nil && !s.noted.has(s.good, h) {
			return errRows
		}
		s.note(line, h)
		raw.text[len(raw.text)-crcLen] = ','
		s.plain = append(s.plain, raw.text...)
	case blank(raw.text):
		s.plain = append(s.plain, raw.text...)
	default:
		return s.addBlank(raw.size, aborted)
	}
	s.plain = append(s.plain, '\n')
	return nil
}

func (s *sealer) addBlank(n int64, aborted func() bool) error {
	s.bad++
	s.cur.damaged++
	// Only a line that is longer than any can be has blocks of its own, of nothing but
	// spaces; they are all the same.
	const most = int64(maxJournalLine) + 1
	for ; n > most; n -= most {
		if aborted() {
			return errAborted
		}
		if err := s.flush(); err != nil {
			return err
		}
		if s.blanks == nil {
			s.blanks = s.enc.EncodeAll(bytes.Repeat([]byte{' '}, int(most)), nil)
		}
		if err := s.put(s.blanks, most); err != nil {
			return err
		}
	}
	s.plain = append(s.plain, bytes.Repeat([]byte{' '}, int(n))...)
	s.plain = append(s.plain, '\n')
	return nil
}

// note enters a good line into the index.
func (s *sealer) note(line []byte, h head) {
	s.cur.lines++
	s.good++
	if s.noted == nil {
		s.cols.add(line)
	}
	if !h.known {
		e, err := entry.Parse(line)
		if err != nil {
			// Of another version, perhaps: it stays, and a scan says so.
			s.cur.min, s.cur.max = math.MinInt64, math.MaxInt64
			return
		}
		h = headOf(e)
	}
	if h.timed {
		s.cur.min, s.cur.max = min(s.cur.min, h.time), max(s.cur.max, h.time)
	}
	if len(h.txid) == 0 {
		return
	}
	n := uint32(len(s.blocks))
	// The look-up by string(bytes) does not allocate.
	if in, ok := s.ids[string(h.txid)]; !ok {
		s.ids[string(h.txid)] = s.first(n)
	} else if in[len(in)-1] != n {
		s.ids[string(h.txid)] = append(in, n)
	}
}

// first returns a list of one block. Nearly all are no longer, so that many share an
// allocation.
func (s *sealer) first(n uint32) []uint32 {
	if len(s.firsts) == cap(s.firsts) {
		s.firsts = make([]uint32, 0, 1024)
	}
	k := len(s.firsts)
	s.firsts = append(s.firsts, n)
	return s.firsts[k : k+1 : k+1]
}

// flush ends the block.
func (s *sealer) flush() error {
	if len(s.plain) == 0 {
		return nil
	}
	s.packed = s.enc.EncodeAll(s.plain, s.packed[:0])
	return s.put(s.packed, int64(len(s.plain)))
}

// put writes a block.
func (s *sealer) put(packed []byte, plain int64) error {
	s.cur.plain, s.cur.size = plain, int64(len(packed))
	s.blocks = append(s.blocks, s.cur)
	s.plainAt += plain
	if err := s.write(packed); err != nil {
		return err
	}
	s.reset()
	return nil
}

func (s *sealer) write(b []byte) error {
	n, err := s.w.Write(b)
	s.at += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
