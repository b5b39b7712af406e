package sink

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// The environment variables that [NewResource] reads beside those named in its
// options.
const (
	envService       = "TXTRAIL_SERVICE"
	envVersion       = "TXTRAIL_VERSION"
	envEnvironment   = "TXTRAIL_ENVIRONMENT"
	envOTelService   = "OTEL_SERVICE_NAME"
	envOTelResource  = "OTEL_RESOURCE_ATTRIBUTES"
	envCloudService  = "K_SERVICE"               // Cloud Run, and functions there
	envCloudRevision = "K_REVISION"              // Cloud Run
	envAppService    = "GAE_SERVICE"             // App Engine
	envAppVersion    = "GAE_VERSION"             // App Engine
	envAppWhere      = "GAE_ENV"                 // App Engine: "standard", or "localdev" on a developer's machine
	envJob           = "CLOUD_RUN_JOB"           // Cloud Run's jobs
	envJobExecution  = "CLOUD_RUN_EXECUTION"     // one of a job's
	envJobTask       = "CLOUD_RUN_TASK_INDEX"    // one of an execution's
	envKubernetes    = "KUBERNETES_SERVICE_HOST" // its presence alone is looked at
)

// EnvironmentLocal is the environment of a process of which nothing says
// otherwise: a developer's machine.
const EnvironmentLocal = "local"

// ErrResource is wrapped by the errors of [NewResource].
var ErrResource = errors.New("sink: resource")

// ResourceOptions configures [NewResource]. Nil means the defaults: everything
// from the environment.
type ResourceOptions struct {
	// Service names the service. Default: TXTRAIL_SERVICE, OTEL_SERVICE_NAME,
	// service.name in OTEL_RESOURCE_ATTRIBUTES, K_SERVICE, GAE_SERVICE, CLOUD_RUN_JOB,
	// or else the name of the main package.
	Service string
	// Version is the version of the service. Default: TXTRAIL_VERSION,
	// service.version in OTEL_RESOURCE_ATTRIBUTES, K_REVISION, GAE_VERSION, or else the
	// main module's version or VCS revision as the build recorded it.
	Version string
	// Environment names where the service runs. Default: TXTRAIL_ENVIRONMENT,
	// deployment.environment.name in OTEL_RESOURCE_ATTRIBUTES, "production" on
	// Cloud Run, App Engine and Kubernetes (K_SERVICE, CLOUD_RUN_JOB, GAE_SERVICE,
	// KUBERNETES_SERVICE_HOST), or else "local".
	Environment string
	// Instance tells processes of one service apart. Default: service.instance.id
	// in OTEL_RESOURCE_ATTRIBUTES, CLOUD_RUN_EXECUTION and CLOUD_RUN_TASK_INDEX of a
	// job, or else the host's name and the process id.
	Instance string
	// Attributes are static values to put on every entry. Default none. Those of
	// OTEL_RESOURCE_ATTRIBUTES that have no field of their own follow them. At
	// most entry.MaxLabels are kept in all.
	Attributes []entry.Label
	// Env names environment variables whose values become attributes, under the
	// variable's name. Ones that are not set are left out. Default none: no value
	// is recorded that was not named.
	Env []string

	// LookupEnv reads the environment. Default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Hostname reads the host's name. Default os.Hostname. An error leaves it out.
	Hostname func() (string, error)
	// ServerUser reads the name of the user who runs the process. It is called in
	// a local environment only. Default: os/user. An error leaves it out.
	ServerUser func() (string, error)
	// PID is the process id. Default os.Getpid().
	PID int
	// BuildInfo reads what the build recorded. Default debug.ReadBuildInfo.
	BuildInfo func() (*debug.BuildInfo, bool)
}

// NewResource says which process entries come from: first by code, then by the
// environment, then by what can be found out. An error wraps [ErrResource] and
// names the option or variable that is malformed: not UTF-8, with control
// characters, or longer than the entry package's limits. It never repeats the
// value of a variable.
//
// The server user, for finding one's own entries among those of the other
// developers, is set in a local environment only: "local", "development", "dev"
// or "test".
func NewResource(opts *ResourceOptions) (*entry.Resource, error) {
	var o ResourceOptions
	if opts != nil {
		o = *opts
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Hostname == nil {
		o.Hostname = os.Hostname
	}
	if o.ServerUser == nil {
		o.ServerUser = serverUser
	}
	if o.BuildInfo == nil {
		o.BuildInfo = debug.ReadBuildInfo
	}
	if o.PID == 0 {
		o.PID = os.Getpid()
	}
	l := lookup{env: o.LookupEnv}
	otel := l.otelAttributes()

	r := &entry.Resource{PID: o.PID}
	r.Service = l.first("ResourceOptions.Service", o.Service, l.word(envService), l.word(envOTelService),
		otel.take("service.name"), l.word(envCloudService), l.word(envAppService), l.word(envJob))
	r.Version = l.first("ResourceOptions.Version", o.Version, l.word(envVersion),
		otel.take("service.version"), l.word(envCloudRevision), l.word(envAppVersion))
	// The older name of the attribute is still what most set-ups send.
	otelEnv := otel.take("deployment.environment.name")
	if older := otel.take("deployment.environment"); otelEnv == "" {
		otelEnv = older
	}
	r.Environment = l.first("ResourceOptions.Environment", o.Environment, l.word(envEnvironment), otelEnv)
	r.Instance = l.first("ResourceOptions.Instance", o.Instance, otel.take("service.instance.id"), l.task())
	r.Host = otel.take("host.name")
	if l.err != nil {
		return nil, l.err
	}

	build, _ := o.BuildInfo()
	if r.Service == "" {
		r.Service = buildName(build)
	}
	if r.Version == "" {
		r.Version = buildVersion(build)
	}
	if r.Environment == "" {
		r.Environment = EnvironmentLocal
		if l.deployed() {
			r.Environment = "production"
		}
	}
	if r.Host == "" {
		r.Host = found(o.Hostname)
	}
	if r.Instance == "" {
		r.Instance = strings.TrimPrefix(r.Host+":"+strconv.Itoa(r.PID), ":")
	}
	if isLocal(r.Environment) {
		r.ServerUser = found(o.ServerUser)
	}
	if err := l.attributes(r, &o, otel); err != nil {
		return nil, err
	}
	return r, nil
}

// attributes collects the static values: those of the code first.
func (l *lookup) attributes(r *entry.Resource, o *ResourceOptions, otel otelAttributes) error {
	seen := map[string]bool{}
	add := func(name, value string) {
		if !seen[name] && len(r.Attributes) < entry.MaxLabels {
			seen[name] = true
			r.Attributes = append(r.Attributes, entry.Label{Name: name, Value: value})
		}
	}
	if n := len(o.Attributes) + len(o.Env); n > entry.MaxLabels {
		return fmt.Errorf("%w: ResourceOptions.Attributes and Env are %d together, want at most %d", ErrResource, n, entry.MaxLabels)
	}
	for _, a := range o.Attributes {
		if a.Name == "" {
			return fmt.Errorf("%w: ResourceOptions.Attributes: an attribute has no name", ErrResource)
		}
		if err := check(a.Name, entry.MaxLabelName); err != nil {
			return fmt.Errorf("%w: ResourceOptions.Attributes: the name %.40q: %w", ErrResource, a.Name, err)
		}
		if err := check(a.Value, entry.MaxLabelValue); err != nil {
			return fmt.Errorf("%w: ResourceOptions.Attributes: the value of %q: %w", ErrResource, a.Name, err)
		}
		add(a.Name, a.Value)
	}
	for _, name := range o.Env {
		if name == "" || len(name) > entry.MaxLabelName || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("%w: ResourceOptions.Env: %.40q is not the name of an environment variable", ErrResource, name)
		}
		value, ok := l.env(name)
		if !ok {
			continue
		}
		if err := check(value, entry.MaxLabelValue); err != nil {
			return fmt.Errorf("%w: environment variable %s, named in ResourceOptions.Env: %w", ErrResource, name, err)
		}
		add(name, value)
	}
	for _, a := range otel {
		add(a.Name, a.Value)
	}
	return nil
}

// lookup reads variables and keeps the first error.
type lookup struct {
	env func(string) (string, bool)
	err error
}

func (l *lookup) set(name string) bool {
	v, _ := l.env(name)
	return v != ""
}

// deployed reports whether this is a platform that nobody develops on.
func (l *lookup) deployed() bool {
	where, _ := l.env(envAppWhere)
	return l.set(envCloudService) || l.set(envJob) || l.set(envKubernetes) || l.set(envAppService) && where != "localdev"
}

// task names the task of a job that this is.
func (l *lookup) task() string {
	execution, task := l.word(envJobExecution), l.word(envJobTask)
	if execution == "" || task == "" {
		return execution
	}
	return execution + "/" + task
}

// word reads a variable that holds one name.
func (l *lookup) word(name string) string {
	v, _ := l.env(name)
	v = strings.TrimSpace(v)
	if err := check(v, entry.MaxWord); err != nil && l.err == nil {
		l.err = fmt.Errorf("%w: environment variable %s: %w", ErrResource, name, err)
	}
	return v
}

// first returns the first value that is there. The one set by code is checked
// here, the others have been.
func (l *lookup) first(option, code string, others ...string) string {
	if code != "" {
		if err := check(code, entry.MaxWord); err != nil && l.err == nil {
			l.err = fmt.Errorf("%w: %s: %w", ErrResource, option, err)
		}
		return code
	}
	for _, v := range others {
		if v != "" {
			return v
		}
	}
	return ""
}

// check says what keeps v from being shown as it is.
func check(v string, limit int) error {
	if len(v) > limit {
		return fmt.Errorf("%d bytes, want at most %d", len(v), limit)
	}
	if !utf8.ValidString(v) {
		return errors.New("not valid UTF-8")
	}
	for i, r := range v {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("control character %U at byte %d", r, i)
		}
	}
	return nil
}

// found asks the system for a name. What it cannot tell, or tells in a form that
// cannot be shown, is left out: a service starts without it.
func found(ask func() (string, error)) string {
	v, err := ask()
	if err != nil || check(v, entry.MaxWord) != nil {
		return ""
	}
	return v
}

func serverUser() (string, error) {
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

func isLocal(environment string) bool {
	switch strings.ToLower(environment) {
	case EnvironmentLocal, "development", "dev", "test":
		return true
	}
	return false
}

func buildName(b *debug.BuildInfo) string {
	if b == nil || b.Path == "" || b.Path == "command-line-arguments" {
		return "unknown_service" // OpenTelemetry's word for it
	}
	name := path.Base(b.Path)
	if check(name, entry.MaxWord) != nil {
		return "unknown_service"
	}
	return name
}

func buildVersion(b *debug.BuildInfo) string {
	if b == nil {
		return ""
	}
	version := b.Main.Version
	if version == "(devel)" {
		version = ""
	}
	if version == "" {
		dirty := ""
		for _, s := range b.Settings {
			switch {
			case s.Key == "vcs.revision":
				version = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "-dirty"
			}
		}
		if version != "" {
			version += dirty
		}
	}
	if check(version, entry.MaxWord) != nil {
		return ""
	}
	return version
}
