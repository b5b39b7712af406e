// Package stdoutsink writes each entry as one line of JSON to a stream: standard
// output, where the agents of GKE, Cloud Run and other container platforms pick
// it up.
//
// The line is the entry's canonical one, which is at the same time the
// structured-logging line that Google's agents read; the trace gets the name of its
// project, and behind it stands what a query behind an agent needs: the user's labels
// as a list, and without a txid the operation's producer. Container runtimes cut lines at 16 KiB, which would leave no JSON: an entry
// that is longer takes several lines. Each is an entry of the same shape with a piece
// of the large fields, and says by its member split which piece it is;
// query/cloudlogging puts them together.
package stdoutsink
