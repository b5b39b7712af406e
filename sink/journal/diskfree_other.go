//go:build !(linux || darwin || freebsd || windows)

package journalsink

import (
	"errors"
	"io/fs"
)

func diskFree(string) (free, total uint64, err error) {
	return 0, 0, errors.ErrUnsupported
}

func diskSize(st fs.FileInfo) int64 { return st.Size() }
