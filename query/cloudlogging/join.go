package cloudloggingquery

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/protobuf/proto"

	"github.com/txtrail/txtrail/entry"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// joiner collects the parts of split entries until they are all there.
type joiner struct {
	parts map[string]map[splitting]map[int]*loggingpb.LogEntry // by uid, how it was split, and number
	done  map[string]bool                                      // uids that were joined
	bytes int                                                  // of parts
}

// splitting is one way in which an entry was split. There may be several: one by the sink and
// one by an agent that cuts at a line's length, or another after a new version. A part of
// one is none of the other.
type splitting struct {
	log   string
	total int
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
		j.parts, j.done = map[string]map[splitting]map[int]*loggingpb.LogEntry{}, map[string]bool{}
	}
	ways := j.parts[p.UID]
	if ways == nil {
		ways = map[splitting]map[int]*loggingpb.LogEntry{}
		j.parts[p.UID] = ways
	}
	way := splitting{le.GetLogName(), p.Total}
	have := ways[way]
	if have == nil {
		have = map[int]*loggingpb.LogEntry{}
		ways[way] = have
	}
	if have[p.Index] == nil {
		j.bytes += proto.Size(le)
	}
	have[p.Index] = le
	if len(have) < p.Total {
		return nil, nil //nolint:nilnil // not yet
	}
	j.end(p.UID)
	e, _, err := cloudloggingsink.Join(slices.Collect(maps.Values(have)))
	return e, err
}

// end forgets the parts of a uid, and that there was one.
func (j *joiner) end(uid string) {
	for _, have := range j.parts[uid] {
		for _, le := range have {
			j.bytes -= proto.Size(le)
		}
	}
	delete(j.parts, uid)
	j.done[uid] = true
}

// uids are those with parts missing.
func (j *joiner) uids() []string { return slices.Sorted(maps.Keys(j.parts)) }

// span is when the parts of these were written.
func (j *joiner) span(uids []string) (from, to time.Time) {
	for _, uid := range uids {
		for _, have := range j.parts[uid] {
			for _, le := range have {
				t := le.GetTimestamp().AsTime()
				if from.IsZero() || t.Before(from) {
					from = t
				}
				if t.After(to) {
					to = t
				}
			}
		}
	}
	return from, to
}

// incomplete yields what there is of those of the uids that have parts missing, each with an
// error that says so, and why that may be.
func (j *joiner) incomplete(uids []string, why string) iter.Seq2[*entry.Entry, error] {
	return func(yield func(*entry.Entry, error) bool) {
		for _, uid := range uids {
			ways := j.parts[uid]
			if ways == nil {
				continue // complete meanwhile
			}
			var all []*loggingpb.LogEntry
			for _, have := range ways {
				all = slices.AppendSeq(all, maps.Values(have))
			}
			e, missing, err := cloudloggingsink.Join(all)
			j.end(uid)
			if err == nil {
				err = fmt.Errorf("cloudloggingquery: %d parts of the entry with insertId %.80q are missing: %s", missing, uid, why)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
