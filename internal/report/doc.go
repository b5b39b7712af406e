// Package report is what the packages on a request's path do when a function that they
// were given panics: the request goes on, and one function, OnError, is told, in the
// same words everywhere.
package report
