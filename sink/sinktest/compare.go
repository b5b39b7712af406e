package sinktest

import (
	"fmt"
	"slices"

	"github.com/txtrail/txtrail/entry"
)

// compare says in one line how got differs from want.
func compare(got, want []string, unordered bool) error {
	if unordered {
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("stored entry %d is\n%s\nwant\n%s\n(%d stored, want %d)", i, brief(got[i]), brief(want[i]), len(got), len(want))
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d entries stored, want %d", len(got), len(want))
	}
	return nil
}

// brief keeps a failure readable.
func brief(s string) string {
	const limit = 600
	if len(s) > limit {
		return fmt.Sprintf("%q… (%d bytes)", s[:limit], len(s))
	}
	return fmt.Sprintf("%q", s)
}

func insertIDs(batch []*entry.Entry) []string {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.InsertID
	}
	return ids
}

func lines(batch []*entry.Entry) []string {
	ls := make([]string, len(batch))
	for i, e := range batch {
		ls[i] = string(e.Line())
	}
	return ls
}
