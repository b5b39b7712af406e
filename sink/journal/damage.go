package journalsink

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Damage is something in the folder that could not be read, and why.
type Damage struct {
	File   string // name in the folder
	Offset int64  // where it begins, in bytes of the file as it is on the disk
	Lines  int    // how many lines it cost; 0 none, or unknown
	Err    error  // wraps one of ErrLine, ErrUnfinished, ErrBlock, ErrIndex, ErrVersion, ErrForeign, ErrUnreadable, ErrRecorded
}

// String says it in a line.
func (d Damage) String() string {
	lines := ""
	if d.Lines > 0 {
		lines = fmt.Sprintf(" (%d lines)", d.Lines)
	}
	if d.Lines == 1 {
		lines = " (1 line)"
	}
	return fmt.Sprintf("%q at byte %d: %v%s", d.File, d.Offset, d.Err, lines)
}

// Bounds of what is remembered: a folder of rubbish must not fill the memory.
const (
	maxDamagePerFile = 32
	maxDamagedFiles  = 1024
)

// damages remembers what was met, once per place.
type damages struct {
	on func(Damage)

	mu    sync.Mutex
	files map[string][]Damage
}

func (d *damages) add(n Damage) {
	d.mu.Lock()
	if d.files == nil {
		d.files = make(map[string][]Damage)
	}
	known := d.files[n.File]
	for i := range known {
		if known[i].Offset == n.Offset && known[i].Err.Error() == n.Err.Error() {
			d.mu.Unlock()
			return
		}
	}
	if len(known) >= maxDamagePerFile || known == nil && len(d.files) >= maxDamagedFiles {
		d.mu.Unlock()
		return
	}
	d.files[n.File] = append(known, n)
	d.mu.Unlock()
	if d.on != nil {
		d.on(n)
	}
}

// forget drops what was said of a file of that name, which is there no more.
func (d *damages) forget(gone func(file string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for file := range d.files {
		if gone(file) {
			delete(d.files, file)
		}
	}
}

func (d *damages) list() []Damage {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Damage
	for _, ds := range d.files {
		all = append(all, ds...)
	}
	slices.SortFunc(all, func(a, b Damage) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return int(max(-1, min(1, a.Offset-b.Offset)))
	})
	return all
}
