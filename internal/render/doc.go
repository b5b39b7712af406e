// Package render shows stories and entries to people on a terminal, and to
// programs as JSON.
//
// All that was logged is hostile: [Escape] goes over every logged string before
// it is printed, and columns are measured as a terminal shows them, so that
// Korean text stands in line. Colour only repeats what the text says.
package render
