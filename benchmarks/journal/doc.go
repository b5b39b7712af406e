// Command journal fills a journal with entries of about 1.7 KB and asks it what people
// ask: a txid, the last five minutes by route, the failures of one user on one day;
// while another process writes into the same folder. Beside it stands SQLite (the
// modernc port, so that neither needs cgo) with a row per entry and an index of the
// txids.
//
//	go run -C benchmarks ./journal -entries 10000000   # some minutes, 2 to 4 GB
//	go run -C benchmarks ./journal                     # half a million, seconds
//
// The entries are spread over three days, but the last 150,000 over the last five
// minutes. Bodies, paths, users and ids differ as they do in a service: what compresses
// well in a benchmark that repeats itself does not in life. Some transactions have
// entries on two days.
//
// Figures are wall-clock times, of a machine that may be busy with other things, and
// CPU times of the process beside them. "cold" needs root: it drops the page cache.
package main
