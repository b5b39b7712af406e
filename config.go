package txtrail

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/middleware"
	"github.com/txtrail/txtrail/outbound"
	"github.com/txtrail/txtrail/sanitize"
	"github.com/txtrail/txtrail/sink"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
	"github.com/txtrail/txtrail/txid"
)

// ErrConfig is returned, wrapped with the field or variable and the remedy, by
// [Open] for a configuration that can not work.
var ErrConfig = errors.New("txtrail: invalid configuration")

// Output says where entries go first.
type Output string

// The outputs.
const (
	// OutputAuto is OutputStdout on Cloud Run, services (K_SERVICE is set), functions
	// and jobs (CLOUD_RUN_JOB), and on App Engine (GAE_SERVICE), where the disk is memory
	// or can not be written and an agent collects standard output; and OutputJournal
	// everywhere else.
	//
	// Whatever the output, nothing runs after the response in Cloud Run's services and
	// in App Engine's standard environment: ServeHTTP returns there when the entry is
	// written (middleware.Options.Audit), but see Config.Awake.
	OutputAuto Output = ""
	// OutputJournal writes files below Dir.
	OutputJournal Output = "journal"
	// OutputStdout writes one line an entry, for an agent that collects it.
	OutputStdout Output = "stdout"
	// OutputNone writes to Config.Sinks alone.
	OutputNone Output = "none"
)

// Config configures [Open]. The zero value means the defaults; a field that is set
// wins over its environment variable.
type Config struct {
	// Service names this service in every entry. Default TXTRAIL_SERVICE,
	// OTEL_SERVICE_NAME, K_SERVICE, GAE_SERVICE, CLOUD_RUN_JOB, or the program's name.
	Service string
	// Version and Environment of the service. Default TXTRAIL_VERSION and
	// TXTRAIL_ENVIRONMENT, and what OTEL_RESOURCE_ATTRIBUTES, K_REVISION, GAE_VERSION
	// and the build say. Without any the environment is "production" on Cloud Run, App
	// Engine and Kubernetes, and else "local"; see [sink.ResourceOptions].
	Version     string
	Environment string
	// Output says where entries go first. Default TXTRAIL_OUTPUT, else OutputAuto.
	Output Output
	// Awake says that the CPU is there after the response too, where the environment
	// would say that it is not: on Cloud Run with instance-based billing. No request
	// waits for its entry then, but where Middleware.Audit asks for it. Default
	// TXTRAIL_AWAKE (a boolean), else false.
	Awake bool
	// Dir is the journal's folder. Default TXTRAIL_DIR, else ".txtrail" in the
	// working directory. It is created with mode 0700. Services may share one.
	Dir string
	// Sinks get every entry beside Output. One that is away holds up nobody.
	//
	// With OutputJournal each is shipped to from the journal (see [sink.Ship]), for as
	// long as it takes, over restarts too, within the journal's bounds. What a sink has
	// got is remembered under its name: its own ([sink.Named], [sink.WithName]), or else
	// its type, with a number for the second of a type and on. Names must differ.
	//
	// Without a journal, or as long as its folder can not be written, each has a queue
	// of its own in memory (see [sink.Branch]): entries beyond Queue.MaxBytes are
	// dropped and counted.
	//
	// [Trail.Close] closes them. Default none.
	Sinks []sink.Sink
	// AuditSinks makes Middleware.Audit wait until each of Sinks has the entry too, and
	// not Output alone: what a caller was told then outlives the machine. It costs
	// each request a round trip to the slowest of them, which the requests of that time
	// share, and the whole AuditTimeout while one is away. With any Output; without Sinks
	// it changes nothing. With OutputJournal another process of the same name and folder
	// may be the one that ships: its progress is read from the folder, which takes up to
	// 0.3 s longer; so Ship.MaxAge and Ship.Poll are 50 ms each then, unless they are set.
	// Default false.
	AuditSinks bool
	// MaxBody is how many bytes of each body are captured. Default
	// TXTRAIL_MAX_BODY, else 64 KiB; -1 captures none. At most
	// [entry.MaxBody], 8 MiB.
	MaxBody int
	// AllowHosts are hosts that get the txid and the carried facts beside private
	// ones: "api.example.com", "*.example.com". Default TXTRAIL_ALLOW_HOSTS, comma
	// separated. See [txid.NewHosts].
	AllowHosts []string
	// Sanitize is the policy. Default nil: the built-in rules.
	Sanitize *sanitize.Policy

	// InFlightSlots is how many requests are listed while they are served, in a file of
	// the journal's folder, so that it is known what a process that is killed was doing:
	// see [journalsink.Journal.InFlight]. Only with OutputJournal, and not on Windows.
	// Default 4096, in 1 MiB; -1: no list.
	InFlightSlots int
	// InFlightOnDisk keeps that list on the disk of the folder instead of in /dev/shm:
	// see [journalsink.InFlightOptions].OnDisk. For containers that are restarted on a
	// volume that stays. Default false.
	InFlightOnDisk bool

	// Resource, Txid, Middleware, Outbound, Queue, Ship, Journal and Stdout configure the
	// pieces in full. What they share with the fields above (policy, resource, minter,
	// propagator, MaxBody, clock, OnError) is filled in where they leave it unset.
	// Default nil.
	Resource   *sink.ResourceOptions
	Txid       *txid.Options
	Middleware *middleware.Options
	Outbound   *outbound.Options
	Queue      *sink.QueueOptions
	Ship       *sink.ShipOptions
	Journal    *journalsink.Options
	Stdout     *stdoutsink.Options

	// LogHandler is what [Trail.Logger] writes to beside the trail, and where Open
	// says in one line where entries go. Default text on stderr.
	LogHandler slog.Handler
	// OnError gets what goes wrong in txtrail itself. It may be called by several
	// goroutines at the same time. The queue's worker, each sink's and the journal's writer
	// wait 50 ms for it and then go on; a request or call waits until it returns, where a
	// function of yours has panicked. [Trail.Close] waits for it in its end, for what the
	// sinks, the journal and then the queue have to tell: 1 s each at most, and each no
	// longer than 50 ms beyond its context. Default: a warning through slog, at most one in
	// 10 s of a sort.
	OnError func(error)
	// LookupEnv reads the environment. Default [os.LookupEnv].
	LookupEnv func(string) (string, bool)
	// Now is the clock. Default [time.Now].
	Now func() time.Time

	asleep bool // nothing runs after the response
}

// DefaultDir is the journal's folder where nothing else is said, below the working
// directory. The command looks there too.
const DefaultDir = ".txtrail"

// maxInFlightSlots is what journalsink.InFlightOptions allows.
const maxInFlightSlots = 1 << 16

// fill completes c from the environment and the defaults.
func (c *Config) fill() error {
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	// Now stays nil where it is: the pieces then read the clock by the cheaper way.
	if c.LogHandler == nil {
		c.LogHandler = slog.NewTextHandler(os.Stderr, nil)
	}
	env := c.env
	if c.Dir == "" {
		c.Dir = env("TXTRAIL_DIR")
	}
	if c.Dir == "" {
		c.Dir = DefaultDir
	}
	if strings.ContainsRune(c.Dir, 0) {
		return fmt.Errorf("%w: Dir %q (or TXTRAIL_DIR) holds a NUL byte", ErrConfig, c.Dir)
	}
	if c.Output == OutputAuto {
		c.Output = Output(env("TXTRAIL_OUTPUT"))
	}
	if c.Output == OutputAuto || c.Output == "auto" {
		c.Output = OutputJournal
		if collected(env) {
			c.Output = OutputStdout
		}
	}
	if v := env("TXTRAIL_AWAKE"); !c.Awake && v != "" {
		awake, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("%w: TXTRAIL_AWAKE is %q, want true or false", ErrConfig, v)
		}
		c.Awake = awake
	}
	c.asleep = sleeps(env) && !c.Awake
	switch c.Output {
	case OutputJournal, OutputStdout, OutputNone:
	default:
		return fmt.Errorf("%w: Output (or TXTRAIL_OUTPUT) is %q, want journal, stdout, none or auto", ErrConfig, c.Output)
	}
	if v := env("TXTRAIL_MAX_BODY"); c.MaxBody == 0 && v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < -1 {
			return fmt.Errorf("%w: TXTRAIL_MAX_BODY is %q, want a number of bytes, or -1 for none", ErrConfig, v)
		}
		if c.MaxBody = n; n == 0 {
			c.MaxBody = -1 // whoever writes 0 means none
		}
	}
	if c.MaxBody < -1 || c.MaxBody > entry.MaxBody {
		return fmt.Errorf("%w: MaxBody (or TXTRAIL_MAX_BODY) is %d, want up to %d bytes, or -1 for none", ErrConfig, c.MaxBody, entry.MaxBody)
	}
	if c.InFlightSlots < -1 || c.InFlightSlots > maxInFlightSlots {
		return fmt.Errorf("%w: InFlightSlots is %d, want up to %d, 0 for %d, or -1 for no list", ErrConfig, c.InFlightSlots, maxInFlightSlots, journalsink.DefaultInFlightSlots)
	}
	if v := env("TXTRAIL_ALLOW_HOSTS"); c.AllowHosts == nil && v != "" {
		for h := range strings.SplitSeq(v, ",") {
			if h = strings.TrimSpace(h); h != "" {
				c.AllowHosts = append(c.AllowHosts, h)
			}
		}
	}
	return nil
}

func (c *Config) env(name string) string {
	v, _ := c.LookupEnv(name)
	return v
}

// collected reports whether the platform collects standard output and has no disk to
// write to. App Engine's local server names its service too.
func collected(env func(string) string) bool {
	return env("K_SERVICE") != "" || env("CLOUD_RUN_JOB") != "" || env("GAE_SERVICE") != "" && env("GAE_ENV") != "localdev"
}

// sleeps reports whether the CPU is there only while requests are served.
func sleeps(env func(string) string) bool {
	return env("K_SERVICE") != "" || env("GAE_SERVICE") != "" && env("GAE_ENV") == "standard"
}

// propagator compiles Txid with AllowHosts.
func (c *Config) propagator() (*txid.Propagator, error) {
	var o txid.Options
	if c.Txid != nil {
		o = *c.Txid
	}
	if o.Hosts == nil {
		hosts, err := txid.NewHosts(c.AllowHosts...)
		if err != nil {
			return nil, fmt.Errorf("%w: AllowHosts (or TXTRAIL_ALLOW_HOSTS): %w", ErrConfig, err)
		}
		o.Hosts = hosts
	} else if len(c.AllowHosts) > 0 {
		return nil, fmt.Errorf("%w: AllowHosts (or TXTRAIL_ALLOW_HOSTS) and Txid.Hosts are both set: use one", ErrConfig)
	}
	if o.Minter == nil {
		o.Minter = txid.NewMinter(c.Now)
	}
	return txid.NewPropagator(&o)
}

func (c *Config) resource() sink.ResourceOptions {
	var o sink.ResourceOptions
	if c.Resource != nil {
		o = *c.Resource
	}
	if o.Service == "" {
		o.Service = c.Service
	}
	if o.Version == "" {
		o.Version = c.Version
	}
	if o.Environment == "" {
		o.Environment = c.Environment
	}
	if o.LookupEnv == nil {
		o.LookupEnv = c.LookupEnv
	}
	return o
}
