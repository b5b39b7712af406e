//go:build linux || darwin || freebsd

package journalsink

import (
	"io/fs"
	"syscall"
	"testing"
)

type statted struct {
	fs.FileInfo
	size   int64
	blocks int64
}

func (s statted) Size() int64 { return s.size }
func (s statted) Sys() any    { return &syscall.Stat_t{Blocks: s.blocks} }

// What counts against the bounds is what a file takes, as far as the file system says so.
func TestDiskSize(t *testing.T) {
	const file = 16 << 20
	for name, tt := range map[string]struct{ size, blocks, want int64 }{
		"whole":            {1 << 20, 2048, 1 << 20},
		"last block":       {1<<20 - 100, 2048, 1<<20 - 100},
		"mostly a hole":    {2 << 30, 8, 4 << 10},
		"in its inode":     {3000, 0, 3000},
		"no word of it":    {5 << 20, 0, 5 << 20},
		"nothing but hole": {2 << 30, 0, file},
	} {
		if got := diskSize(statted{size: tt.size, blocks: tt.blocks}); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
