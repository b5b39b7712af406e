package gcltest

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Fault is what goes wrong with one call. The zero Fault is none.
type Fault struct {
	// Code makes the call fail with it; codes.OK does not.
	Code codes.Code
	// Message is the error's. Default the code's name.
	Message string
	// Err is returned instead of an error of Code: one with details of its own.
	Err error
	// RetryAfter is put on the error as google.rpc.RetryInfo. Default none.
	RetryAfter time.Duration
	// Served says that the call does its work first: the answer alone is lost.
	Served bool
	// Delay is how long the call waits before anything, or until its context ends.
	Delay time.Duration
	// Cut closes all connections instead of answering.
	Cut bool
	// Suppress says to who follows that so many entries were left out.
	Suppress int32
	// Refuse names the entries of a WriteLogEntries, by index, that are refused as
	// invalid, if it is no dry run.
	Refuse []int
}

// FaultFunc says what goes wrong with the n-th call, from 1, of a method:
// "WriteLogEntries", "ListLogEntries", "TailLogEntries".
type FaultFunc func(method string, n int) Fault

// SetFault sets what goes wrong from the next call on; nil: nothing.
func (s *Server) SetFault(f FaultFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Cut closes all connections.
func (s *Server) Cut() { s.up.Load().conns.cut() }

// begin counts a call and returns what goes wrong with it.
func (s *Server) begin(ctx context.Context, method string) (Fault, error) {
	s.mu.Lock()
	s.calls[method]++
	var f Fault
	if s.fault != nil {
		f = s.fault(method, s.calls[method])
	}
	s.mu.Unlock()
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return f, status.FromContextError(ctx.Err()).Err()
		}
	}
	if !f.Served {
		return f, s.end(f)
	}
	return f, nil
}

// end returns the fault's error, or nil.
func (s *Server) end(f Fault) error {
	if f.Cut {
		s.Cut()
		return status.Error(codes.Unavailable, "cut")
	}
	if f.Err != nil {
		return f.Err
	}
	if f.Code == codes.OK {
		return nil
	}
	if f.Message == "" {
		f.Message = f.Code.String()
	}
	st := status.New(f.Code, f.Message)
	if f.RetryAfter > 0 {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)}); err == nil {
			st = with
		}
	}
	return st.Err()
}
