package deptest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The arrows of the module as it is.
func TestArrows(t *testing.T) {
	const root = "../.."
	if err := touch(root); err != nil {
		t.Fatal(err)
	}
	g, err := list(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range check(g) {
		t.Error(fault)
	}
}

// house builds a graph that keeps every rule: each room with all it may import.
func house() graph {
	g := graph{}
	foreign := func(path, mod string) string {
		g[path] = &pkg{path: path, module: mod}
		return path
	}
	for _, m := range slices.Concat(tests, slices.Sorted(maps.Keys(heavy))) {
		foreign(m, m)
	}
	for _, p := range append(slices.Sorted(maps.Keys(guarded)), "fmt", "net/http") {
		if p != "C" {
			foreign(p, "")
		}
	}
	for _, r := range rooms {
		p := &pkg{path: above(r.path), module: module, imports: append([]string{"fmt"}, r.std...)}
		for _, o := range r.ours {
			p.imports = append(p.imports, above(o))
		}
		for _, m := range r.modules {
			p.imports = append(p.imports, foreign(m, m))
		}
		g[p.path] = p
	}
	return g
}

// Every rule can be broken, and says so with its reason.
func TestCheck(t *testing.T) {
	imports := func(from string, to ...string) func(graph) {
		return func(g graph) { g[above(from)].imports = append(g[above(from)].imports, to...) }
	}
	ours := func(from, to string) func(graph) { return imports(from, above(to)) }
	test := func(from, to string) func(graph) {
		return func(g graph) { g[above(from)].testImports = append(g[above(from)].testImports, to) }
	}
	for _, tc := range []struct {
		name   string
		change func(graph)
		want   []string // the beginning of each fault
	}{
		{"as it should be", func(graph) {}, nil},
		{"one more of the standard library", imports("txid", "net/http"), nil},
		{"txid imports ours", ours("txid", "entry"), []string{"txid imports entry: not on its list: any program"}},
		{"entry imports a sink", ours("entry", "sink"), []string{"entry imports sink: not on its list: an entry is data"}},
		{"the sanitizer knows entries", ours("sanitize", "entry"), []string{"sanitize imports entry: not on its list: masking"}},
		{"a capture sanitizes", ours("middleware", "sanitize"), []string{"middleware imports sanitize: not on its list: on the request path"}},
		{"the two sides know each other", ours("outbound", "middleware"), []string{"outbound imports middleware: not on its list: on the call's path"}},
		{"a leaf imports a leaf", ours("sink/stdout", "sink/journal"), []string{"sink/stdout imports sink/journal: no arrows between leaves"}},
		{"a bridge imports a sink", ours("bridge/slogtx", "sink/stdout"), []string{"bridge/slogtx imports sink/stdout: no arrows between leaves"}},
		{"a source imports another sink", ours("query/journal", "sink/stdout"), []string{"query/journal imports sink/stdout: no arrows between leaves"}},
		{"a sink imports its source", ours("sink/journal", "query/journal"), []string{"sink/journal imports query/journal: no arrows between leaves"}},
		{"a leaf imports one within it", ours("sink/cloudlogging", "sink/cloudlogging/highlevel"), []string{"sink/cloudlogging imports sink/cloudlogging/highlevel: no arrows between leaves"}},
		{"the queue imports a sink", ours("sink", "sink/journal"), []string{"sink imports sink/journal: arrows go from the leaves"}},
		{"query imports a source", ours("query", "query/journal"), []string{"query imports query/journal: arrows go from the leaves"}},
		{"middleware imports a sink", ours("middleware", "sink/journal"), []string{"middleware imports sink/journal: arrows go from the leaves"}},
		{"a library imports the front door", ours("middleware", ""), []string{"middleware imports the root package: the front door is on top"}},
		{"the root queries", ours("", "query"), []string{"the root package imports query: not on its list: the front door"}},
		{"something imports the command", ours("examples/webview", "cmd/txtrail"), []string{"examples/webview imports cmd/txtrail: nothing imports a command"}},
		{"something imports an example", ours("cmd/txtrail", "examples/webview"), []string{"cmd/txtrail imports examples/webview: nothing imports an example"}},
		{"the command records", ours("cmd/txtrail", "middleware"), []string{"cmd/txtrail imports middleware: not on its list: the command reads"}},
		{"a suite knows what it tests", ours("middleware/conformance", "middleware"), []string{"middleware/conformance imports middleware: not on its list: what net/http"}},
		{"txid takes a module", imports("txid", "golang.org/x/text"), []string{"txid imports golang.org/x/text: module golang.org/x/text is not on its list: any program"}},
		{"a leaf takes a module", imports("sink/stdout", "go.uber.org/zap"), []string{
			"sink/stdout imports go.uber.org/zap: module go.uber.org/zap is not on its list: a leaf",
			"the root package needs module go.uber.org/zap (github.com/txtrail/txtrail → github.com/txtrail/txtrail/sink/stdout → go.uber.org/zap): a logger is the user's choice",
			"sink/stdout needs module go.uber.org/zap (github.com/txtrail/txtrail/sink/stdout → go.uber.org/zap): a logger is",
		}},
		{
			"a module brings another with it",
			func(g graph) {
				g["github.com/klauspost/compress"].imports = []string{"google.golang.org/grpc"}
			},
			[]string{
				"the root package needs module google.golang.org/grpc (", "middleware needs module google.golang.org/grpc (", "outbound needs module google.golang.org/grpc (",
				"sanitize needs module google.golang.org/grpc (github.com/txtrail/txtrail/sanitize → github.com/klauspost/compress → google.golang.org/grpc): 25 MB",
				"sink needs module google.golang.org/grpc (", "sink/journal needs module google.golang.org/grpc (", "sink/stdout needs module google.golang.org/grpc (",
				"bridge/slogtx needs module google.golang.org/grpc (",
			},
		},
		{"cgo", imports("sink/journal", "C"), []string{"sink/journal imports C: no cgo"}},
		{"a guarded package", imports("outbound", "net/http/pprof"), []string{"outbound imports net/http/pprof: its import adds handlers"}},
		{"unsafe where it is not named", imports("query", "unsafe"), []string{"query imports unsafe: only where"}},
		{"a package without a room", func(g graph) {
			g[above("sink/new")] = &pkg{path: above("sink/new"), module: module}
		}, []string{"sink/new is not in the table of rooms: add it"}},
		{"a room without a package", func(g graph) { delete(g, above("cmd/txtrail")) }, []string{"cmd/txtrail is in the table of rooms but does not exist"}},
		{"an import that is not listed", imports("txid", "example.com/x"), []string{"txid imports example.com/x: not in the list of packages"}},
		{"a test joins what packages must not", test("txid", above("sink/journal")), nil},
		{"a test takes a test's module", test("txid", "github.com/google/go-cmp"), nil},
		{"a test takes another module", test("txid", "github.com/stretchr/testify"), []string{"a test of txid imports github.com/stretchr/testify: module github.com/stretchr/testify is not one"}},
		{"a test imports a program", test("query", above("examples/webview")), []string{"a test of query imports examples/webview: nothing imports a program"}},
		{"a program's own outside test", test("examples/webview", above("examples/webview")), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := house()
			tc.change(g)
			got := check(g)
			for i := range got {
				if i < len(tc.want) && strings.HasPrefix(got[i], tc.want[i]) {
					got[i] = tc.want[i]
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Each forbidden module is found with its own reason, wherever it comes in.
func TestHeavy(t *testing.T) {
	for path, why := range heavy {
		g := house()
		g[above("middleware")].imports = append(g[above("middleware")].imports, path)
		if all := strings.Join(check(g), "\n"); !strings.Contains(all, "middleware needs module "+path) || !strings.Contains(all, why) {
			t.Errorf("%s: %s", path, all)
		}
	}
}
