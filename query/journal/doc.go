// Package journalquery is a [query.Source] of the journal: the folder of files
// that package journalsink writes. It reads while services write, in this or
// other processes, and never writes or locks.
package journalquery
