package outbound_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A look-up that is given up ends in its own time, 5 s after its question.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net.(*Resolver).goLookupIPCNAMEOrder"), goleak.IgnoreAnyFunction("net.(*Resolver).tryOneName"),
		goleak.IgnoreAnyFunction("net.(*Resolver).lookupIPAddr.func2"))
}
