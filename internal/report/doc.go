// Package report is how the packages of this library tell that something is wrong with
// it: what they do when a function that they were given panics, and what OnError is where
// none is given. It is the same, in the same words, everywhere.
package report
