// Package querytest is the law of query.Source as a test suite, and the entries
// to test readers on: [Sample], a scenario that everyone can read, and [Builder].
//
// A source's own test calls [Run] with a function that makes one; each case says
// in a sentence why the rule exists.
package querytest
