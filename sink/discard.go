package sink

import (
	"context"

	"github.com/txtrail/txtrail/entry"
)

// Discard returns a sink that accepts everything and keeps nothing.
func Discard() Sink { return discard{} }

type discard struct{}

func (discard) Write(ctx context.Context, batch []*entry.Entry) error { return nil }
func (discard) Close(ctx context.Context) error                       { return nil }
