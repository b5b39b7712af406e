package query

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/txid"
)

// node is a row in the making.
type node struct {
	order          int // position of its first entry, which breaks ties
	client, server *entry.Entry
	other          *entry.Entry
	parent         *node
	children       []*node
	shift          time.Duration // to be added to its own (the caller's) clock
	inner          time.Duration // to be added to the clock of what happened within
	skew           time.Duration // inner minus shift, where the two sides show one
	orphan         bool          // names a parent that is not here
	again          bool          // arrived although another arrival had the same caller
	loop           bool          // its parents formed a loop
}

func (n *node) first() *entry.Entry {
	return cmp.Or(n.client, n.server, n.other)
}

func (n *node) begin() time.Time { return n.first().Time.Add(n.shift) }

// tree puts the entries of one scenario into relation.
type tree struct {
	nodes []*node // in time order
	roots []*node
	peers map[string]string // host:port → the service that answers there
}

func newTree(entries []*entry.Entry) *tree {
	t := &tree{peers: make(map[string]string)}
	calls := make(map[txid.SpanID]*node) // by the caller's span
	for i, e := range entries {
		n := &node{order: i}
		if e.Kind != entry.KindClient {
			continue
		}
		n.client = e
		t.nodes = append(t.nodes, n)
		if _, taken := calls[e.Span]; !taken && e.Span != 0 {
			calls[e.Span] = n
		}
	}
	done := make(map[txid.SpanID]bool) // requests that were answered
	for _, e := range entries {
		if e.Kind == entry.KindServer && e.Span != 0 {
			done[e.Span] = true
		}
	}
	// A server's entry joins its caller's. Callers first, whatever the times say:
	// the clocks of two machines may differ.
	for i, e := range entries {
		switch e.Kind {
		case entry.KindClient:
			continue
		case entry.KindServer:
		case entry.KindCrash:
			if done[e.Span] {
				// The process wrote the entry and died before it could say that it had.
				continue
			}
		default:
			t.nodes = append(t.nodes, &node{order: i, other: e})
			continue
		}
		call := calls[e.Parent]
		switch {
		case e.Parent == 0 || call == nil:
			t.nodes = append(t.nodes, &node{order: i, server: e})
		case call.server == nil:
			call.server = e
			call.order = min(call.order, i)
			t.peer(call.client, e)
		default:
			t.nodes = append(t.nodes, &node{order: i, server: e, again: true})
		}
	}
	slices.SortStableFunc(t.nodes, func(a, b *node) int { return cmp.Compare(a.order, b.order) })
	return t
}

// peer learns which service answers at an address.
func (t *tree) peer(client, server *entry.Entry) {
	if name := Service(server); name != "" && client.HTTP.ServerAddress != "" {
		t.peers[hostPort(client)] = name
	}
}

func hostPort(e *entry.Entry) string {
	return net.JoinHostPort(e.HTTP.ServerAddress, strconv.Itoa(e.HTTP.ServerPort))
}

// link gives each node its parent.
func (t *tree) link() {
	owners := make(map[txid.SpanID]*node, len(t.nodes))
	own := func(e *entry.Entry, n *node) {
		if e == nil || e.Span == 0 {
			return
		}
		if _, taken := owners[e.Span]; !taken {
			owners[e.Span] = n
		}
	}
	for _, n := range t.nodes {
		own(n.client, n)
	}
	for _, n := range t.nodes {
		own(n.server, n)
	}
	for _, n := range t.nodes {
		if n.other != nil && n.other.Kind != entry.KindLog { // a log line's span is its request's
			own(n.other, n)
		}
	}
	for _, n := range t.nodes {
		e := n.first()
		if e.Parent != 0 {
			n.parent = owners[e.Parent]
			n.orphan = n.parent == nil
		}
		if n.other != nil && (n.parent == nil || n.other.Kind == entry.KindLog) && e.Span != 0 {
			// A log line, or the report of a stream's end, names the exchange that it
			// belongs to as its own span.
			if o := owners[e.Span]; o != nil && o != n {
				n.parent, n.orphan = o, false
			}
		}
		if n.parent == n {
			n.parent, n.loop = nil, true
		}
	}
}

// breakLoops finds the nodes that no root leads to and makes the earliest of each
// loop a root.
func (t *tree) breakLoops() {
	const (
		fresh = iota
		walking
		safe
	)
	state := make(map[*node]int, len(t.nodes))
	for _, n := range t.nodes {
		var way []*node
		at := n
		for at != nil && state[at] == fresh {
			state[at] = walking
			way = append(way, at)
			at = at.parent
		}
		if at != nil && state[at] == walking {
			// at is in the loop, and so is everything from it to the end of way.
			first := at
			for _, m := range way[slices.Index(way, at):] {
				if m.order < first.order {
					first = m
				}
			}
			first.parent, first.loop = nil, true
		}
		for _, m := range way {
			state[m] = safe
		}
	}
}

// sort hangs the children below their parents, siblings by time.
func (t *tree) sort() {
	for _, n := range t.nodes {
		if n.parent == nil {
			t.roots = append(t.roots, n)
		} else {
			n.parent.children = append(n.parent.children, n)
		}
	}
	byTime := func(a, b *node) int {
		if c := a.first().Time.Compare(b.first().Time); c != 0 {
			return c
		}
		return cmp.Compare(a.order, b.order)
	}
	slices.SortFunc(t.roots, byTime)
	for _, n := range t.nodes {
		slices.SortFunc(n.children, byTime)
	}
}

// walk visits every node, parents before children, with its depth.
func (t *tree) walk(visit func(n *node, depth int)) {
	type step struct {
		n     *node
		depth int
	}
	var todo []step
	for _, r := range slices.Backward(t.roots) {
		todo = append(todo, step{r, 0})
	}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(at.n, at.depth)
		for _, c := range slices.Backward(at.n.children) {
			todo = append(todo, step{c, at.depth + 1})
		}
	}
}

// minSkew is the least difference of two clocks that is worth a word. Two
// processes on one machine differ by less, and time servers keep machines of one
// data centre closer.
const minSkew = 2 * time.Millisecond

// align finds clocks that differ: a request can not begin before it was sent. What
// the server and those behind it recorded is moved by the least amount that puts
// it back into order; the story says by how much.
//
// A request that begins after its caller gave up shows nothing: it may have stood
// in a queue. One that begins after its caller had the answer does.
func (t *tree) align() {
	t.walk(func(n *node, _ int) {
		if p := n.parent; p != nil {
			n.shift = p.inner
		}
		n.inner = n.shift
		if n.client == nil || n.server == nil {
			return
		}
		early := n.client.Time.Sub(n.server.Time)
		late := n.server.Time.Sub(n.client.Time.Add(n.client.Latency))
		switch {
		case early >= minSkew:
			n.skew = early
		case late >= minSkew && n.client.HTTP.Status != 0:
			n.skew = -late
		}
		n.inner = addDuration(n.shift, n.skew)
	})
}

// addDuration adds without overflow: recorded times may be anything.
func addDuration(a, b time.Duration) time.Duration {
	c := a + b
	switch {
	case a > 0 && b > 0 && c < 0:
		return 1<<63 - 1
	case a < 0 && b < 0 && c >= 0:
		return -1 << 63
	}
	return c
}
