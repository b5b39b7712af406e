package gcltest

import "time"

// The limits of the service (cloud.google.com/logging/quotas, and the comments of
// google/logging/v2/logging.proto).
const (
	MaxEntryBytes   = 256 << 10      // one LogEntry
	MaxRequestBytes = 10 << 20       // one WriteLogEntries request
	MaxLabels       = 64             // labels of one entry
	MaxLabelKey     = 512            // bytes; longer ones are cut, with an ellipsis
	MaxLabelValue   = 64 << 10       // bytes; longer ones are cut, with an ellipsis
	MaxFuture       = 24 * time.Hour // later entries are refused
	MaxFilter       = 20_000         // characters of a filter
	MaxPageSize     = 1000           // entries of one page
	defaultPageSize = 50
	maxPageBytes    = 8 << 20 // a page may be shorter than asked for
	// ReadsPerMinute is the quota of entries.list for one project. It can not be
	// raised.
	ReadsPerMinute = 60
	// MaxTail is how long a session of entries.tail lasts, MaxTails how many a project
	// may have open.
	MaxTail  = time.Hour
	MaxTails = 10
	// Retention is how long the _Default bucket keeps entries.
	Retention = 30 * 24 * time.Hour
)
