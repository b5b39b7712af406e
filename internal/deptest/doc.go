// Package deptest holds the arrows between the packages of this module as a test:
// what each may import, and why not more. Dependencies are tested, not promised.
//
// The table is in rules_test.go. A package that is not in it fails the test, so
// that nobody adds one without saying where it stands.
package deptest
