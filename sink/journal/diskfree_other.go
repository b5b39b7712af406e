//go:build !(linux || darwin || freebsd || windows)

package journalsink

import "errors"

func diskFree(string) (free, total uint64, err error) {
	return 0, 0, errors.ErrUnsupported
}
