package query

import (
	"slices"
	"time"

	"github.com/txtrail/txtrail/entry"
)

// layOut turns the tree into rows.
func (s *Story) layOut(t *tree, gaps []*entry.Entry) {
	start, end := t.span()
	s.Start, s.Duration = start, end.Sub(start)
	if s.Duration < 0 {
		s.Duration = 0
	}
	numbers := make(map[*node]int, len(t.nodes))
	nodes := make([]*node, 0, len(t.nodes))
	lost := overlapping(gaps, start, end)
	t.walk(func(n *node, depth int) {
		// Gaps belong to nobody: they stand between the outermost rows.
		for depth == 0 && len(lost) > 0 && lost[0].Time.Before(n.begin()) {
			s.addGap(lost[0])
			nodes = append(nodes, nil)
			lost = lost[1:]
		}
		r := Row{
			N: len(s.Rows) + 1, Depth: depth,
			Client: n.client, Server: n.server, Other: n.other,
			Offset: n.begin().Sub(start), Duration: max(n.first().Latency, 0), Shift: n.shift,
			Kind: rowKind(n), Failed: failed(n),
		}
		if n.parent != nil {
			r.In = numbers[n.parent]
		}
		numbers[n] = r.N
		r.From, r.To = t.ends(n)
		s.Rows = append(s.Rows, r)
		nodes = append(nodes, n)
	})
	for _, g := range lost {
		s.addGap(g)
		nodes = append(nodes, nil)
	}
	t.nodes = nodes
	s.countAttempts()
}

func (s *Story) addGap(g *entry.Entry) {
	s.Rows = append(s.Rows, Row{
		N: len(s.Rows) + 1, Kind: RowGap, To: Service(g), Other: g, Failed: true,
		Offset: g.Time.Sub(s.Start), Duration: max(g.Latency, 0),
	})
}

// span returns when the story began and ended, clocks aligned.
func (t *tree) span() (start, end time.Time) {
	t.walk(func(n *node, _ int) {
		b := n.begin()
		e := b.Add(max(n.first().Latency, 0))
		if n.server != nil && n.client != nil {
			// A server may go on after its caller has left.
			if d := n.server.Time.Add(n.inner + max(n.server.Latency, 0)); d.After(e) {
				e = d
			}
		}
		if start.IsZero() || b.Before(start) {
			start = b
		}
		if e.After(end) {
			end = e
		}
	})
	return start, end
}

// overlapping returns the gaps that may have swallowed a part of the story.
func overlapping(gaps []*entry.Entry, start, end time.Time) []*entry.Entry {
	var hit []*entry.Entry
	for _, g := range gaps {
		from, to := g.Time, g.Time
		if g.Gap != nil {
			if !g.Gap.From.IsZero() && g.Gap.From.Before(from) {
				from = g.Gap.From
			}
			if g.Gap.To.After(to) {
				to = g.Gap.To
			}
		}
		if !from.After(end) && !to.Before(start) {
			hit = append(hit, g)
		}
	}
	slices.SortFunc(hit, Compare)
	return hit
}

func rowKind(n *node) RowKind {
	switch {
	case n.client != nil:
		return RowCall
	case n.server != nil:
		return RowRequest
	}
	switch n.other.Kind {
	case entry.KindLog:
		return RowLog
	case entry.KindBrowser:
		return RowBrowser
	case entry.KindStream:
		return RowStream
	case entry.KindGap:
		return RowGap
	}
	return RowOther
}

func failed(n *node) bool {
	return n.client != nil && n.client.Failed() || n.server != nil && n.server.Failed() ||
		n.other != nil && n.other.Failed()
}

// ends names the services at both ends of a row.
func (t *tree) ends(n *node) (from, to string) {
	if n.other != nil {
		return "", Service(n.other)
	}
	if n.client == nil {
		return "", Service(n.server)
	}
	from = Service(n.client)
	if n.server != nil && Service(n.server) != "" {
		return from, Service(n.server)
	}
	if name := t.peers[hostPort(n.client)]; name != "" {
		return from, name
	}
	return from, host(n.client)
}

// host names the called host of a call: without the port where it is the usual one.
func host(e *entry.Entry) string {
	if e.HTTP.ServerAddress == "" {
		return authority(e.HTTP.URL)
	}
	if p := e.HTTP.ServerPort; p == 0 || p == 80 || p == 443 {
		return e.HTTP.ServerAddress
	}
	return hostPort(e)
}

// label returns the value of one of an entry's labels, or "".
func label(e *entry.Entry, name string) string {
	for i := range e.Labels {
		if e.Labels[i].Name == name {
			return e.Labels[i].Value
		}
	}
	return ""
}

// countAttempts numbers calls that were tried again. The transport says of each
// how many went before it, and which was the first; the first knows nothing of
// those that follow. Where the first is not named, it is the newest call alike.
func (s *Story) countAttempts() {
	s.retries = make(map[int][]int)
	spans := make(map[string]int) // the caller's span → number of the row
	for i := range s.Rows {
		if c := s.Rows[i].Client; c != nil && c.Span != 0 {
			if _, taken := spans[c.Span.String()]; !taken {
				spans[c.Span.String()] = s.Rows[i].N
			}
		}
	}
	alike := make(map[string]int) // call → number of the newest first attempt
	for i := range s.Rows {
		r := &s.Rows[i]
		if r.Client == nil {
			continue
		}
		k := callKey(r)
		n := r.Client.HTTP.ResendCount
		if n <= 0 {
			alike[k] = r.N
			continue
		}
		r.Attempt = n + 1
		first := alike[k]
		if named := label(r.Client, entry.LabelAttemptOf); named != "" {
			first = spans[named]
		}
		if first == 0 || first >= r.N || s.Rows[first-1].Attempt > 1 {
			continue
		}
		s.Rows[first-1].Attempt = 1
		if later := s.retries[first]; len(later) == 0 || s.Rows[later[len(later)-1]-1].Attempt < r.Attempt {
			s.retries[first] = append(later, r.N)
		}
	}
}

// callKey is equal for the attempts of one call.
func callKey(r *Row) string {
	e := r.Client
	return e.Parent.String() + " " + Service(e) + " " + e.HTTP.Method + " " + e.HTTP.URL
}
