package gcltest

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // requests may come compressed
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Options configures [Start]. Nil means the defaults.
type Options struct {
	// Addr is where to listen. Default "127.0.0.1:0": a free port of the loopback.
	Addr string
	// Listen listens, at each start, somewhere else than at Addr: see [Memory]. Default
	// nil.
	Listen func() (net.Listener, error)
	// Now is the service's clock. Default time.Now.
	Now func() time.Time
	// DropFuture takes entries that are too far ahead, and drops them, as the comments of
	// google/logging/v2 have it. Default false: they are refused, as the quotas' page
	// has it.
	DropFuture bool
	// Quota enforces ReadsPerMinute. Default false.
	Quota bool
	// Fault is asked about every call before it is served; see [Server.SetFault].
	// Default nil: none.
	Fault FaultFunc
}

// Server is a running service. All methods are safe for concurrent use.
type Server struct {
	loggingpb.UnimplementedLoggingServiceV2Server

	now    func() time.Time
	quota  bool
	drop   bool // what is too far ahead
	listen func() (net.Listener, error)
	up     atomic.Pointer[serving]

	mu      sync.Mutex
	fault   FaultFunc
	asked   func(filter string)
	calls   map[string]int
	stored  []*loggingpb.LogEntry
	dropped int // accepted, but outside of the times that are kept
	reads   []time.Time
	tails   int // open
	wire    wireCount
	grown   chan struct{}
}

// Start begins to serve.
func Start(opts *Options) (*Server, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		listen: o.Listen, now: o.Now, quota: o.Quota, drop: o.DropFuture, fault: o.Fault, calls: map[string]int{}, grown: make(chan struct{}),
	}
	if s.listen == nil {
		addr := o.Addr
		s.listen = func() (net.Listener, error) {
			l, err := net.Listen("tcp", addr)
			if err == nil {
				addr = l.Addr().String() // the same one after a restart
			}
			return l, err
		}
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// serving is the time from a start to a stop.
type serving struct {
	grpc  *grpc.Server
	conns *connListener
	done  chan struct{}
}

func (s *Server) start() error {
	l, err := s.listen()
	if err != nil {
		return fmt.Errorf("gcltest: %w", err)
	}
	up := &serving{
		grpc: grpc.NewServer(grpc.MaxRecvMsgSize(4*MaxRequestBytes), grpc.StatsHandler(&s.wire),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true})),
		conns: &connListener{Listener: l, open: map[net.Conn]struct{}{}}, done: make(chan struct{}),
	}
	loggingpb.RegisterLoggingServiceV2Server(up.grpc, s)
	go func() {
		defer close(up.done)
		_ = up.grpc.Serve(up.conns) // ends with stop
	}()
	s.up.Store(up)
	return nil
}

func (u *serving) stop() {
	u.grpc.Stop()
	<-u.done
}

// Restart takes the service away, for so long, and starts it at the same address with
// what it had stored. Clients are told to go (GOAWAY), calls that run are then cut off.
func (s *Server) Restart(away time.Duration) error {
	old := s.up.Load()
	go old.grpc.GracefulStop() // tells at once, and waits for calls that run
	time.Sleep(away)
	old.stop()
	return s.start()
}

// Addr is the address to use as an endpoint, without TLS.
func (s *Server) Addr() string { return s.up.Load().conns.Addr().String() }

// Close ends the service and all calls.
func (s *Server) Close() { s.up.Load().stop() }

// Entries returns what is stored, in the order of writing, repeated ones included.
// They are shared: read them only.
func (s *Server) Entries() []*loggingpb.LogEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored[:len(s.stored):len(s.stored)]
}

// Put stores entries as they are, unchecked: what an agent brought in, say.
func (s *Server) Put(entries ...*loggingpb.LogEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		e = proto.CloneOf(e)
		if e.Timestamp == nil {
			e.Timestamp = timestamppb.New(s.now())
		}
		if e.ReceiveTimestamp == nil {
			e.ReceiveTimestamp = timestamppb.New(s.now())
		}
		s.stored = append(s.stored, e)
	}
	s.wake()
}

// OnFilter sets a function that is given the filter of every ListLogEntries; nil:
// none.
func (s *Server) OnFilter(f func(filter string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = f
}

// Dropped counts the entries that were accepted and not kept, since their time is
// older than the retention, or too far ahead.
func (s *Server) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Calls counts the calls of a method so far: "WriteLogEntries".
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Received returns how many bytes of messages came in, as they were on the wire
// and uncompressed.
func (s *Server) Received() (wire, plain int64) { return s.wire.total() }

// wake tells those who follow. s.mu is held.
func (s *Server) wake() {
	close(s.grown)
	s.grown = make(chan struct{})
}
