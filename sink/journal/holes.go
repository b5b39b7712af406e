package journalsink

import (
	"context"
	"io"
	"os"
)

// A file that is no journal's may be of any size without a line or a frame in it, most of
// it perhaps without a block on the disk. What reads such a file must end when it is told
// to, and pass over the holes without reading them.

// maxPlain bounds what is taken of one file, in bytes before compression: four times
// what a file may have by its options, for the case that no other could be begun.
const maxPlain = 4 * maxFileBytes

// dataFinder knows where the holes of a sparse file are.
type dataFinder interface {
	// NextData returns the offset of the first byte at or behind at that is not in a
	// hole; at, if that can not be told, and math.MaxInt64 if there is none.
	NextData(at int64) int64
}

// nextData is NextData of a file that may be a dataFinder.
func nextData(f io.ReaderAt, at int64) int64 {
	switch f := f.(type) {
	case dataFinder:
		return f.NextData(at)
	case *os.File:
		return seekData(f, at)
	}
	return at
}

// untilDone is a file that can be read until its context ends.
type untilDone struct {
	ctx context.Context
	f   io.ReaderAt
}

// ReadAt implements [io.ReaderAt].
func (u untilDone) ReadAt(p []byte, at int64) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.f.ReadAt(p, at)
}

// NextData implements [dataFinder].
func (u untilDone) NextData(at int64) int64 { return nextData(u.f, at) }

// untilStopped is a file that can be read until somebody says so.
type untilStopped struct {
	f    io.ReaderAt
	stop func() bool
}

// ReadAt implements [io.ReaderAt].
func (u untilStopped) ReadAt(p []byte, at int64) (int, error) {
	if u.stop() {
		return 0, errAborted
	}
	return u.f.ReadAt(p, at)
}

// NextData implements [dataFinder].
func (u untilStopped) NextData(at int64) int64 { return nextData(u.f, at) }
