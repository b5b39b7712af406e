//go:build !unix && !windows

package journalsink

func isFull(error) bool { return false }
