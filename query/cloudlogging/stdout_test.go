package cloudloggingquery_test

import (
	"bytes"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	stdoutsink "github.com/txtrail/txtrail/sink/stdout"
)

// byAgent writes entries to standard output, from where an agent takes them.
func byAgent(t testing.TB, w *world, labels map[string]string, es ...*entry.Entry) {
	t.Helper()
	var out bytes.Buffer
	s, err := stdoutsink.New(&out, &stdoutsink.Options{ProjectID: "shop-test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), es); err != nil {
		t.Fatal(err)
	}
	for l := range bytes.Lines(out.Bytes()) {
		le, err := gcltest.Agent(l, "projects/shop-test/logs/run.googleapis.com%2Fstdout")
		if err != nil {
			t.Fatal(err)
		}
		if le.Labels == nil {
			le.Labels = map[string]string{}
		}
		for k, v := range labels {
			le.Labels[k] = v
		}
		w.srv.Put(le)
	}
}

// What belongs to no scenario is found behind an agent as well: that entries were lost,
// that a process was killed, a line outside of requests.
func TestAgentWithoutTxid(t *testing.T) {
	w := open(t)
	none := func(kind entry.Kind) func(e *entry.Entry) {
		return func(e *entry.Entry) { e.TxID, e.Kind = "", kind }
	}
	byAgent(t, w, nil,
		line(t, 0, none(entry.KindGap), func(e *entry.Entry) { e.Gap = &entry.Gap{Count: 7, Reason: "full"} }),
		line(t, 1, none(entry.KindCrash)), line(t, 2, none(entry.KindLog)), line(t, 3))
	r, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || len(r.Entries) != 4 || r.Entries[0].Gap == nil || r.Entries[0].Gap.Count != 7 {
		t.Errorf("%d entries, %v", len(r.Entries), err)
	}
	if r, err = w.src.Find(t.Context(), query.Filter{Failed: true}); err != nil || len(r.Entries) != 2 {
		t.Errorf("%d that failed, %v", len(r.Entries), err)
	}
}

// Labels that the platform adds are not the user's, and the user's are read in their
// order.
func TestAgentLabels(t *testing.T) {
	w := open(t)
	want := line(t, 0, func(e *entry.Entry) {
		e.Labels = []entry.Label{{Name: "tenant", Value: "kr"}, {Name: "instanceId", Value: "mine"}, {Name: "k8s-pod/app", Value: "too"}, {Name: "a", Value: "1"}}
	})
	bare := line(t, 1)
	byAgent(t, w, map[string]string{"commit-sha": "6d62737", "managed-by": "gcp-cloud-build", "instanceId": "0087244a80"}, want, bare)
	r, err := w.src.Find(t.Context(), query.Filter{})
	if err != nil || len(r.Entries) != 2 {
		t.Fatal(r, err)
	}
	for i, e := range []*entry.Entry{want, bare} {
		if got, want := string(r.Entries[i].Line()), string(e.Line()); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
	}
}
