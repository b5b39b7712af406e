// Package journalsink keeps entries in a folder of plain files: the default store
// of a process that has a disk, and the spool from which entries are shipped.
//
// The file being written is ordinary NDJSON (tail -f and jq work on it): each line
// is the entry's canonical line with a checksum as its last member. A file that is
// full or old enough is compressed to a .jsonl.zst of independent zstd frames
// (zstdcat works on it) with columns for filters and an index of its txids at the end;
// many small ones are merged. The format is
// written down byte by byte in docs/journal.md.
//
// One process writes one file, and holds an advisory lock on it as long as it
// lives: several services share a folder without waiting for each other, and a file
// whose lock is free belongs to a dead writer and is adopted by the next one.
// Readers ([OpenReader]) may run in any process at any time; they never write and
// never lock.
//
// A journal always opens: what is damaged, foreign or from another version costs
// the line or the block that it hit, and is counted and said ([Damage]). The folder
// is capped: 1 GiB, and a tenth of the disk kept free, unless told otherwise.
package journalsink
