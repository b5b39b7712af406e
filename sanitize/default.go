package sanitize

import (
	"sync"
)

// defaultPolicy is what a nil *Policy stands for. It is compiled on first use
// and never changed.
var defaultPolicy = sync.OnceValue(func() *Policy {
	p, err := New(nil)
	if err != nil {
		// No error can come from the default table, which the tests compile;
		// were it ever wrong, nothing may come out: a ruleset without rules
		// makes every call a fault, and a fault is a refusal.
		rs := &ruleset{dropBody: true}
		rs.pool.New = func() any { return &run{rs: rs} }
		return &Policy{base: rs}
	}
	return p
})
