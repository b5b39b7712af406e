package deptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pkg is what is known of one package.
type pkg struct {
	path        string
	module      string // "" for the standard library
	imports     []string
	testImports []string // of its tests, inside and outside the package; ours only
}

// graph is the packages of this module and everything that they need, by path.
type graph map[string]*pkg

// ours returns the packages of this module in order.
func (g graph) ours() (ps []*pkg) {
	for _, path := range slices.Sorted(maps.Keys(g)) {
		if g[path].module == module {
			ps = append(ps, g[path])
		}
	}
	return ps
}

// below returns the path below the module, "" for the root.
func below(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

func above(path string) string {
	if path == "" {
		return module
	}
	return module + "/" + path
}

// check returns what the graph does against the rules, in order, each with the
// reason of the rule.
func check(g graph) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	byPath := map[string]*room{}
	for i := range rooms {
		r := &rooms[i]
		if byPath[r.path] != nil {
			fault("%s is in the table of rooms twice", name(r.path))
		}
		byPath[r.path] = r
		if g[above(r.path)] == nil {
			fault("%s is in the table of rooms but does not exist: take it out", name(r.path))
		}
	}
	for _, p := range g.ours() {
		r := byPath[below(p.path)]
		if r == nil {
			fault("%s is not in the table of rooms: add it, with what it may import and why", name(below(p.path)))
			continue
		}
		for _, imp := range p.imports {
			if why := r.forbids(g, imp); why != "" {
				fault("%s imports %s: %s", name(r.path), name(below(imp)), why)
			}
		}
		for _, imp := range p.testImports {
			if why := r.forbidsTest(g, imp); why != "" {
				fault("a test of %s imports %s: %s", name(r.path), name(below(imp)), why)
			}
		}
	}
	return append(faults, checkLight(g)...)
}

func name(path string) string {
	if path == "" {
		return "the root package"
	}
	return path
}

// forbids returns why the room must not import imp, or "".
func (r *room) forbids(g graph, imp string) string {
	to, ok := g[imp]
	switch {
	case !ok && imp != "C":
		return "not in the list of packages: cannot tell what it is"
	case imp == "C" || to.module == "":
		if why := guarded[imp]; why != "" && !slices.Contains(r.std, imp) {
			return why
		}
		return ""
	case to.module != module:
		if !slices.Contains(r.modules, to.module) {
			return "module " + to.module + " is not on its list: " + r.why
		}
		return ""
	}
	if why := structural(r.path, below(imp)); why != "" {
		return why
	}
	if !slices.Contains(r.ours, below(imp)) {
		return "not on its list: " + r.why
	}
	return ""
}

// structural holds the rules that no entry in the table may lift.
func structural(from, to string) string {
	switch {
	case within(to, "cmd"):
		return "nothing imports a command"
	case within(to, "examples"):
		return "nothing imports an example"
	case to == "" && !within(from, "cmd") && !within(from, "examples"):
		return "the front door is on top: only commands and examples import it"
	case leaf(from) && leaf(to) && !within(from, to) && !(within(from, "query") && to == "sink/"+strings.TrimPrefix(from, "query/")):
		return "no arrows between leaves, but from a source to the sink of the same name and from a package to the one that it lies in"
	case !leaf(from) && leaf(to) && (from == "sink" || from == "query" || from == "middleware" || from == "outbound"):
		return "arrows go from the leaves to what they are leaves of"
	}
	return ""
}

func within(path, folder string) bool { return strings.HasPrefix(path, folder+"/") }

// leaf reports whether a package is one of several of its kind: a sink, a source,
// a bridge, an adapter. Suites for tests are not.
func leaf(path string) bool {
	return !strings.HasSuffix(path, "test") &&
		(within(path, "sink") || within(path, "query") || within(path, "bridge") || within(path, "adapter"))
}

// forbidsTest returns why a test must not import imp, or "". Tests may join what
// the packages must not, below the top.
func (r *room) forbidsTest(g graph, imp string) string {
	to, ok := g[imp]
	switch {
	case !ok || to.module == "":
		return ""
	case to.module == module:
		if t := below(imp); within(t, "cmd") || within(t, "examples") && t != r.path {
			return "nothing imports a program"
		}
		return ""
	case !slices.Contains(tests, to.module) && !slices.Contains(r.modules, to.module) && !slices.Contains(r.tests, to.module):
		return "module " + to.module + " is not one that tests may use"
	}
	return ""
}

// checkLight follows the imports of the light packages to their ends.
func checkLight(g graph) (faults []string) {
	for _, start := range light.packages {
		via := map[string]string{above(start): ""}
		todo := []string{above(start)}
		for len(todo) > 0 {
			p := g[todo[0]]
			todo = todo[1:]
			if p == nil {
				continue
			}
			if p.module != "" && p.module != module && !slices.Contains(light.modules, p.module) {
				faults = append(faults, fmt.Sprintf("%s needs module %s (%s): %s", name(start), p.module, chain(via, p.path), reason(p.path)))
				continue // what it needs in turn is its fault too
			}
			for _, imp := range p.imports {
				if _, seen := via[imp]; !seen {
					via[imp] = p.path
					todo = append(todo, imp)
				}
			}
		}
	}
	return faults
}

// reason returns what heavy says of a path, by its longest match, or light's.
func reason(path string) string {
	why, longest := light.why, 0
	for prefix, w := range heavy {
		if len(prefix) > longest && (path == prefix || strings.HasPrefix(path, prefix+"/")) {
			why, longest = w, len(prefix)
		}
	}
	return why
}

// chain returns the imports that lead to path.
func chain(via map[string]string, path string) string {
	steps := []string{path}
	for p := via[path]; p != ""; p = via[p] {
		steps = append(steps, p)
	}
	slices.Reverse(steps)
	return strings.Join(steps, " → ")
}
