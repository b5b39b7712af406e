package cloudloggingquery

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	logging "cloud.google.com/go/logging/apiv2"
	"google.golang.org/api/option"

	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// ReadsPerMinute is the quota of entries.list for one project, which can not be raised
// (cloud.google.com/logging/quotas).
const ReadsPerMinute = 60

// DefaultRange is how far back a question without a beginning goes: the retention of
// the _Default bucket.
const DefaultRange = 30 * 24 * time.Hour

// ErrOptions is returned, wrapped with what was wrong and the remedy, by [Open] for
// options that can not work.
var ErrOptions = errors.New("cloudloggingquery: invalid options")

// Options configures [Open]. Only ProjectID, or Views, is needed.
type Options struct {
	// ProjectID is the project to read.
	ProjectID string
	// Views are log views to read instead of the project's own entries, for what
	// many projects keep in one bucket:
	// "projects/P/locations/L/buckets/B/views/V". At most 100. Default none.
	Views []string
	// LogID is the log that the sink writes. Lines of the stdout sink are found under
	// whatever log their agent chose. Default [cloudloggingsink.DefaultLogID].
	LogID string
	// Name is how the source calls itself. Default "gcl:" and the project.
	Name string
	// Range is how far back a question goes that has no beginning of its own. Default
	// DefaultRange.
	Range time.Duration
	// Budget is how many reads a minute this source makes: what is beyond waits. The
	// quota is the project's, so leave some where others read too. Default
	// ReadsPerMinute.
	Budget int
	// MaxReads bounds the reads of one question; an answer that would take more is
	// returned as it is and says so. Default 40: 40,000 entries.
	MaxReads int
	// Keep is for how long an answer is given again without asking. Negative: not at
	// all. Default 5 s.
	Keep time.Duration
	// ReadOnly keeps [Source.Check] from writing, for whom may only read. Default false.
	ReadOnly bool
	// OnWait is told when a read has to wait for the quota, and for how long. It must
	// return soon. Default nil.
	OnWait func(time.Duration)
	// Endpoint, Insecure, QuotaProject and ClientOptions are those of
	// [cloudloggingsink.Options], without the environment.
	Endpoint      string
	Insecure      bool
	QuotaProject  string
	ClientOptions []option.ClientOption
	// Client is a client to use instead of one of the source's own. Close leaves it
	// open. Default nil.
	Client *logging.Client
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

var (
	validProject = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,98}[a-z0-9]$`)
	validView    = regexp.MustCompile(`^(projects|organizations|billingAccounts|folders)/[^/\s]+/locations/[^/\s]+/buckets/[^/\s]+/views/[^/\s]+$`)
)

func (o *Options) complete() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.ProjectID == "" && len(c.Views) == 0 {
		return c, fmt.Errorf("%w: no project: set ProjectID", ErrOptions)
	}
	if c.ProjectID != "" && !validProject.MatchString(c.ProjectID) {
		return c, fmt.Errorf("%w: ProjectID is %.80q, want a project's ID as gcloud projects list shows it", ErrOptions, c.ProjectID)
	}
	if len(c.Views) > 100 {
		return c, fmt.Errorf("%w: %d Views, want at most 100", ErrOptions, len(c.Views))
	}
	for _, v := range c.Views {
		if !validView.MatchString(v) {
			return c, fmt.Errorf("%w: view %.120q, want projects/P/locations/L/buckets/B/views/V", ErrOptions, v)
		}
	}
	if c.Insecure && c.Endpoint == "" && c.Client == nil {
		return c, fmt.Errorf("%w: Insecure without an Endpoint: the service itself is never spoken to without TLS", ErrOptions)
	}
	if c.Budget < 0 || c.MaxReads < 0 || c.Range < 0 {
		return c, fmt.Errorf("%w: Budget %d, MaxReads %d, Range %v: want 0 for the default or more", ErrOptions, c.Budget, c.MaxReads, c.Range)
	}
	if c.LogID == "" {
		c.LogID = cloudloggingsink.DefaultLogID
	}
	if c.Name == "" {
		c.Name = "gcl:" + c.ProjectID
		if c.ProjectID == "" {
			c.Name = "gcl:" + c.Views[0]
		}
	}
	if c.Range == 0 {
		c.Range = DefaultRange
	}
	if c.Budget == 0 {
		c.Budget = ReadsPerMinute
	}
	if c.MaxReads == 0 {
		c.MaxReads = 40
	}
	if c.Keep == 0 {
		c.Keep = 5 * time.Second
	}
	if c.OnWait == nil {
		c.OnWait = func(time.Duration) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
