package sink

import (
	"maps"
	"slices"
)

// MetricKind tells figures that only grow from those that go up and down.
type MetricKind uint8

// The kinds, as OpenTelemetry and Prometheus have them.
const (
	Counter MetricKind = iota
	Gauge
)

// Metric is one figure at one moment.
type Metric struct {
	Name  string // "txtrail_queue_captured_total": a Prometheus name, unit and all
	Help  string // one line
	Kind  MetricKind
	Value float64
	// Labels are name and value in turn: "sink", "cloudlogging:…", "reason", "refused".
	Labels []string
}

// Metered is what can be asked for its figures, when somebody collects them: [Queue],
// [Branch] and [Ship] can. VisitMetrics calls visit for each, always with the same
// names and, for one name, the same label names; it may be called at any time by any
// goroutine, and waits for nothing.
//
// For an OpenTelemetry callback or a Prometheus collector it is a loop's body:
//
//	trail.VisitMetrics(func(m sink.Metric) { o.ObserveFloat64(instruments[m.Name], m.Value, attributes(m.Labels)) })
type Metered interface {
	VisitMetrics(visit func(Metric))
}

var (
	_ Metered = (*Queue)(nil)
	_ Metered = (*Branch)(nil)
	_ Metered = (*Ship)(nil)
)

// VisitMetrics implements [Metered].
func (q *Queue) VisitMetrics(visit func(Metric)) {
	s := q.Stats()
	visitAccount(visit, "txtrail_queue_", &s, queueReasons())
	visit(Metric{Name: "txtrail_queue_declined_total", Help: "Exchanges that a strategy left out.", Value: float64(s.Declined)})
	visit(Metric{Name: "txtrail_queue_unclean_total", Help: "Entries of which something was left out because the sanitizer failed.", Value: float64(s.Unclean)})
	visit(Metric{Name: "txtrail_queue_max_bytes", Help: "Bound of the memory that waiting entries hold.", Kind: Gauge, Value: float64(s.MaxBytes)})
}

// VisitMetrics implements [Metered]: a branch is a queue of its own, so that who has
// several tells them apart by a label of his.
func (b *Branch) VisitMetrics(visit func(Metric)) { b.queue.VisitMetrics(visit) }

// VisitMetrics implements [Metered]. Every figure has the label "sink".
func (h *Ship) VisitMetrics(visit func(Metric)) {
	s := h.Stats()
	s.VisitMetrics(visit)
}

// VisitMetrics visits the figures of an account as [Ship.VisitMetrics] does.
func (s *ShipStats) VisitMetrics(visit func(Metric)) {
	label := []string{"sink", s.Name}
	visitAccount(visit, "txtrail_ship_", &s.Stats, lossNames[:], label...)
	gauge := func(name, help string, v float64) {
		visit(Metric{Name: name, Help: help, Kind: Gauge, Value: v, Labels: label})
	}
	gauge("txtrail_ship_lag_seconds", "Age of the oldest entry that waits.", s.Lag.Seconds())
	gauge("txtrail_ship_circuit_open", "1 while the sink keeps failing.", one(s.Circuit == CircuitOpen))
	gauge("txtrail_ship_attached", "1 if this process ships for the sink.", one(s.Attached))
	gauge("txtrail_ship_standby", "1 if another process ships for the sink. Neither: the spool can not be used.", one(s.Standby))
	gauge("txtrail_ship_unknown", "1 while the spool can not be looked at: more may wait than is said.", one(s.Unknown))
	visit(Metric{Name: "txtrail_ship_dead_letters_total", Help: "Dead letters kept.", Value: float64(s.DeadLetters), Labels: label})
}

// visitAccount visits what a Queue and a Ship have in common.
func visitAccount(visit func(Metric), prefix string, s *Stats, reasons []string, labels ...string) {
	count := func(name, help string, v int64, more ...string) {
		visit(Metric{Name: prefix + name, Help: help, Value: float64(v), Labels: append(labels[:len(labels):len(labels)], more...)})
	}
	count("captured_total", "Entries taken over.", s.Captured)
	count("delivered_total", "Entries the sink accepted.", s.Delivered)
	for _, r := range reasons {
		count("dropped_total", "Entries that will not be delivered.", s.Dropped[r], "reason", r)
	}
	for _, r := range slices.Sorted(maps.Keys(s.Dropped)) {
		if !slices.Contains(reasons, r) {
			count("dropped_total", "Entries that will not be delivered.", s.Dropped[r], "reason", r)
		}
	}
	count("gaps_total", "Gap entries the sink accepted.", s.Gaps)
	count("batches_total", "Batches the sink accepted, whole or in part.", s.Batches)
	count("retries_total", "Further attempts to write a batch.", s.Retries)
	visit(Metric{Name: prefix + "waiting", Help: "Entries that wait.", Kind: Gauge, Value: float64(s.Waiting), Labels: labels})
	visit(Metric{Name: prefix + "waiting_bytes", Help: "What they hold, estimated.", Kind: Gauge, Value: float64(s.WaitingBytes), Labels: labels})
}

func queueReasons() []string { return reasonNames[:] }

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
