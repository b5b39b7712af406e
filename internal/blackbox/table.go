package blackbox

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/txid"
)

// Prefix begins the name of every table's file; sixteen hex digits follow.
const Prefix = ".inflight-"

// DefaultSlots is how many requests a table holds, in 1 MiB.
const DefaultSlots = 4096

// Table is the list of one process. It is safe for concurrent use.
type Table struct {
	path  string
	file  *os.File // holds the lock
	where string   // the file of the slots, where it is another one
	mem   []byte
	slots []slot
	crc   *crc32.Table

	next []atomic.Uint32 // the free slot below each; numbers begin at 1, 0 is the end

	missed atomic.Int64
	closed atomic.Bool
	broken atomic.Bool
	once   sync.Once // the end
	err    error     // of it

	mapped sync.Mutex // of who uses mem without a slot

	// What changes with each request shares no cache line with what is only read.
	_    [64]byte
	free atomic.Uint64 // a freeWord
	_    [64]byte
}

// freeWord is the stack of the free slots, a stack so that few requests use few pages:
// the number of the topmost, how many slots are in use, and a count of changes, without
// which a slot that was taken and given back meanwhile would not be noticed. They are in
// one word, for each one more that is written costs a request several nanoseconds.
type freeWord uint64

const (
	topBits  = 17 // MaxSlots, and 0
	usedBits = 17
)

func (w freeWord) top() uint32 { return uint32(w) & (1<<topBits - 1) }
func (w freeWord) used() int64 { return int64(w >> topBits & (1<<usedBits - 1)) }

// with returns the word after a change.
func (w freeWord) with(top uint32, used int64) freeWord {
	changes := w>>(topBits+usedBits) + 1
	return changes<<(topBits+usedBits) | freeWord(used)<<topBits | freeWord(top)
}

// slot is one place in a table, as its user holds it.
type slot struct {
	t      *Table
	number uint32
	taken  atomic.Bool
}

// Place says where the slots are.
type Place uint8

// The places.
const (
	// InMemory is a file system in memory where there is one, else the folder. A store
	// to a page of a file on a disk waits where the kernel is about to write the page
	// back and the disk stalls, and the whole process with it, since the collector can
	// not stop a thread that waits in a page fault.
	InMemory Place = iota
	// InFolder is the folder: it outlives a container.
	InFolder
)

// Create makes a table in a folder, locked. The resource says whose it is, and journal
// under which name its process writes; "" if it does not. Its file
// has all its blocks before it is mapped, since a disk that is full must be an error
// here and not a fault later.
func Create(dir string, slots int, r *entry.Resource, journal string, perm fs.FileMode, place Place) (*Table, error) {
	if slots < 1 || slots > MaxSlots {
		return nil, fmt.Errorf("blackbox: %d slots, want 1 to %d", slots, MaxSlots)
	}
	if !supported || !littleEndian() {
		return nil, ErrUnsupported
	}
	var last error
	for range 16 {
		var b [8]byte
		rand.Read(b[:]) // never fails: it crashes the program rather than return an error
		h := header{number: binary.LittleEndian.Uint64(b[:]), slots: slots, line: resourceLine(r, journal)}
		path := filepath.Join(dir, fmt.Sprintf("%s%016x", Prefix, h.number))
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, perm)
		if err != nil {
			return nil, err
		}
		if perm&0o077 != 0 {
			_ = f.Chmod(perm) // not to hang on the umask
		}
		// Between the two another process may take the file for a dead one's.
		if err := lock(f, false); err != nil || !named(f, path) {
			_ = f.Close()
			last = fmt.Errorf("blackbox: %s was taken by another process", path)
			continue
		}
		t, err := buildIn(place, f, path, &h, perm)
		if err != nil {
			_ = os.Remove(path)
			_ = f.Close()
			return nil, err
		}
		return t, nil
	}
	return nil, last
}

// buildIn makes the slots in a place. Where there is no memory to be had, it is the
// folder.
func buildIn(place Place, f *os.File, path string, h *header, perm fs.FileMode) (*Table, error) {
	if place == InMemory {
		if t, err := buildInMemory(f, path, h, perm); err == nil {
			return t, nil
		}
		h.memory = false
	}
	return build(f, path, h)
}

func buildInMemory(f *os.File, path string, h *header, perm fs.FileMode) (t *Table, err error) {
	where := memoryPath(h.number)
	if where == "" {
		return nil, ErrUnsupported
	}
	m, err := os.OpenFile(where, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, perm)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = m.Close() // the mapping holds it
		if err != nil {
			_ = os.Remove(where)
		}
	}()
	if perm&0o077 != 0 {
		_ = m.Chmod(perm)
	}
	st, err := m.Stat()
	if err != nil {
		return nil, err
	}
	if err = lock(m, false); err != nil {
		return nil, err
	}
	sweep(st, time.Now())
	h.memory = true
	if t, err = build(m, path, h); err != nil {
		return nil, err
	}
	t.file, t.where = f, where
	if _, err = f.WriteAt(h.encode(), 0); err != nil {
		_ = unmap(t.mem)
		return nil, err
	}
	return t, nil
}

// build fills and maps the file.
func build(f *os.File, path string, h *header) (*Table, error) {
	zeros := make([]byte, 64<<10)
	for at := int64(headerSize); at < fileSize(h.slots); {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), fileSize(h.slots)-at)], at)
		if err != nil {
			return nil, err
		}
		at += int64(n)
	}
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return nil, err
	}
	mem, err := mapFile(f, int(fileSize(h.slots)))
	if err != nil {
		return nil, fmt.Errorf("blackbox: mapping %s: %w", path, err)
	}
	t := &Table{
		path: path, file: f, mem: mem, crc: castagnoli(),
		slots: make([]slot, h.slots), next: make([]atomic.Uint32, h.slots+1),
	}
	for i := range t.slots {
		t.slots[i] = slot{t: t, number: uint32(i + 1)}
		if i+1 < h.slots {
			t.next[i+1].Store(uint32(i + 2))
		}
	}
	t.free.Store(1)
	return t, nil
}

// Path returns the file's.
func (t *Table) Path() string { return t.path }

// Named reports whether the files are still where they were made.
func (t *Table) Named() bool {
	if t.broken.Load() || !named(t.file, t.path) {
		return false
	}
	if t.where == "" {
		return true
	}
	_, err := os.Lstat(t.where)
	return err == nil
}

// Used returns how many requests are listed, Missed how many were not for lack of
// room or after a fault.
func (t *Table) Used() int64 { return freeWord(t.free.Load()).used() }

// Missed is how many requests were not listed; see Used.
func (t *Table) Missed() int64 { return t.missed.Load() }

// Broken reports whether the file failed under the mapping: its disk returned an
// error, or somebody cut it short. Nothing is listed from then on.
func (t *Table) Broken() bool { return t.broken.Load() }

// Begin lists a request. See [sink.InFlight].
func (t *Table) Begin(r sink.InFlightRequest) sink.InFlightSlot {
	if t.closed.Load() || t.broken.Load() {
		t.missed.Add(1)
		return nil
	}
	n := t.pop()
	if n == 0 {
		t.missed.Add(1)
		return nil
	}
	// Asked again: whoever closes the table looks afterwards whether a slot is in use, and
	// sees this one, or is seen here.
	if t.closed.Load() {
		t.push(n)
		t.missed.Add(1)
		return nil
	}
	s := &t.slots[n-1]
	if !t.write(n, &r) {
		t.push(0) // the slot stays unused, as all of them
		t.missed.Add(1)
		return nil
	}
	s.taken.Store(true)
	return s
}

// write fills a slot. It returns false when the memory fails: a signal that kills
// elsewhere, a panic here.
func (t *Table) write(n uint32, r *sink.InFlightRequest) (ok bool) {
	defer t.guard(debug.SetPanicOnFault(true))
	b := t.at(n)
	le := binary.LittleEndian
	le.PutUint64(b[slotStart:], uint64(r.Start.UnixNano()))
	le.PutUint64(b[slotSpan:], uint64(r.Span))
	le.PutUint64(b[slotParent:], uint64(r.Parent))
	text := b[slotText:slotText:slotRoute]
	id, method := string(r.ID), r.Method
	if len(id) > txid.MaxLen {
		id = ""
	}
	text = append(text, id...)
	if len(method) > 16 || len(text)+len(method) > textSize {
		method = ""
	}
	text = append(text, method...)
	path := len(text)
	text = appendPath(text, r.Path)
	// One store: the check reads words, and waits for what was stored in pieces.
	lens := uint32(len(id)) | uint32(len(method))<<8 | uint32(len(text)-path)<<16
	if r.Stream {
		lens |= flagStream << (8 * (slotFlags - slotLens))
	}
	le.PutUint32(b[slotLens:], lens)
	b[slotRoute] = 0
	if r.Route != "" {
		putRoute(b, r.Route)
	}
	le.PutUint32(b[slotCRC:], crc32.Update(0, t.crc, b[slotLens:slotText+len(text)]))
	state := word(b)
	state.Store((state.Load() | inUse) + 2)
	return true
}

// putRoute writes the route down, its length last.
func putRoute(b []byte, route string) {
	b[slotRoute] = 0
	if len(route) <= routeSize && plainRoute(route) {
		copy(b[routeText:slotSize], route)
		b[slotRoute] = byte(len(route))
	}
}

// SetRoute implements [sink.InFlightSlot].
func (s *slot) SetRoute(route string) {
	t := s.t
	if !s.taken.Load() || t.broken.Load() {
		return
	}
	defer t.guard(debug.SetPanicOnFault(true))
	putRoute(t.at(s.number), route)
}

// End implements [sink.InFlightSlot].
func (s *slot) End() {
	if !s.taken.CompareAndSwap(true, false) {
		return
	}
	t := s.t
	if t.broken.Load() {
		t.push(0)
		return
	}
	t.release(s.number)
	t.push(s.number)
}

func (t *Table) release(n uint32) {
	defer t.guard(debug.SetPanicOnFault(true))
	state := word(t.at(n))
	state.Store(state.Load() &^ inUse)
}

// guard ends a stretch in which a fault of the memory is a panic, and turns the table
// off if there was one.
func (t *Table) guard(before bool) {
	debug.SetPanicOnFault(before)
	if v := recover(); v != nil {
		t.broken.Store(true)
	}
}

// Beat notes that the process is alive, where there is something to be known of it.
func (t *Table) Beat(now time.Time) {
	if t.Used() == 0 || t.broken.Load() {
		return
	}
	t.mapped.Lock()
	defer t.mapped.Unlock()
	if t.mem == nil {
		return
	}
	defer t.guard(debug.SetPanicOnFault(true))
	word(t.mem[offSeen:]).Store(uint64(now.UnixNano()))
}

// Close ends the table. Nothing is listed from now on. With the last request that is
// listed the file is removed; a process that ends before leaves it behind, to tell of
// those that it never finished.
func (t *Table) Close() error {
	t.closed.Store(true)
	if t.Used() == 0 {
		t.end()
		return t.err
	}
	return nil
}

// end gives back what the table has. Nobody is in it: whoever came after closed was
// set has left without a look at the memory.
func (t *Table) end() {
	t.once.Do(func() {
		t.mapped.Lock()
		defer t.mapped.Unlock()
		if named(t.file, t.path) {
			t.err = os.Remove(t.path)
		}
		if t.where != "" {
			_ = os.Remove(t.where)
		}
		if err := unmap(t.mem); err != nil && t.err == nil {
			t.err = err
		}
		t.mem = nil
		if err := t.file.Close(); err != nil && t.err == nil {
			t.err = err
		}
	})
}

func (t *Table) at(n uint32) []byte {
	off := headerSize + int(n-1)*slotSize
	return t.mem[off : off+slotSize : off+slotSize]
}

// word is the state at the beginning of b, which is aligned.
func word(b []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&b[0])) }

// pop takes a free slot, 0 if there is none.
func (t *Table) pop() uint32 {
	for {
		w := freeWord(t.free.Load())
		n := w.top()
		if n == 0 {
			return 0
		}
		if t.free.CompareAndSwap(uint64(w), uint64(w.with(t.next[n].Load(), w.used()+1))) {
			return n
		}
	}
}

// push gives back a slot that was popped, or, with 0, leaves it unused for ever. The last
// one of a closed table ends it.
func (t *Table) push(n uint32) {
	for {
		w := freeWord(t.free.Load())
		top := w.top()
		if n > 0 {
			t.next[n].Store(top)
			top = n
		}
		if !t.free.CompareAndSwap(uint64(w), uint64(w.with(top, w.used()-1))) {
			continue
		}
		if w.used() == 1 && t.closed.Load() {
			t.end()
		}
		return
	}
}

// littleEndian reports whether this machine writes numbers as the file has them.
func littleEndian() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}
