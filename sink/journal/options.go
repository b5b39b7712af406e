package journalsink

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"

	"github.com/txtrail/txtrail/internal/report"
)

// Defaults of [Options].
const (
	DefaultName         = "txtrail"
	DefaultMaxFileBytes = 16 << 20
	DefaultMaxFileAge   = time.Hour
	DefaultMaxBytes     = 1 << 30
	DefaultMinFree      = 0.10
	DefaultSyncEvery    = time.Second
)

// maxFileBytes is the largest MaxFileBytes.
const maxFileBytes int64 = 1 << 30

// maxName bounds the part of a file's name that comes from Options.Name.
const maxName = 32

// Options of a [Journal]. Nil means the defaults.
type Options struct {
	// Name begins the names of the files, so that people see whose they are: the
	// service's name. Lower-cased, at most 32 bytes; where that is not enough, what is not
	// [a-z0-9_-] becomes '-', and a hash of the name is appended. Several writers may have
	// the same name: their files are shipped together. Default "txtrail".
	Name string
	// MaxFileBytes is the size, in bytes, at which a file is closed and
	// compressed. Default 16 MiB, or an eighth of MaxBytes if that is less.
	MaxFileBytes int64
	// MaxFileAge is how long after its first entry a file is closed. Default 1 h.
	MaxFileAge time.Duration
	// MaxBytes caps the whole folder, the files of other writers included, by
	// removing the oldest closed files. It is looked at when files are compressed and
	// once a minute. Files being written are never removed, nor are those that wait to
	// be compressed: mostly none. Where compressing can not keep up they are up to 64 of a
	// writer that wait, one that is being compressed, and 64 that were let go and are not
	// synced yet (MaxFileBytes each). By these, and by the copy that is being made of one,
	// the folder may exceed the cap. Files with entries that a sink has not
	// got yet (see Spool) go last, and only for this cap or a full disk; that is
	// counted in Stats.RemovedUnshipped and told to OnError.
	// Default 1 GiB; negative: no cap.
	MaxBytes int64
	// MaxAge is how old the newest entry of a closed file may become before the file
	// is removed, by any journal in the folder with this setting; it is looked at
	// when MaxBytes is. Default: no limit.
	MaxAge time.Duration
	// MinFree is the part of the disk, from 0 to 1, that is kept free in the same
	// way. Since removing our files can not make up for what others put there, the
	// newest MaxBytes/16 (or 1 % of the disk, if that is less) are kept even
	// then. Default 0.10; negative: not looked at.
	MinFree float64
	// SyncEvery is how often what was written is forced to the disk (fdatasync).
	// It bounds what a power failure costs; the death of the process costs nothing
	// that Write has taken. Default 1 s.
	SyncEvery time.Duration
	// Shared makes files 0640 in a folder 2750 (group readable, the group
	// inherited), instead of 0600 in 0700. It does not change a folder that exists.
	Shared bool
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// OnError is told of what goes wrong in the background or is given up: a file
	// that can not be compressed, a sync that failed, files removed by the cap. It
	// may be called from any goroutine and must not block. It may use the journal; but
	// Close waits for the goroutine that calls it, as long as Close's context lets it.
	// Default: a warning to slog.Default(), at most one in ten seconds.
	OnError func(error)

	fs fsys // the tests put faults in between
}

// withDefaults returns a checked copy.
func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	switch {
	case c.MaxFileBytes < 0:
		return c, optionError("MaxFileBytes", "is %d: want 0 for the default, or a size", c.MaxFileBytes)
	case c.MaxFileBytes > maxFileBytes:
		return c, optionError("MaxFileBytes", "is %d: want at most %d (1 GiB)", c.MaxFileBytes, maxFileBytes)
	case c.MaxFileAge < 0:
		return c, optionError("MaxFileAge", "is %v: want 0 for the default, or a duration", c.MaxFileAge)
	case c.MaxAge < 0:
		return c, optionError("MaxAge", "is %v: want 0 for no limit, or a duration", c.MaxAge)
	case c.SyncEvery < 0:
		return c, optionError("SyncEvery", "is %v: want 0 for the default, or a duration", c.SyncEvery)
	case c.MinFree >= 1 || math.IsNaN(c.MinFree):
		return c, optionError("MinFree", "is %v: want a part of the disk below 1, such as 0.10", c.MinFree)
	case c.MaxBytes > 0 && c.MaxFileBytes > c.MaxBytes:
		return c, optionError("MaxFileBytes", "is %d, more than MaxBytes %d: one file must fit into the folder", c.MaxFileBytes, c.MaxBytes)
	}
	c.Name = cleanName(c.Name)
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxFileBytes == 0 {
		c.MaxFileBytes = DefaultMaxFileBytes
		if c.MaxBytes > 0 {
			c.MaxFileBytes = max(1, min(c.MaxFileBytes, c.MaxBytes/8))
		}
	}
	if c.MaxFileAge == 0 {
		c.MaxFileAge = DefaultMaxFileAge
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.SyncEvery == 0 {
		c.SyncEvery = DefaultSyncEvery
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnError == nil {
		c.OnError = new(report.Warner).Warn
	}
	c.OnError = report.Guard(c.OnError)
	if c.fs == nil {
		c.fs = osFS{}
	}
	return c, nil
}

func (o *Options) fileMode() fs.FileMode {
	if o.Shared {
		return 0o640
	}
	return 0o600
}

func (o *Options) folderMode() fs.FileMode {
	if o.Shared {
		return 0o750 | os.ModeSetgid
	}
	return 0o700
}

// cleanName makes a service's name fit for a file's name. Who has the same name has
// files that are shipped together: what loses more than capitals by it gets a hash, so
// that two services stay two.
func cleanName(s string) string {
	if s == "" {
		return DefaultName
	}
	same := true
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		same = false
		return '-'
	}, s)
	if same && len(clean) <= maxName && strings.Trim(clean, "-") == clean {
		return clean
	}
	hash := fmt.Sprintf("-%08x", crc32.Checksum([]byte(s), castagnoli))
	clean = strings.Trim(clean[:min(len(clean), maxName-len(hash))], "-")
	if clean == "" {
		clean = DefaultName
	}
	return clean + hash
}

// checkFolder refuses a path that names no folder before anything is created.
func checkFolder(dir string) error {
	if dir == "" {
		return errors.New("no path given")
	}
	if strings.ContainsRune(dir, 0) {
		return errors.New("the path has a NUL byte in it")
	}
	return nil
}
