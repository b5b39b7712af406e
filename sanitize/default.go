package sanitize

import "sync"

// defaultPolicy is what a nil *Policy stands for. It is compiled on first use
// and never changed.
var defaultPolicy = sync.OnceValue(func() *Policy {
	p, err := New(nil)
	if err != nil {
		// The default table is covered by tests; were it ever wrong, nothing
		// may come out.
		return failedPolicy()
	}
	return p
})

// failedPolicy hides every body and every value.
func failedPolicy() *Policy {
	rs, _ := newRuleset(&Options{Mode: ModeAllow, MaxDepth: 1, MaxDecoded: 1024, MaxRatio: 1}, nil)
	rs.dropBody = true
	return &Policy{base: rs}
}
