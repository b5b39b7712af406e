package cloudloggingsink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	logging "cloud.google.com/go/logging/apiv2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DefaultLogID is the log that is written where nothing else is said.
const DefaultLogID = "txtrail"

// ErrOptions is returned, wrapped with what was wrong and the remedy, by [New] for
// options that can not work.
var ErrOptions = errors.New("cloudloggingsink: invalid options")

// The environment variables that are read beside GOOGLE_CLOUD_PROJECT,
// GOOGLE_CLOUD_QUOTA_PROJECT and what Application Default Credentials read.
const (
	envProject  = "GOOGLE_CLOUD_PROJECT"
	envQuota    = "GOOGLE_CLOUD_QUOTA_PROJECT"
	envLog      = "TXTRAIL_CLOUDLOGGING_LOG"
	envEndpoint = "TXTRAIL_CLOUDLOGGING_ENDPOINT"
	envInsecure = "TXTRAIL_CLOUDLOGGING_INSECURE"
)

// Options configures [New]. Nil means the defaults.
type Options struct {
	// ProjectID is the project that gets the entries. Default GOOGLE_CLOUD_PROJECT,
	// else the project of the machine by Google's metadata server.
	ProjectID string
	// LogID is the log's name: letters, digits and "/_-.", shorter than 512.
	// Default TXTRAIL_CLOUDLOGGING_LOG, else DefaultLogID.
	LogID string
	// Endpoint is the service's address, "host:port". Default
	// TXTRAIL_CLOUDLOGGING_ENDPOINT, else logging.googleapis.com:443.
	Endpoint string
	// Insecure speaks without TLS and credentials, to a test server; never to a host of
	// googleapis.com. Default TXTRAIL_CLOUDLOGGING_INSECURE is "1" or "true", which is
	// obeyed for an address of this machine (localhost, 127.0.0.1, [::1]) alone.
	Insecure bool
	// QuotaProject is the project that the calls are counted for. Default
	// GOOGLE_CLOUD_QUOTA_PROJECT, else what the credentials say.
	QuotaProject string
	// Resource is the monitored resource of every entry. Default: detected, as the
	// official client library does it (App Engine, Cloud Functions, Cloud Run, GKE,
	// Compute Engine), else "global"; see [Sink.Resource].
	Resource *Resource
	// MaxAge is how old an entry may be to be sent with its own time: a little less
	// than the log bucket's retention, since what is older is taken and never shown. An
	// older one, of a clock that was never set or a journal that waited for so long, is
	// sent with the present time and keeps its own in jsonPayload.time. Default 29 days:
	// the retention of the _Default bucket less a day.
	MaxAge time.Duration
	// Compress sends requests with gzip, for some 10 µs more of CPU an entry: 2/3 of the
	// bytes for a request of one entry, 1/6 for one of ten, 1/13 for one of hundreds. For a
	// developer's uplink; inside Google's network bytes are free. Default false.
	Compress bool
	// Client is a client to use instead of one of the sink's own; Endpoint, Insecure,
	// QuotaProject and ClientOptions then do not count, and Close leaves it open. The
	// high-level client of package logging has none to give: make one with apiv2.NewClient,
	// or give that client to package highlevelsink. Default nil.
	Client *logging.Client
	// ClientOptions are passed to the client, after those of the fields above.
	// Default none: Application Default Credentials.
	ClientOptions []option.ClientOption
	// Now is the clock by which a time is too far ahead. Default time.Now.
	Now func() time.Time
	// LookupEnv reads the environment. Default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Metadata reads a path of Google's metadata server, "" where there is none.
	// Default: the server, asked when the sink is made, for at most 2 s; or for up to
	// 10 s more by a pod on GKE, where the server may begin later than the pod. It is
	// asked only where GCE_METADATA_HOST names one, where the machine says that it is
	// Google's (Linux), or with the variables of Cloud Run, Cloud Functions and App
	// Engine outside of Kubernetes: on Windows name it, or give ProjectID and Resource.
	Metadata func(ctx context.Context, path string) string

	metadata *metadataServer // the default one
}

var (
	validProject = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,98}[a-z0-9]$`) // an ID, with a domain before it or not, or a number
	validLogID   = regexp.MustCompile(`^[A-Za-z0-9/_.-]{1,511}$`)
)

// complete returns a copy with the defaults filled in.
func (o *Options) complete(ctx context.Context) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	env := c.env
	if c.LogID == "" {
		c.LogID = env(envLog)
	}
	if c.LogID == "" {
		c.LogID = DefaultLogID
	}
	if !validLogID.MatchString(c.LogID) {
		return c, fmt.Errorf("%w: LogID (or %s) is %.80q, want letters, digits and /_-. and fewer than 512 of them", ErrOptions, envLog, c.LogID)
	}
	if c.Endpoint == "" {
		c.Endpoint = env(envEndpoint)
	}
	switch v := env(envInsecure); v {
	case "", "0", "false":
	case "1", "true":
		if !c.Insecure && c.Endpoint != "" && !isLocal(c.Endpoint) {
			return c, fmt.Errorf("%w: %s is set, and Endpoint %.80q is not on this machine: entries would go there in the clear; unset it, or set Insecure in the code", ErrOptions, envInsecure, c.Endpoint)
		}
		c.Insecure = true
	default:
		return c, fmt.Errorf("%w: %s is %.20q, want 1 or 0", ErrOptions, envInsecure, v)
	}
	if c.Insecure && c.Endpoint == "" && c.Client == nil {
		return c, fmt.Errorf("%w: Insecure without an Endpoint: the service itself is never spoken to without TLS", ErrOptions)
	}
	if c.Insecure && c.Client == nil && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(hostOf(c.Endpoint), ".")), "googleapis.com") {
		return c, fmt.Errorf("%w: Insecure (or %s) with the Endpoint %.80q: the service itself is never spoken to without TLS", ErrOptions, envInsecure, c.Endpoint)
	}
	if c.MaxAge < 0 {
		return c, fmt.Errorf("%w: MaxAge is %v, want a duration, or 0 for %v", ErrOptions, c.MaxAge, defaultPast)
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultPast
	}
	if c.QuotaProject == "" {
		c.QuotaProject = env(envQuota)
	}
	if c.Metadata == nil {
		c.metadata = newMetadataServer(env, product(), c.Insecure)
		c.Metadata = c.metadata.get
	}
	if c.ProjectID == "" {
		c.ProjectID = env(envProject)
	}
	if c.ProjectID == "" {
		c.ProjectID = c.Metadata(ctx, "project/project-id")
	}
	if c.ProjectID == "" {
		err := fmt.Errorf("%w: no project: set ProjectID or %s", ErrOptions, envProject)
		if why := c.undetected(); why != nil {
			err = fmt.Errorf("%w (%w)", err, why)
		}
		return c, err
	}
	if !validProject.MatchString(c.ProjectID) {
		return c, fmt.Errorf("%w: ProjectID (or %s) is %.80q, want a project's ID as gcloud projects list shows it", ErrOptions, envProject, c.ProjectID)
	}
	if c.Resource == nil {
		c.Resource = detect(ctx, &c).valid()
	}
	if err := c.Resource.check(); err != nil {
		return c, err
	}
	c.Resource = c.Resource.valid() // a copy
	return c, nil
}

func (o *Options) env(name string) string {
	v, _ := o.LookupEnv(name)
	return v
}

// undetected returns why the metadata server told nothing where it should have.
func (o *Options) undetected() error {
	if o.metadata == nil {
		return nil
	}
	return o.metadata.failure()
}

// hostOf returns the host of an endpoint: "host:port", or a host, or either with a scheme.
func hostOf(endpoint string) string {
	if _, after, ok := strings.Cut(endpoint, "://"); ok {
		endpoint = strings.TrimLeft(after, "/")
	}
	if host, _, err := net.SplitHostPort(endpoint); err == nil {
		return host
	}
	return endpoint
}

// isLocal reports whether an endpoint is on this machine.
func isLocal(endpoint string) bool {
	host := hostOf(endpoint)
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// logName is the log's resource name.
func (o *Options) logName() string {
	return "projects/" + o.ProjectID + "/logs/" + url.QueryEscape(o.LogID)
}

// A connection that has said nothing for as long is asked whether it is still there
// while calls wait for it, and given up without an answer: of one that went away
// without a word, with a machine that slept or a NAT that forgot, the kernel tells after a
// quarter of an hour. The service takes that many pings; the client library of Bigtable
// has the same.
const (
	aliveAfter  = 30 * time.Second
	aliveAnswer = 10 * time.Second
)

// Access says where the service is and who asks, for others that speak with it by a
// client of their own. The zero Access is the service itself, by the credentials that are
// found.
type Access struct {
	Endpoint     string // "host:port"; "": the service's
	QuotaProject string // "": what the credentials say
	Insecure     bool   // without TLS and credentials
}

// ClientOptions returns what [New] makes its client with. They switch off the tracing of
// calls: what records must not be recorded. And they find out about a connection that is
// dead within 40 s.
func (a Access) ClientOptions() []option.ClientOption {
	opts := []option.ClientOption{
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: aliveAfter, Timeout: aliveAnswer})),
	}
	if a.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(a.Endpoint))
	}
	if a.QuotaProject != "" && !a.Insecure {
		opts = append(opts, option.WithQuotaProject(a.QuotaProject))
	}
	if a.Insecure {
		opts = append(opts, option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	return opts
}
