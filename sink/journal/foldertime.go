package journalsink

import "time"

// relist is how often the folder is listed although its time says that nothing has
// changed: not every file system keeps that time, and a network's may be told late.
const relist = 5 * time.Second

// The ticks in which file systems count a folder's time of change, with some room. Most
// have ticks of up to 10 ms; older ones, such as FAT, HFS+ and NFS before version 3, of
// up to 2 s, and their times are whole seconds.
const (
	fineTick   = 100 * time.Millisecond
	coarseTick = 2100 * time.Millisecond
)

// folderTime tells whether what was listed of a folder is what is in it still. Listing a
// thousand files takes longer than a look-up, looking at the folder's time of change does
// not. That time stays the same for all changes within a tick, so that it tells of every
// change behind a listing only if it was seen a tick before that. How old it is by our own
// clock tells nothing: a server's may go behind it.
type folderTime struct {
	mod    time.Time // the folder's time of change
	seen   time.Time // when that was first seen, by our clock
	listed time.Time // when the listing began; zero: there is none
}

// holds reports whether a listing still holds for a folder that has a time of change now.
func (f *folderTime) holds(mod, now time.Time) bool {
	tick := fineTick
	if mod.Nanosecond() == 0 {
		tick = coarseTick
	}
	return trustFolderTimes && !f.listed.IsZero() && mod.Equal(f.mod) &&
		f.listed.Sub(f.seen) >= tick && now.Sub(f.listed) < relist
}

// next is what holds of a listing that begins now. Both times are to be taken before it,
// the folder's first.
func (f *folderTime) next(mod, now time.Time) folderTime {
	n := folderTime{mod: mod, seen: now, listed: now}
	if !f.listed.IsZero() && mod.Equal(f.mod) {
		n.seen = f.seen
	}
	return n
}
