// Package soak runs a recorded service under a mix of everything for as long as one
// likes, and looks whether anything is left behind: goroutines, file descriptors,
// memory, entries.
//
//	go test ./soak -run TestSoak -v -timeout 0 -args -soak 30m
//	go test ./soak -race -run TestSoak -v -timeout 0 -args -soak 2m -goroutines 200
//
// The load comes in rounds. Between two of them everything is closed that may be, and
// what is still there is counted. The first rounds, in which pools, caches and the
// journal's folder fill up, are not judged; after them goroutines and descriptors must
// be as many each time, and memory must not climb. All of it is in one process, the
// clients too, so that a connection left open shows on either side.
package soak
