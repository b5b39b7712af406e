package txid

import "context"

// Context is a context that carries the Scope lying in it. It is [NewContext] for
// a caller who has a larger allocation to put both into: fill in both fields,
// then pass its address. It must not be changed or copied after that.
type Context struct {
	context.Context
	Scope Scope
}

// Value implements [context.Context].
func (c *Context) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return &c.Scope
	}
	return c.Context.Value(key)
}
