package cloudloggingquery

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/txtrail/txtrail/entry"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// joiner collects the parts of split entries until they are all there.
type joiner struct {
	parts map[string]map[int]*loggingpb.LogEntry // by uid and number
	done  map[string]bool                        // uids that were joined
}

// add takes a LogEntry and returns the entry that it is, or completes. Both results
// are nil while parts are missing.
func (j *joiner) add(le *loggingpb.LogEntry) (*entry.Entry, error) {
	p, split := cloudloggingsink.PartOf(le)
	if !split {
		return decode(le)
	}
	if j.done[p.UID] {
		return nil, nil //nolint:nilnil // a part once more
	}
	if j.parts == nil {
		j.parts, j.done = map[string]map[int]*loggingpb.LogEntry{}, map[string]bool{}
	}
	have := j.parts[p.UID]
	if have == nil {
		have = map[int]*loggingpb.LogEntry{}
		j.parts[p.UID] = have
	}
	have[p.Index] = le
	if len(have) < p.Total {
		return nil, nil //nolint:nilnil // not yet
	}
	delete(j.parts, p.UID)
	j.done[p.UID] = true
	e, _, err := cloudloggingsink.Join(slices.Collect(maps.Values(have)))
	return e, err
}

// uids are those with parts missing.
func (j *joiner) uids() []string { return slices.Sorted(maps.Keys(j.parts)) }

// span is when the parts of these were written.
func (j *joiner) span(uids []string) (from, to time.Time) {
	for _, uid := range uids {
		for _, le := range j.parts[uid] {
			t := le.GetTimestamp().AsTime()
			if from.IsZero() || t.Before(from) {
				from = t
			}
			if t.After(to) {
				to = t
			}
		}
	}
	return from, to
}

// incomplete yields what there is of entries with parts missing, each with an error
// that says so.
func (j *joiner) incomplete() iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for _, uid := range j.uids() {
			e, missing, err := cloudloggingsink.Join(slices.Collect(maps.Values(j.parts[uid])))
			delete(j.parts, uid)
			j.done[uid] = true
			if err == nil {
				err = fmt.Errorf("cloudloggingquery: %d parts of the entry with insertId %.80q are missing: still being written, or excluded", missing, uid)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
