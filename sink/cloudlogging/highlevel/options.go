package highlevelsink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// ErrOptions is returned, wrapped with what was wrong and the remedy, by [New] and
// [FromLogger] for arguments that can not work.
var ErrOptions = errors.New("highlevelsink: invalid options")

const (
	defaultConcurrent  = 32
	maxConcurrent      = 100 // the streams that Google's servers grant a connection
	defaultCallTimeout = 10 * time.Second

	envLog = "TXTRAIL_CLOUDLOGGING_LOG"
)

// Options configures [New] and [FromLogger]. Nil means the defaults.
type Options struct {
	// ProjectID is the project of the client, which does not tell: the sink is named
	// by it, and traces link to it. Default GOOGLE_CLOUD_PROJECT, else the project of
	// the machine by Google's metadata server.
	ProjectID string
	// LogID is the log's name: letters, digits and "/_-.", shorter than 512. For New
	// it is the log that is written; default TXTRAIL_CLOUDLOGGING_LOG, else
	// "txtrail". For FromLogger it is the name that the Logger was made with, which
	// has no default but TXTRAIL_CLOUDLOGGING_LOG: the Logger does not tell.
	LogID string
	// Resource is the monitored resource of every entry. Default for New: detected, as
	// cloudloggingsink does; for FromLogger: the Logger's own.
	Resource *cloudloggingsink.Resource
	// MaxAge is how old an entry may be to be sent with its own time; see
	// cloudloggingsink.Options. Default 29 days.
	MaxAge time.Duration
	// Concurrent is how many calls run at a time in one Write, each with one entry.
	// With a call of 30 ms, 32 of them are a thousand entries a second at most. With
	// 1, entries are stored in the order of the batch. Default 32, at most 100.
	Concurrent int
	// CallTimeout bounds one call, with all that the client tries again by itself.
	// Default 10 s.
	CallTimeout time.Duration
	// Now is the clock by which a time is too far ahead. Default time.Now.
	Now func() time.Time
	// LookupEnv reads the environment. Default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Metadata reads a path of Google's metadata server, "" where there is none.
	// Default: the server, asked once when the sink is made, for at most 2 s.
	Metadata func(ctx context.Context, path string) string
}

// complete returns a copy with the defaults filled in that are this package's own.
func (o *Options) complete() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	switch {
	case c.Concurrent < 0 || c.Concurrent > maxConcurrent:
		return c, fmt.Errorf("%w: Concurrent is %d, want up to %d calls at a time, or 0 for %d", ErrOptions, c.Concurrent, maxConcurrent, defaultConcurrent)
	case c.CallTimeout < 0:
		return c, fmt.Errorf("%w: CallTimeout is %s, want a positive duration, or 0 for %s", ErrOptions, c.CallTimeout, defaultCallTimeout)
	}
	if c.Concurrent == 0 {
		c.Concurrent = defaultConcurrent
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = defaultCallTimeout
	}
	if c.LogID == "" {
		c.LogID, _ = c.LookupEnv(envLog)
	}
	return c, nil
}
