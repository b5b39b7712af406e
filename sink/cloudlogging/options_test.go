package cloudloggingsink_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	"github.com/txtrail/txtrail/sink/sinktest"
	"github.com/txtrail/txtrail/txid"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := env[k]; return v, ok }
}

func TestOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		opts cloudloggingsink.Options
		env  map[string]string
		says string // "": it works
		log  string
	}{
		"by code":                 {cloudloggingsink.Options{ProjectID: "shop-prod", Endpoint: "127.0.0.1:1", Insecure: true}, nil, "", "projects/shop-prod/logs/txtrail"},
		"by environment":          {cloudloggingsink.Options{}, map[string]string{"GOOGLE_CLOUD_PROJECT": "shop-prod", "TXTRAIL_CLOUDLOGGING_LOG": "a/b.c", "TXTRAIL_CLOUDLOGGING_ENDPOINT": "127.0.0.1:1", "TXTRAIL_CLOUDLOGGING_INSECURE": "true"}, "", "projects/shop-prod/logs/a%2Fb.c"},
		"a domain's":              {cloudloggingsink.Options{ProjectID: "example.com:shop", Endpoint: "127.0.0.1:1", Insecure: true}, nil, "", "projects/example.com:shop/logs/txtrail"},
		"no project":              {cloudloggingsink.Options{Endpoint: "127.0.0.1:1", Insecure: true}, nil, "GOOGLE_CLOUD_PROJECT", ""},
		"not a project":           {cloudloggingsink.Options{ProjectID: "projects/shop"}, nil, "gcloud projects list", ""},
		"not a log":               {cloudloggingsink.Options{ProjectID: "shop", LogID: "a b"}, nil, "TXTRAIL_CLOUDLOGGING_LOG", ""},
		"long log":                {cloudloggingsink.Options{ProjectID: "shop", LogID: strings.Repeat("a", 512)}, nil, "fewer than 512", ""},
		"insecure":                {cloudloggingsink.Options{ProjectID: "shop", Insecure: true}, nil, "without an Endpoint", ""},
		"insecure, the service":   {cloudloggingsink.Options{ProjectID: "shop", Endpoint: "logging.googleapis.com:443", Insecure: true}, nil, "never spoken to without TLS", ""},
		"insecure, a region's":    {cloudloggingsink.Options{ProjectID: "shop", Endpoint: "dns:///EU-logging.GoogleAPIs.com.:443", Insecure: true}, nil, "never spoken to without TLS", ""},
		"insecure, by a variable": {cloudloggingsink.Options{ProjectID: "shop", Endpoint: "logs.example.com:443"}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "1"}, "in the clear", ""},
		"insecure, another machine, by variables": {cloudloggingsink.Options{ProjectID: "shop"}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "1", "TXTRAIL_CLOUDLOGGING_ENDPOINT": "10.0.0.7:8585"}, "in the clear", ""},
		"insecure, told":           {cloudloggingsink.Options{ProjectID: "shop", Endpoint: "gcl.test:1", Insecure: true}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "1"}, "", "projects/shop/logs/txtrail"},
		"insecure, localhost":      {cloudloggingsink.Options{ProjectID: "shop"}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "1", "TXTRAIL_CLOUDLOGGING_ENDPOINT": "[::1]:1"}, "", "projects/shop/logs/txtrail"},
		"an endpoint that is none": {cloudloggingsink.Options{ProjectID: "shop", Endpoint: "a b:%", Insecure: true}, nil, "look at Endpoint", ""},
		"insecure, maybe":          {cloudloggingsink.Options{ProjectID: "shop"}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "maybe"}, "want 1 or 0", ""},
		"a nameless kind":          {cloudloggingsink.Options{ProjectID: "shop", Resource: &cloudloggingsink.Resource{}}, nil, "no Type", ""},
		"a negative age":           {cloudloggingsink.Options{ProjectID: "shop", MaxAge: -1}, nil, "MaxAge", ""},
		"hostile, in quotes":       {cloudloggingsink.Options{ProjectID: "a\x1b[2J\n"}, nil, `\x1b`, ""},
	} {
		tt.opts.LookupEnv = lookup(tt.env)
		tt.opts.Metadata = func(context.Context, string) string { return "" }
		s, err := cloudloggingsink.New(t.Context(), &tt.opts)
		if tt.says != "" {
			if !errors.Is(err, cloudloggingsink.ErrOptions) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Name() != "cloudlogging:"+tt.log {
			t.Errorf("%s: %s", name, s.Name())
		}
		_ = s.Close(t.Context())
	}
}

func TestNoCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	_, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{ProjectID: "shop", LookupEnv: lookup(nil), Resource: &cloudloggingsink.Resource{Type: "global"}})
	if err == nil || !strings.Contains(err.Error(), "gcloud auth application-default login") {
		t.Errorf("%v", err)
	}
}

// Nobody is there: the entries wait, and the error says where it was tried.
func TestNoService(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Write(ctx, sinktest.Samples(0, 2)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "can not be reached") {
		t.Errorf("%v", err)
	}
	// An endpoint that speaks something else.
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	s = open(t, srv, func(o *cloudloggingsink.Options) { o.Endpoint = other.Listener.Addr().String() })
	if err := s.Write(ctx, sinktest.Samples(0, 2)); err == nil || sink.IsPermanent(err) {
		t.Errorf("a web server: %v", err)
	}
	other.CloseClientConnections()
	// One that breaks off, as a service does that is going down.
	for name, end := range map[string]func(*net.TCPConn) error{
		"closed": (*net.TCPConn).CloseWrite,
		"reset":  func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	} {
		s = open(t, srv, func(o *cloudloggingsink.Options) { o.Endpoint = breaksOff(t, end) })
		if err := s.Write(ctx, sinktest.Samples(0, 2)); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "can not be reached") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// breaksOff is the address of a server that ends each connection when something has come.
func breaksOff(t *testing.T, end func(*net.TCPConn) error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); done.Wait() })
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_ = end(conn.(*net.TCPConn))
			_, _ = io.Copy(io.Discard, conn) // until the client goes, or nothing
			_ = conn.Close()
		}
	})
	return ln.Addr().String()
}

func TestResource(t *testing.T) {
	metadata := map[string]string{
		"project/project-id": "shop-prod", "instance/region": "projects/1/regions/asia-northeast3", "instance/zone": "projects/1/zones/asia-northeast3-a",
	}
	gke := map[string]string{"instance/attributes/cluster-name": "c1", "instance/attributes/cluster-location": "asia-northeast3"}
	gce := map[string]string{"instance/id": "42", "instance/cpu-platform": "x", "instance/preempted": "FALSE"}
	for name, tt := range map[string]struct {
		env, meta map[string]string
		want      map[string]string
		kind      string
	}{
		"Cloud Run": {
			map[string]string{"K_SERVICE": "web", "K_REVISION": "web-1", "K_CONFIGURATION": "web"},
			nil,
			map[string]string{"location": "asia-northeast3", "service_name": "web", "revision_name": "web-1", "configuration_name": "web"},
			"cloud_run_revision",
		},
		"Cloud Run job": {
			map[string]string{"CLOUD_RUN_JOB": "j", "CLOUD_RUN_EXECUTION": "j-1", "CLOUD_RUN_TASK_INDEX": "0", "CLOUD_RUN_TASK_ATTEMPT": "0"},
			nil,
			map[string]string{"location": "asia-northeast3", "job_name": "j"},
			"cloud_run_job",
		},
		"function": {
			map[string]string{"K_SERVICE": "f", "FUNCTION_TARGET": "F", "FUNCTION_SIGNATURE_TYPE": "http"},
			nil,
			map[string]string{"region": "asia-northeast3", "function_name": "f"},
			"cloud_function",
		},
		"App Engine": {
			map[string]string{"GAE_SERVICE": "default", "GAE_VERSION": "v1", "GAE_INSTANCE": "i"},
			nil,
			map[string]string{"module_id": "default", "version_id": "v1", "zone": "asia-northeast3-a"},
			"gae_app",
		},
		"GKE": {
			map[string]string{"HOSTNAME": "web-7f", "NAMESPACE_NAME": "shop", "CONTAINER_NAME": "web"},
			gke,
			map[string]string{"cluster_name": "c1", "location": "asia-northeast3", "pod_name": "web-7f", "namespace_name": "shop", "container_name": "web"},
			"k8s_container",
		},
		"Knative elsewhere": {
			map[string]string{"K_SERVICE": "web", "K_REVISION": "web-1", "K_CONFIGURATION": "web", "GOOGLE_CLOUD_PROJECT": "shop-prod"},
			map[string]string{"project/project-id": "-"},
			map[string]string{},
			"global",
		},
		"flexible": {nil, map[string]string{"instance/id": "42", "instance/cpu-platform": "x", "instance/preempted": "FALSE", "instance/attributes/gae_app_bucket": "b"}, map[string]string{}, "global"},
		"another project's entries": {
			map[string]string{"GOOGLE_CLOUD_PROJECT": "shop-prod"},
			map[string]string{"project/project-id": "shop-machines", "instance/id": "42", "instance/cpu-platform": "x", "instance/preempted": "FALSE"},
			map[string]string{"instance_id": "42", "zone": "asia-northeast3-a", "project_id": "shop-machines"},
			"gce_instance",
		},
		"not UTF-8": {
			map[string]string{"HOSTNAME": "web\xff", "CONTAINER_NAME": "\xc3(", "NAMESPACE_NAME": "shop"},
			gke,
			map[string]string{"cluster_name": "c1", "location": "asia-northeast3", "pod_name": "web\ufffd", "namespace_name": "shop", "container_name": "\ufffd("},
			"k8s_container",
		},
		"GCE":      {nil, gce, map[string]string{"instance_id": "42", "zone": "asia-northeast3-a"}, "gce_instance"},
		"anywhere": {nil, nil, map[string]string{}, "global"},
	} {
		srv := serve(t)
		s := open(t, srv, func(o *cloudloggingsink.Options) {
			o.ProjectID = ""
			o.LookupEnv = lookup(tt.env)
			o.Metadata = func(_ context.Context, path string) string {
				switch v := tt.meta[path]; v {
				case "":
				case "-":
					return ""
				default:
					return v
				}
				return metadata[path]
			}
		})
		if err := s.Write(t.Context(), sinktest.Samples(0, 1)); err != nil {
			t.Fatal(err)
		}
		got := srv.Entries()[0]
		if tt.want["project_id"] == "" {
			tt.want["project_id"] = "shop-prod"
		}
		if got.Resource.Type != tt.kind || got.LogName != "projects/shop-prod/logs/txtrail" {
			t.Errorf("%s: %s, %s", name, got.Resource.Type, got.LogName)
		}
		if d := cmp.Diff(tt.want, got.Resource.Labels); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// The trace is the project's, and the fields stand where the published message has them.
func TestPlaces(t *testing.T) {
	srv := serve(t)
	e := sinktest.Unsealed(1)
	e.Origin = txid.OriginMinted
	e.Trace = txid.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: 5, Sampled: true}
	e.Facts.UserID = "8812"
	e.Resource = &entry.Resource{Service: "web", Version: "v1", Environment: "production"}
	sinktest.Seal(e)
	if err := open(t, srv).Write(t.Context(), []*entry.Entry{e}); err != nil {
		t.Fatal(err)
	}
	le := srv.Entries()[0]
	want := map[string]string{"txid": string(e.TxID), "service": "web", "version": "v1", "environment": "production", "user": "8812", "sample": "1"}
	if d := cmp.Diff(want, le.Labels); d != "" {
		t.Error(d)
	}
	if le.Trace != "projects/shop-test/traces/"+e.Trace.ID || le.SpanId != "0000000000000005" || !le.TraceSampled ||
		le.Operation.Id != string(e.TxID) || !le.Operation.First || le.Operation.Last || le.Operation.Producer != entry.Producer ||
		le.InsertId != e.InsertID || !le.Timestamp.AsTime().Equal(e.Time) || le.HttpRequest.Status != 200 || le.HttpRequest.Latency.AsDuration() != e.Latency {
		t.Errorf("%v", le)
	}
	for _, k := range []string{"time", "severity", "httpRequest", "logging.googleapis.com/insertId", "logging.googleapis.com/labels", "logging.googleapis.com/trace"} {
		if le.GetJsonPayload().Fields[k] != nil {
			t.Errorf("the payload has %s", k)
		}
	}
}

func TestDenied(t *testing.T) {
	srv := serve(t)
	s := open(t, srv)
	for code, want := range map[codes.Code]bool{codes.PermissionDenied: true, codes.Unauthenticated: true, codes.Unavailable: false} {
		srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: code} })
		if err := s.Write(t.Context(), sinktest.Samples(0, 1)); cloudloggingsink.Denied(err) != want {
			t.Errorf("%v: %v", code, err)
		}
	}
	if cloudloggingsink.Denied(errors.New("other")) || cloudloggingsink.Denied(nil) {
		t.Error("an error of something else is taken for a permission")
	}
}

// A resource that the client would refuse with every request is refused at once; one
// that was found is made such that it is not.
func TestResourceBounds(t *testing.T) {
	for name, r := range map[string]*cloudloggingsink.Resource{
		"no UTF-8 in a value": {Type: "global", Labels: map[string]string{"pod": "a\xff"}},
		"no UTF-8 in a name":  {Type: "global", Labels: map[string]string{"a\xff": "pod"}},
		"no UTF-8 in a type":  {Type: "glob\xffal"},
		"no type":             {Labels: map[string]string{"a": "b"}},
		"a long value":        {Type: "global", Labels: map[string]string{"pod": strings.Repeat("x", 2000)}},
		"many labels": {Type: "global", Labels: func() map[string]string {
			m := map[string]string{}
			for i := range 1000 {
				m[strconv.Itoa(i)] = "value"
			}
			return m
		}()},
	} {
		_, err := cloudloggingsink.New(t.Context(), &cloudloggingsink.Options{ProjectID: "shop-test", Endpoint: "127.0.0.1:1", Insecure: true, Resource: r})
		if !errors.Is(err, cloudloggingsink.ErrOptions) || !strings.Contains(err.Error(), "Resource") {
			t.Errorf("%s: %v", name, err)
		}
	}
	srv := serve(t)
	env := map[string]string{"K_SERVICE": "web\xff", "K_REVISION": strings.Repeat("r", 5000), "K_CONFIGURATION": "c"}
	s := open(t, srv, func(o *cloudloggingsink.Options) {
		o.LookupEnv = func(k string) (string, bool) { v, ok := env[k]; return v, ok }
		o.Metadata = func(context.Context, string) string { return "europe\xfe" }
	})
	if err := s.Write(t.Context(), sinktest.Samples(0, 1)); err != nil {
		t.Error(err)
	}
}
