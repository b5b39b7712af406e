package gcltest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// logName is PARENT/ID/logs/LOG, the log's part URL-encoded.
var logName = regexp.MustCompile(`^(projects|organizations|billingAccounts|folders)/[^/]+/logs/[A-Za-z0-9_.%-]{1,511}$`)

// WriteLogEntries implements the service.
func (s *Server) WriteLogEntries(ctx context.Context, req *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	f, err := s.begin(ctx, "WriteLogEntries")
	if err != nil {
		return nil, err
	}
	if n := proto.Size(req); n > MaxRequestBytes {
		return nil, status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", MaxRequestBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := map[int32]*spb.Status{}
	good := make([]*loggingpb.LogEntry, 0, len(req.Entries))
	for i, e := range req.Entries {
		kept, err := s.accept(req, e)
		if err == nil && !req.DryRun && slices.Contains(f.Refuse, i) {
			err = fmt.Errorf("entry %d is refused", i)
		}
		if err != nil {
			bad[int32(i)] = &spb.Status{Code: int32(codes.InvalidArgument), Message: err.Error()}
			continue
		}
		good = append(good, kept)
	}
	if len(bad) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(bad)))
		st := status.New(codes.InvalidArgument, bad[first].Message)
		// "Failed requests for which no entries are written will not include per-entry
		// errors" (WriteLogEntriesRequest.partial_success).
		if !req.PartialSuccess || len(good) == 0 {
			return nil, st.Err()
		}
		s.store(req, good)
		if with, err := st.WithDetails(&loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: bad}); err == nil {
			st = with
		}
		return nil, st.Err()
	}
	s.store(req, good)
	if f.Served {
		if err := s.end(f); err != nil {
			return nil, err
		}
	}
	return &loggingpb.WriteLogEntriesResponse{}, nil
}

// store keeps entries unless the request was a dry run. s.mu is held.
func (s *Server) store(req *loggingpb.WriteLogEntriesRequest, good []*loggingpb.LogEntry) {
	if req.DryRun {
		return
	}
	now := s.now()
	for _, e := range good {
		at := e.Timestamp.AsTime()
		if at.Before(now.Add(-Retention)) || at.After(now.Add(MaxFuture)) {
			s.dropped++
			continue
		}
		s.stored = append(s.stored, e)
	}
	s.wake()
}

// accept checks one entry and completes it from the request. s.mu is held.
func (s *Server) accept(req *loggingpb.WriteLogEntriesRequest, e *loggingpb.LogEntry) (*loggingpb.LogEntry, error) {
	if e.Payload == nil {
		return nil, fmt.Errorf("Log entry has no payload")
	}
	e = proto.CloneOf(e)
	if e.LogName == "" {
		e.LogName = req.LogName
	}
	if !logName.MatchString(e.LogName) {
		return nil, fmt.Errorf("Log name %q is not of the form projects/[PROJECT_ID]/logs/[LOG_ID]", e.LogName)
	}
	if e.Resource == nil {
		e.Resource = req.Resource
	}
	if e.Resource == nil {
		e.Resource = &monitoredres.MonitoredResource{Type: "global"}
	}
	if e.Labels == nil && len(req.Labels) > 0 {
		e.Labels = map[string]string{}
	}
	for k, v := range req.Labels {
		if _, ok := e.Labels[k]; !ok {
			e.Labels[k] = v
		}
	}
	if len(e.Labels) > MaxLabels {
		return nil, fmt.Errorf("Log entry has %d labels, more than %d", len(e.Labels), MaxLabels)
	}
	for k, v := range maps.Clone(e.Labels) {
		if len(k) > MaxLabelKey || len(v) > MaxLabelValue {
			delete(e.Labels, k)
			e.Labels[ellipsis(k, MaxLabelKey)] = ellipsis(v, MaxLabelValue)
		}
	}
	if n := proto.Size(e); n > MaxEntryBytes { // with the log's name, resource and labels of the request
		return nil, fmt.Errorf("Log entry with size %.1fK exceeds maximum size of 256.0K", float64(n)/1024)
	}
	now := s.now()
	if e.Timestamp == nil {
		e.Timestamp = timestamppb.New(now)
	}
	if err := e.Timestamp.CheckValid(); err != nil {
		return nil, err
	}
	// "more than 24 hours in the future": cloud.google.com/logging/quotas
	if at := e.Timestamp.AsTime(); at.After(now.Add(MaxFuture)) && !s.drop {
		return nil, fmt.Errorf("Log entry with timestamp %s is more than %s in the future", at.Format(time.RFC3339), MaxFuture)
	}
	if e.InsertId == "" {
		e.InsertId = "assigned-" + strconv.Itoa(len(s.stored)) + "-" + strconv.FormatInt(now.UnixNano(), 36)
	}
	e.ReceiveTimestamp = timestamppb.New(now)
	if sp := e.Split; sp != nil && (sp.Uid == "" || sp.TotalSplits < 1 || sp.Index < 0 || sp.Index >= sp.TotalSplits) {
		return nil, fmt.Errorf("Log entry has a split that can not be: %v", sp)
	}
	return e, nil
}

func ellipsis(v string, limit int) string {
	if len(v) <= limit {
		return v
	}
	n := limit - len("...")
	for n > 0 && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n] + "..."
}

// parent returns "projects/P" of "projects/P/logs/L".
func parent(name string) string {
	p, _, _ := strings.Cut(name, "/logs/")
	return p
}

// minute is what a quota counts by.
const minute = time.Minute

// read counts a read against the quota. s.mu is held.
func (s *Server) read() error {
	if !s.quota {
		return nil
	}
	now := s.now()
	s.reads = slices.DeleteFunc(s.reads, func(t time.Time) bool { return now.Sub(t) >= minute })
	if len(s.reads) >= ReadsPerMinute {
		return s.end(Fault{
			Code:       codes.ResourceExhausted,
			Message:    "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service 'logging.googleapis.com'",
			RetryAfter: s.reads[0].Add(minute).Sub(now),
		})
	}
	s.reads = append(s.reads, now)
	return nil
}
