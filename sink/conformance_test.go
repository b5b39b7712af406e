package sink_test

import (
	"context"
	"errors"
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/sink"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestFanoutConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		a, b := &sinktest.Memory{}, &sinktest.Memory{}
		return sinktest.Harness{
			Sink: sink.Fanout(a, nil, b),
			Stored: func() ([]*entry.Entry, error) {
				if len(a.Entries()) != len(b.Entries()) {
					return nil, errors.New("the two sinks do not hold the same")
				}
				return b.Stored()
			},
		}
	})
}

func TestFilterConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		m := &sinktest.Memory{}
		return sinktest.Harness{Sink: sink.Filter(m, func(*entry.Entry) bool { return true }), Stored: m.Stored}
	})
}

func TestFilterOfFanoutConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		m := &sinktest.Memory{}
		none := sink.Filter(&sinktest.Memory{}, func(*entry.Entry) bool { return false })
		return sinktest.Harness{
			Sink:   sink.Filter(sink.Fanout(none, m), func(e *entry.Entry) bool { return e.Kind != "" || !e.Sealed() }),
			Stored: m.Stored,
		}
	})
}

func TestFanoutCollapses(t *testing.T) {
	m := &sinktest.Memory{}
	if got := sink.Fanout(nil, m); got != sink.Sink(m) {
		t.Errorf("Fanout of one sink is %T, want that sink itself", got)
	}
	if err := sink.Fanout().Write(context.Background(), sinktest.Samples(0, 2)); err != nil {
		t.Errorf("Fanout of nothing: %v", err)
	}
	if got := sink.Filter(m, nil); got != sink.Sink(m) {
		t.Errorf("Filter without a function is %T, want that sink itself", got)
	}
}
