package journalsink

import (
	"sync/atomic"
	"time"
)

// Stats are what a Journal has done since it was opened. Sizes are in bytes.
type Stats struct {
	Entries     int64 // written
	Bytes       int64 // written to open files, checksums included
	Writes      int64 // write(2) calls that succeeded whole
	WriteErrors int64 // write(2) calls that failed or were short
	Refused     int64 // entries refused for good (ErrEntry)
	Syncs       int64
	SyncErrors  int64

	Opened       int64 // files begun
	Sealed       int64 // files closed and compressed, the adopted ones included
	SealErrors   int64
	SealedPlain  int64 // size before compression
	SealedBytes  int64 // size after it
	DamagedLines int64 // found while compressing: their place is kept, blank
	Adopted      int64 // files of dead writers taken over, without empty ones
	Merged       int64 // small closed files put together into larger ones
	Removed      int64 // files removed to keep the folder within its bounds
	RemovedBytes int64
	// RemovedUnshipped are those of the removed files that a sink had not got whole.
	RemovedUnshipped int64

	InFlight       int64 // requests in the list of those in flight, now
	InFlightMissed int64 // requests that were not listed: no room, or no list
	Crashed        int64 // crash entries written for requests of dead processes

	File      string    // name of the file being written
	FileBytes int64     // its size
	LastError string    // the latest of what OnError was told and of the failed writes, which Write returns
	ErrorTime time.Time // and when
}

// counters are kept without a lock, so that Stats answers while a slow disk holds
// up a write.
type counters struct {
	entries, bytes, writes, writeErrors, refused, syncs, syncErrors        atomic.Int64
	opened, sealed, sealErrors, sealedPlain, sealedBytes, damaged, adopted atomic.Int64
	merged, removed, removedBytes, removedNeeded, crashed                  atomic.Int64
	fileBytes                                                              atomic.Int64
	file                                                                   atomic.Pointer[string]
	last                                                                   atomic.Pointer[lastError]
}

type lastError struct {
	text string
	at   time.Time
}

// Stats returns the counters. It never waits for the disk.
func (j *Journal) Stats() Stats {
	c := &j.count
	s := Stats{
		Entries:          c.entries.Load(),
		Bytes:            c.bytes.Load(),
		Writes:           c.writes.Load(),
		WriteErrors:      c.writeErrors.Load(),
		Refused:          c.refused.Load(),
		Syncs:            c.syncs.Load(),
		SyncErrors:       c.syncErrors.Load(),
		Opened:           c.opened.Load(),
		Sealed:           c.sealed.Load(),
		SealErrors:       c.sealErrors.Load(),
		SealedPlain:      c.sealedPlain.Load(),
		SealedBytes:      c.sealedBytes.Load(),
		DamagedLines:     c.damaged.Load(),
		Adopted:          c.adopted.Load(),
		Merged:           c.merged.Load(),
		Removed:          c.removed.Load(),
		RemovedBytes:     c.removedBytes.Load(),
		RemovedUnshipped: c.removedNeeded.Load(),
		FileBytes:        c.fileBytes.Load(),
		Crashed:          c.crashed.Load(),
	}
	if l := j.keep.flight.Load(); l != nil {
		s.InFlight, s.InFlightMissed = l.figures()
	}
	if p := c.file.Load(); p != nil {
		s.File = *p
	}
	if p := c.last.Load(); p != nil {
		s.LastError, s.ErrorTime = p.text, p.at
	}
	return s
}
