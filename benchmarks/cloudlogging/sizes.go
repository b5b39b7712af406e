package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// batches are how many entries a request has: what a developer's click makes, what a
// quiet service has within a second, and a full one.
var batches = [...]int{1, 10, 512}

// container is the resource with the most labels.
var container = cloudloggingsink.Resource{Type: "k8s_container", Labels: map[string]string{
	"project_id": "bench-marks", "cluster_name": "production", "location": "asia-northeast3", "namespace_name": "shop",
	"pod_name": "web-7f9c6d5b8-x2x4q", "container_name": "web",
}}

// sizes prints the bytes of an entry on the wire, and what the service counts.
func sizes(stdout io.Writer) error {
	load := newWorkload(batches[len(batches)-1])
	_, _ = fmt.Fprintf(stdout, "\nbytes per entry of %d bytes\n%-28s %8s %8s\n", load.size, "on the wire, entries a request", "plain", "gzip")
	for _, n := range batches {
		plain, _, err := size(load, n, false, nil)
		if err != nil {
			return err
		}
		packed, _, err := size(load, n, true, nil)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "%30d %8d %8d\n", n, plain, packed)
	}
	for _, r := range []*cloudloggingsink.Resource{{Type: "global", Labels: map[string]string{"project_id": "bench-marks"}}, &container} {
		_, stored, err := size(load, len(load.entries), false, r)
		if err != nil {
			return err
		}
		// The list price of 0.50 USD a GiB, in million requests.
		_, _ = fmt.Fprintf(stdout, "LogEntry, with its log's name and resource %-14s %6d   %.2f USD a million\n", r.Type, stored, float64(stored)*1e6/(1<<30)*0.50)
	}
	return nil
}

// size sends all entries in requests of n, and returns the bytes of one on the wire and
// as the service has it.
func size(load *workload, n int, compress bool, r *cloudloggingsink.Resource) (wire, stored int, err error) {
	srv, err := gcltest.Start(&gcltest.Options{Now: time.Now})
	if err != nil {
		return 0, 0, err
	}
	defer srv.Close()
	if r == nil {
		r = &cloudloggingsink.Resource{Type: "global"}
	}
	ctx := context.Background()
	s, err := cloudloggingsink.New(ctx, &cloudloggingsink.Options{ProjectID: "bench-marks", Endpoint: srv.Addr(), Insecure: true, Compress: compress, Resource: r})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	sent := 0
	for ; sent+n <= len(load.entries); sent += n {
		if err := s.Write(ctx, load.entries[sent:sent+n]); err != nil {
			return 0, 0, err
		}
	}
	received, _ := srv.Received()
	for _, e := range srv.Entries() {
		stored += proto.Size(e)
	}
	return int(received) / sent, stored / sent, nil
}
