//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package blackbox

import "os"

const (
	supported = false
	noFollow  = 0
)

func mapFile(*os.File, int) ([]byte, error) { return nil, ErrUnsupported }
func unmap([]byte) error                    { return nil }
func lock(*os.File, bool) error             { return ErrUnsupported }
func sameOwner(a, b os.FileInfo) bool       { return false }
func named(*os.File, string) bool           { return false }
