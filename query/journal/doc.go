// Package journalquery is a [query.Source] of the journal: the folder of files
// that package journalsink writes. It reads while services write, in this or
// other processes, and writes nothing; of locks it tries those of lists of
// requests in flight, to see whose process is dead.
package journalquery
