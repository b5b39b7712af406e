package query_test

import (
	"fmt"
	"testing"

	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

func dump(s *query.Story) string {
	out := fmt.Sprintf("%s | %s | %v calls=%d failed=%d took=%v\n", s.Sentence(query.English), s.Sentence(query.Korean), s.Services, s.Calls, s.Failed, s.Duration)
	for _, r := range s.Rows {
		out += fmt.Sprintf("%d in=%d d=%d %s %s→%s %s %s +%v %v att=%d fail=%v\n", r.N, r.In, r.Depth, r.Kind, r.From, r.To, r.Call(), r.Outcome(), r.Offset, r.Duration, r.Attempt, r.Failed)
		for _, n := range r.Notes {
			out += "   " + string(n.Code) + ": " + n.Text(query.English) + " / " + n.Text(query.Korean) + "\n"
		}
	}
	return out
}

func TestSample(t *testing.T) {
	s := query.NewStory(querytest.Sample(), nil)
	t.Log(dump(s))
	t.Logf("%+v", s.Header)
}
