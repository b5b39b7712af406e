// Package blackbox keeps the list of the requests that a process is serving in a file
// that is mapped into its memory. What is written there is the kernel's at once: when
// the process is killed, the list stays, and whoever finds the file writes down what
// the dead was doing.
//
// A process is dead when nobody holds the lock of its file; process numbers play no
// part. A slot of the table is written by plain stores, its state word last, so that
// at any moment it is in use as a whole or not at all.
//
// A table survives the death of its process, however sudden. It is not forced to the
// disk: what a machine that lost its power was doing may be missing.
package blackbox
