//go:build !linux

package journalsink

import "os"

func dataSync(f *os.File) error { return f.Sync() }
