package entry

// Detail is how much is kept of what an entry tells.
type Detail uint8

// The details, from least to most.
const (
	DetailNone  Detail = iota // nothing: it is counted in the queue's Stats as declined
	DetailBrief               // everything but the bodies' content
	DetailFull                // everything
)
