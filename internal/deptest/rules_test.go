package deptest

// module is the path of this module.
const module = "github.com/txtrail/txtrail"

// room is one package of this module and what it may import itself. What those
// imports import in turn has rooms of its own.
type room struct {
	path    string   // below the module; "" is the root
	ours    []string // packages of this module
	modules []string // other modules
	tests   []string // and those that its tests need beside
	std     []string // packages of the standard library that guarded forbids to others
	why     string   // the reason why not more
}

// Groups that recur below. Each is what one kind of package needs and no more.
var (
	facts = []string{"txid", "entry"}
	sinks = []string{"txid", "entry", "sink"}
	// google is what speaks with Google's services.
	google = []string{
		"cloud.google.com/go/logging", "cloud.google.com/go/compute/metadata", "github.com/googleapis/gax-go/v2", "google.golang.org/api",
		"google.golang.org/genproto", "google.golang.org/genproto/googleapis/api", "google.golang.org/genproto/googleapis/rpc", "google.golang.org/grpc", "google.golang.org/protobuf",
	}
)

var rooms = []room{
	{
		path: "txid",
		why:  "any program must be able to forward a txid without taking the rest: the standard library alone",
	},
	{
		path: "entry", ours: []string{"txid"}, std: []string{"unsafe"},
		why: "an entry is data; what masks, stores or shows it depends on it and not the other way round",
	},
	{
		path: "sanitize", modules: []string{"golang.org/x/text", "golang.org/x/net", "github.com/klauspost/compress", "github.com/andybalholm/brotli"}, std: []string{"unsafe"},
		why: "masking is of use without the rest, and must be reviewable alone: it knows texts, not entries",
	},
	{
		path: "sink", ours: []string{"txid", "entry", "sanitize", "internal/report"}, std: []string{"unsafe"},
		why: "the queue sanitizes and seals; where entries go to is behind its interface, so it knows no sink",
	},
	{
		path: "sink/sinktest", ours: sinks, std: []string{"testing"},
		why: "the law of the interface holds for every sink and so knows none",
	},
	{
		path: "sink/journal", ours: append([]string{"internal/blackbox", "internal/report"}, sinks...), modules: []string{"github.com/klauspost/compress", "golang.org/x/sys"}, std: []string{"unsafe"},
		why: "a leaf: it could have a go.mod of its own; x/sys for disk space and file locks",
	},
	{
		path: "sink/stdout", ours: append([]string{"internal/split"}, sinks...),
		why: "a leaf: it could have a go.mod of its own",
	},
	{
		path: "sink/cloudlogging", ours: append([]string{"internal/split"}, sinks...), modules: google,
		why: "a leaf: only it compiles grpc and Google's client; it could have a go.mod of its own",
	},
	{
		path: "sink/cloudlogging/highlevel", ours: append([]string{"sink/cloudlogging"}, sinks...), modules: google,
		why: "what it makes of entries is made by the package above; beside it only it compiles the high-level client",
	},
	{
		path: "bridge/slogtx", ours: sinks,
		why: "a leaf: it could have a go.mod of its own",
	},
	{
		path: "middleware", ours: append([]string{"internal/capture", "internal/report", "internal/tcpsent"}, sinks...),
		why: "on the request path there is capture and an enqueue: nothing that sanitizes, stores or shows",
	},
	{
		path: "middleware/conformance", std: []string{"log", "testing"},
		why: "what net/http promises holds for any middleware: a suite that knows none, so that others can be run through it",
	},
	{
		path: "outbound", ours: append([]string{"internal/capture", "internal/report"}, sinks...),
		why: "on the call's path there is capture and an enqueue; and it serves programs that have no server",
	},
	{
		path: "query", ours: append([]string{"internal/human"}, facts...),
		why: "gives the same answers from every place entries live in, so it knows none of them",
	},
	{
		path: "query/querytest", ours: append([]string{"query"}, facts...), std: []string{"testing"},
		why: "the law of a Source holds for every source and so knows none",
	},
	{
		path: "query/journal", ours: append([]string{"query", "sink/journal"}, facts...),
		why: "a leaf; a format's reader lives beside its writer, so this one takes the journal's",
	},
	{
		path: "query/cloudlogging", ours: append([]string{"query", "sink/cloudlogging"}, facts...), modules: google,
		why: "a leaf; what the sink made of an entry only its package can take apart",
	},
	{
		path: "", ours: append([]string{"sanitize", "middleware", "outbound", "sink/journal", "sink/stdout", "bridge/slogtx", "internal/report"}, sinks...),
		why: "the front door takes sinks from its user; it knows those that need neither an account nor an SDK, and slog, which is standard",
	},
	{
		path: "internal/capture", ours: sinks,
		why: "what the server's and the client's side share on the path; it knows neither",
	},
	{
		path: "internal/report",
		why:  "who is told when something is wrong in this library; below everything",
	},
	{
		path: "internal/tcpsent", modules: []string{"golang.org/x/sys"},
		why: "one question to the kernel; below everything",
	},
	{
		path: "internal/blackbox", ours: sinks, modules: []string{"golang.org/x/sys"}, std: []string{"unsafe"},
		why: "a table that is mapped into memory, and what is in the dead one's; x/sys to map and lock it",
	},
	{
		path: "internal/split", ours: facts,
		why: "what sinks with a limit share, below them all",
	},
	{
		path: "internal/human", modules: []string{"golang.org/x/text"},
		why: "how figures and paths are written for people; below everything; x/text knows which letters look alike",
	},
	{
		path: "internal/render", ours: append([]string{"query", "internal/human"}, facts...), modules: []string{"github.com/charmbracelet/x/ansi"},
		why: "shows what a query answered, wherever that came from; x/ansi for the width of Korean text",
	},
	{
		path: "internal/redact", ours: []string{"sanitize"}, modules: []string{"go.yaml.in/yaml/v3"},
		why: "tries a policy on samples with the library's own code, and needs no entries for it; YAML stays out of the library",
	},
	{
		path: "internal/gcltest", modules: google,
		why: "stands for Google's service in tests, so it knows its protocol and nothing of ours",
	},
	{
		path: "internal/gcltest/cmd", ours: []string{"internal/gcltest"}, std: []string{"flag"},
		why: "starts the test service by hand",
	},
	{
		path: "internal/deptest",
		why:  "tests the others by their lists and depends on none",
	},
	{
		path: "cmd/txtrail", ours: append([]string{"query", "query/journal", "query/cloudlogging", "sink", "sink/journal", "sink/cloudlogging", "internal/human", "internal/redact", "internal/render", "sanitize"}, facts...),
		modules: []string{"github.com/alecthomas/kong", "github.com/charmbracelet/x/ansi", "golang.org/x/term"}, tests: google, std: []string{"os/exec"},
		why: "the command reads, and ships what dead services left; it knows sources, sinks and how to show them, and nothing of how services record",
	},
	{
		path: "examples/webview", ours: append([]string{"", "middleware", "outbound", "sink/journal", "sink/cloudlogging", "query", "query/journal", "internal/render"}, sinks...),
		modules: []string{"github.com/klauspost/compress"}, std: []string{"flag", "os/exec"},
		why: "shows how a user adopts the whole: the front door, and a look at what it recorded, closed files too",
	},
}

// light lists the packages that services import, and modules all that such a
// service may have to compile for them, directly or not.
var light = struct {
	packages, modules []string
	why               string
}{
	packages: []string{"", "middleware", "outbound", "txid", "entry", "sanitize", "sink", "sink/journal", "sink/stdout", "bridge/slogtx"},
	modules:  []string{"golang.org/x/text", "golang.org/x/net", "golang.org/x/sys", "github.com/klauspost/compress", "github.com/andybalholm/brotli"},
	why:      "who adopts the library compiles no more than decoders, character sets and system calls",
}

// heavy lists what must not reach the light packages, by import path or the
// beginning of one. It repeats light in other words: the reason for each, for
// whoever wants to add it there.
var heavy = map[string]string{
	"google.golang.org/grpc":       "25 MB of binary for a service that may never talk to Google: belongs in a leaf",
	"google.golang.org/protobuf":   "comes with grpc: belongs in a leaf",
	"cloud.google.com/go":          "Cloud Logging and BigQuery are leaves: sink/cloudlogging, sink/bigquery",
	"github.com/getsentry":         "10 MB, and global state: belongs in sink/sentry",
	"go.opentelemetry.io":          "a tracer is the user's choice and version: belongs in bridge/oteltx and sink/otlp",
	"go.uber.org/zap":              "a logger is the user's choice: belongs in bridge/zaptx",
	"github.com/alecthomas/kong":   "flags are the command's",
	"github.com/charmbracelet":     "terminals are the command's",
	"golang.org/x/term":            "terminals are the command's",
	"go.yaml.in/yaml":              "policy files in YAML are the command's",
	"gopkg.in/yaml.v3":             "policy files in YAML are the command's",
	"github.com/google/go-cmp":     "for tests only: it panics where it is in doubt",
	"go.uber.org/goleak":           "for tests only",
	"github.com/rogpeppe":          "for tests only",
	"github.com/gin-gonic/gin":     "frameworks have adapters with go.mod files of their own",
	"github.com/labstack/echo":     "frameworks have adapters with go.mod files of their own",
	"github.com/go-chi/chi":        "frameworks have adapters with go.mod files of their own",
	"github.com/gofiber/fiber":     "frameworks have adapters with go.mod files of their own",
	"github.com/prometheus":        "figures are in Stats; how they are exported is the user's choice",
	"github.com/sirupsen/logrus":   "a logger is the user's choice",
	"github.com/mattn/go-sqlite3":  "no cgo",
	"github.com/stretchr/testify":  "tests compare with go-cmp",
	"github.com/golang/protobuf":   "comes with grpc: belongs in a leaf",
	"google.golang.org/api":        "comes with Google's clients: belongs in a leaf",
	"google.golang.org/genproto":   "comes with Google's clients: belongs in a leaf",
	"github.com/googleapis/gax-go": "comes with Google's clients: belongs in a leaf",
}

// tests lists the modules that only tests may import, beside what their package may.
var tests = []string{"github.com/google/go-cmp", "go.uber.org/goleak", "github.com/rogpeppe/go-internal"}

// guarded lists packages of the standard library that a room must name to import.
var guarded = map[string]string{
	"C":              "no cgo: the module must cross-compile",
	"expvar":         "its import adds a handler to http.DefaultServeMux",
	"net/http/pprof": "its import adds handlers to http.DefaultServeMux",
	"log":            "nothing logs behind the user's back; and log/slog is the language of this module",
	"flag":           "a library has no flags; the command's are kong's",
	"testing":        "its import adds weight, and flags, to every program; only suites for others' tests need it",
	"os/exec":        "a library starts no programs",
	"plugin":         "needs cgo",
	"unsafe":         "only where a copy would cost what the package is for: the queue's pool keeps slices, the sanitizer and the journal read strings as bytes, the encoder writes eight bytes at a time",
	"math/rand":      "math/rand/v2 is unpredictable from outside without seeding",
}
