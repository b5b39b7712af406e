package blackbox

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// memoryDir is where every Linux has a file system in memory, for all users as /tmp. It
// lives as long as the machine, or the container (in a Kubernetes pod: as the pod).
const memoryDir = "/dev/shm"

// memoryPath returns the file of the slots of a table, "" where there is no such file
// system. The name is made of nothing but the number: a header that somebody else has
// written can not lead anywhere else.
func memoryPath(number uint64) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	if st, err := os.Stat(memoryDir); err != nil || !st.IsDir() {
		return ""
	}
	return fmt.Sprintf("%s/txtrail%s%016x", memoryDir, Prefix, number)
}

// keptInMemory is how long a dead process's slots wait for somebody who finds their
// folder. A folder that was removed is never found.
const keptInMemory = 7 * 24 * time.Hour

// sweep removes the slots of this user's dead processes that nobody has looked for, and
// never will, so that they do not take memory until the machine is started again.
func sweep(mine os.FileInfo, now time.Time) {
	items, err := os.ReadDir(memoryDir)
	if err != nil {
		return
	}
	for _, item := range items {
		digits, ok := strings.CutPrefix(item.Name(), "txtrail"+Prefix)
		if !ok || len(digits) != 16 || !hexDigits(digits) {
			continue
		}
		if st, err := item.Info(); err != nil || !st.Mode().IsRegular() || !sameOwner(st, mine) || now.Sub(st.ModTime()) < keptInMemory {
			continue
		}
		sweepOne(filepath.Join(memoryDir, item.Name()))
	}
}

// sweepOne removes a file if its process is dead: a mapping holds the lock too.
func sweepOne(path string) {
	f, err := os.OpenFile(path, os.O_RDWR|noFollow, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if lock(f, false) == nil {
		_ = os.Remove(path)
	}
}
