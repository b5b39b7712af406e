// Package cputime reads the clocks by which costs are measured: the time that a
// thread or the process has run, which other programs on the machine do not stretch
// as they do the time that went by. Linux only, elsewhere both return an error.
package cputime
