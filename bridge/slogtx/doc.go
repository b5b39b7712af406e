// Package slogtx connects log/slog with the trail: a [Handler] adds the
// transaction ID to what another handler writes, and enqueues each line as an
// entry of its own, so that the story of a transaction has the application's log
// lines in it.
//
//	h, err := slogtx.New(slog.NewJSONHandler(os.Stderr, nil), queue, nil)
//	…
//	logger := slog.New(h)
//	logger.InfoContext(r.Context(), "payment accepted", "order", order.ID)
//
// The ID is taken from the context of the call (txid.FromContext): use the
// methods that take one.
package slogtx
