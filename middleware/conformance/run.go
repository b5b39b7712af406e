package conformance

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Middleware is what is examined.
type Middleware = func(http.Handler) http.Handler

// Case is one rule.
type Case struct {
	// Group is what the rule is about, "streaming" for example.
	Group string
	// Name is the rule in a few words.
	Name string
	// Reason says what breaks where the rule does not hold.
	Reason string

	over  []protocol
	check func(c *checker)
}

// Run runs every case on wrap, each in a subtest of its own, named
// protocol/case. wrap is called once for each server that is started.
func Run(t *testing.T, wrap func(http.Handler) http.Handler) {
	t.Helper()
	RunExcept(t, wrap, nil)
}

// RunExcept is Run without the cases named in except, each with the reason why it
// can not hold: a web framework that copies the request breaks some with or without
// the middleware that is examined. A name that is no case fails the test.
func RunExcept(t *testing.T, wrap func(http.Handler) http.Handler, except map[string]string) {
	t.Helper()
	if wrap == nil {
		t.Fatal("conformance: Run needs a middleware, got nil")
	}
	cases := Cases()
	if name := unknown(except, func(name string) bool {
		return slices.ContainsFunc(cases, func(k Case) bool { return k.Name == name })
	}); name != "" {
		t.Fatalf("conformance: there is no case %q to leave out", name)
	}
	for _, p := range allProtocols {
		t.Run(string(p), func(t *testing.T) {
			for _, k := range cases {
				if _, out := except[k.Name]; out || !k.runsOver(p) {
					continue
				}
				t.Run(k.Name, func(t *testing.T) {
					t.Parallel()
					k.run(t, p, DefaultPatience, wrap)
				})
			}
		})
	}
}

// unknown returns the first name in except that is no case's: one that was misspelled
// would leave nothing out.
func unknown(except map[string]string, known func(name string) bool) string {
	for _, name := range slices.Sorted(maps.Keys(except)) {
		if !known(name) {
			return name
		}
	}
	return ""
}

// Cases returns all cases, for those who want to list them.
func Cases() []Case {
	var all []Case
	for _, group := range []struct {
		name  string
		cases []Case
	}{
		{"response", responseCases()},
		{"1xx and Expect", informationalCases()},
		{"streaming", streamingCases()},
		{"interfaces", interfaceCases()},
		{"files", fileCases()},
		{"request body", requestBodyCases()},
		{"request", requestCases()},
		{"limits", limitCases()},
		{"panics", panicCases()},
		{"connections", connectionCases()},
		{"composition", compositionCases()},
	} {
		for _, k := range group.cases {
			k.Group = group.name
			all = append(all, k)
		}
	}
	return all
}

func (k Case) runsOver(p protocol) bool {
	if k.over == nil {
		return true
	}
	for _, o := range k.over {
		if o == p {
			return true
		}
	}
	return false
}

// reporter is what a case needs of a [testing.T].
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
	TempDir() string
	Context() context.Context
}

func (k Case) run(t reporter, p protocol, patience time.Duration, wrap Middleware) {
	t.Helper()
	k.check(&checker{reporter: t, reason: k.Reason, proto: p, patience: patience, wrap: wrap})
}

// checker is one case being run.
type checker struct {
	reporter
	reason   string
	proto    protocol
	patience time.Duration
	wrap     Middleware
}

// Errorf reports a failure with the rule's reason.
func (c *checker) Errorf(format string, args ...any) {
	c.Helper()
	c.reporter.Errorf("%s\nThe rule: %s", fmt.Sprintf(format, args...), c.reason)
}

// Fatalf is Errorf and ends the case.
func (c *checker) Fatalf(format string, args ...any) {
	c.Helper()
	c.reporter.Fatalf("%s\nThe rule: %s", fmt.Sprintf(format, args...), c.reason)
}

// must ends the case with an error that nothing is to be learned from.
func (c *checker) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%v", err)
	}
}

// await waits for ch, or ends the case.
func await[T any](c *checker, ch <-chan T, what string) T {
	c.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(c.patience):
		c.Fatalf("%s did not come within %v", what, c.patience)
		panic("unreachable") // Fatalf does not return
	}
}
