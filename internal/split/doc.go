// Package split cuts an entry that is too large for where it goes into numbered
// parts, each an entry of the same shape: for a service that takes 256 KiB at a time,
// and for container runtimes that cut lines at 16.
//
// The first part has all that an entry is found by. Of the large fields (lists,
// stack, bodies) each part has a piece, and [Append] makes the field whole again from
// the pieces in their order: headers are dealt out first, then labels and attributes,
// the stack, and the bodies last. Small fields that are too much together (addresses,
// messages) are dealt out as well.
package split
