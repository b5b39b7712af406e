// Package cloudloggingquery reads entries back from Google Cloud Logging, and gives
// the same answers as any other query.Source.
//
// Reading is what Cloud Logging is short of: entries.list takes 60 requests a minute
// for a whole project, and no quota raises that. So a page is as large as it can be,
// an answer is kept for a moment, a read beyond the budget waits its turn and says so
// (Options.OnWait), and following goes through a stream of its own, which costs none.
//
// A filter is translated into the Logging query language so that the service leaves
// out what can not match; what comes back is matched once more here, where the rules
// of query.Filter are. Parts of split entries are joined.
package cloudloggingquery
