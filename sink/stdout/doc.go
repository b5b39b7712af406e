// Package stdoutsink writes each entry as one line of JSON to a stream: standard
// output, where the agents of GKE, Cloud Run and other container platforms pick
// it up.
//
// The line is the entry's canonical one, which is at the same time the
// structured-logging line that Google's agents read. A line that a container
// runtime would cut is shortened instead, so that it stays JSON.
package stdoutsink
