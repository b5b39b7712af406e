package gcltest

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// resourceName is a parent, or a view of a bucket.
var resourceName = regexp.MustCompile(`^(projects|organizations|billingAccounts|folders)/[^/]+(/locations/[^/]+/buckets/[^/]+/views/[^/]+)?$`)

// parents checks resource names and returns the parents that they stand for.
func parents(names []string) ([]string, error) {
	if len(names) == 0 || len(names) > 100 {
		return nil, status.Errorf(codes.InvalidArgument, "%d resource names, want 1 to 100", len(names))
	}
	var ps []string
	for _, n := range names {
		if !resourceName.MatchString(n) {
			return nil, status.Errorf(codes.InvalidArgument, "Name %q is neither a project nor a view", n)
		}
		p, _, _ := strings.Cut(n, "/locations/")
		ps = append(ps, p)
	}
	return ps, nil
}

func compile(text string) (filter, error) {
	if n := len([]rune(text)); n > MaxFilter {
		return nil, status.Errorf(codes.InvalidArgument, "The filter has %d characters, more than %d", n, MaxFilter)
	}
	f, err := parseFilter(text)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "Unparseable filter: %v", err)
	}
	return f, nil
}

// ListLogEntries implements the service.
func (s *Server) ListLogEntries(ctx context.Context, req *loggingpb.ListLogEntriesRequest) (*loggingpb.ListLogEntriesResponse, error) {
	flt, err := s.begin(ctx, "ListLogEntries")
	if err != nil {
		return nil, err
	}
	ps, err := parents(req.ResourceNames)
	if err != nil {
		return nil, err
	}
	f, err := compile(req.Filter)
	if err != nil {
		return nil, err
	}
	size := int(req.PageSize)
	switch {
	case size == 0:
		size = defaultPageSize
	case size < 0 || size > MaxPageSize:
		return nil, status.Errorf(codes.InvalidArgument, "page_size is %d, want 1 to %d", size, MaxPageSize)
	}
	desc := false
	switch req.OrderBy {
	case "", "timestamp asc":
	case "timestamp desc":
		desc = true
	default:
		return nil, status.Errorf(codes.InvalidArgument, "order_by is %q, want \"timestamp asc\" or \"timestamp desc\"", req.OrderBy)
	}
	from, err := offset(req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if err := s.read(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if s.asked != nil {
		s.asked(req.Filter)
	}
	all := s.stored[:len(s.stored):len(s.stored)]
	s.mu.Unlock()
	found := matching(all, ps, f)
	slices.SortStableFunc(found, func(a, b *loggingpb.LogEntry) int {
		c := a.Timestamp.AsTime().Compare(b.Timestamp.AsTime())
		if desc {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.InsertId, b.InsertId))
	})
	found = found[min(from, len(found)):]
	resp := &loggingpb.ListLogEntriesResponse{}
	bytes := 0
	for _, e := range found {
		n := proto.Size(e)
		if len(resp.Entries) == size || len(resp.Entries) > 0 && bytes+n > maxPageBytes {
			resp.NextPageToken = token(req, from+len(resp.Entries))
			break
		}
		bytes += n
		resp.Entries = append(resp.Entries, e)
	}
	if flt.Served {
		if err := s.end(flt); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// matching returns the entries of these parents that the filter matches, those with
// the same time and insertId once.
func matching(all []*loggingpb.LogEntry, ps []string, f filter) []*loggingpb.LogEntry {
	type key struct {
		at       time.Time
		id, from string
	}
	seen := map[key]bool{}
	var found []*loggingpb.LogEntry
	for _, e := range all {
		p := parent(e.LogName)
		if !slices.Contains(ps, p) || !f.match(e) {
			continue
		}
		k := key{e.Timestamp.AsTime(), e.InsertId, p}
		if seen[k] {
			continue
		}
		seen[k] = true
		found = append(found, e)
	}
	return found
}

// token names a place in the answer to this very question.
func token(req *loggingpb.ListLogEntriesRequest, at int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%x", at, question(req)))
}

func question(req *loggingpb.ListLogEntriesRequest) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q %q %d", req.ResourceNames, req.Filter, req.OrderBy, req.PageSize) // never fails
	return h.Sum64()
}

func offset(req *loggingpb.ListLogEntriesRequest) (int, error) {
	if req.PageToken == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(req.PageToken)
	at, sum, ok := strings.Cut(string(b), ".")
	n, nerr := strconv.Atoi(at)
	if err != nil || !ok || nerr != nil || n < 0 || sum != fmt.Sprintf("%x", question(req)) {
		return 0, status.Error(codes.InvalidArgument, "page_token doesn't match arguments from the request")
	}
	return n, nil
}

// TailLogEntries implements the service. It sends what is written from the call on
// at once; the buffer window is checked and not waited for. A session ends after
// MaxTail, and there are MaxTails at most.
func (s *Server) TailLogEntries(stream loggingpb.LoggingServiceV2_TailLogEntriesServer) error {
	req, err := stream.Recv()
	if err != nil {
		return err
	}
	flt, err := s.begin(stream.Context(), "TailLogEntries")
	if err != nil {
		return err
	}
	ps, err := parents(req.ResourceNames)
	if err != nil {
		return err
	}
	f, err := compile(req.Filter)
	if err != nil {
		return err
	}
	if w := req.BufferWindow; w != nil && (w.AsDuration() < 0 || w.AsDuration() > time.Minute) {
		return status.Errorf(codes.InvalidArgument, "buffer_window is %v, want 0 to 1m", w.AsDuration())
	}
	s.mu.Lock()
	at := len(s.stored)
	s.tails++
	many := s.tails > MaxTails
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.tails--
		s.mu.Unlock()
	}()
	if many {
		return status.Errorf(codes.ResourceExhausted, "Quota exceeded for quota metric 'Tail requests': %d open sessions", MaxTails)
	}
	over := time.NewTimer(MaxTail)
	defer over.Stop()
	if err := stream.SendHeader(nil); err != nil { // who waits for it knows that following has begun
		return err
	}
	if flt.Suppress > 0 {
		info := &loggingpb.TailLogEntriesResponse_SuppressionInfo{Reason: loggingpb.TailLogEntriesResponse_SuppressionInfo_RATE_LIMIT, SuppressedCount: flt.Suppress}
		if err := stream.Send(&loggingpb.TailLogEntriesResponse{SuppressionInfo: []*loggingpb.TailLogEntriesResponse_SuppressionInfo{info}}); err != nil {
			return err
		}
	}
	for {
		s.mu.Lock()
		fresh, grown := s.stored[at:len(s.stored):len(s.stored)], s.grown
		s.mu.Unlock()
		at += len(fresh)
		if found := matching(fresh, ps, f); len(found) > 0 {
			if err := stream.Send(&loggingpb.TailLogEntriesResponse{Entries: found}); err != nil {
				return err
			}
		}
		select {
		case <-grown:
		case <-over.C:
			return nil
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}
