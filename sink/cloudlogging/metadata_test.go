package cloudloggingsink

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"
)

// knowing is a metadata server that is ready after so many questions.
type knowing struct {
	mu    sync.Mutex
	ready int
	asked map[string]int
}

func (k *knowing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ready--; k.ready >= 0 {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/computeMetadata/v1/")
	k.asked[path]++
	w.Header().Set("Metadata-Flavor", "Google")
	v := map[string]string{
		"project/project-id": "from-metadata\n", "instance/id": "42", "instance/cpu-platform": "x", "instance/preempted": "FALSE", "instance/zone": "projects/1/zones/z-a",
	}[path]
	if v == "" {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write([]byte(v))
}

func env(vars map[string]string) func(string) string { return func(k string) string { return vars[k] } }

// What a machine knows of itself is asked of the metadata server, once, also where the
// server begins late.
func TestMetadataServer(t *testing.T) {
	for _, late := range []int{0, 22} { // longer than where it can not be late
		k := &knowing{asked: map[string]int{}, ready: late}
		srv := httptest.NewServer(k)
		vars := map[string]string{envMetadata: srv.Listener.Addr().String(), envKubernetes: "10.0.0.1"}
		s, err := New(t.Context(), &Options{
			LookupEnv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
			Endpoint:  "127.0.0.1:1", ClientOptions: []option.ClientOption{option.WithoutAuthentication()},
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.Name() != "cloudlogging:projects/from-metadata/logs/txtrail" {
			t.Errorf("%s", s.Name())
		}
		r, err := s.Resource()
		if err != nil || r.Type != "gce_instance" || !maps.Equal(r.Labels, map[string]string{"project_id": "from-metadata", "instance_id": "42", "zone": "z-a"}) {
			t.Errorf("%+v, %v", r, err)
		}
		_ = s.Close(context.Background())
		srv.Close()
		for path, n := range k.asked {
			if n != 1 {
				t.Errorf("%s is asked %d times", path, n)
			}
		}
	}
}

// Where there can be no metadata server nobody is called.
func TestMetadataServerElsewhere(t *testing.T) {
	for name, tt := range map[string]struct {
		vars    map[string]string
		product string
		never   bool // by the options
		want    bool
	}{
		"a developer's machine":  {nil, "XPS 13 9310", false, false},
		"Windows, macOS":         {nil, "", false, false},
		"EKS":                    {map[string]string{envKubernetes: "10.0.0.1"}, "m5.large", false, false},
		"k3s, no product's name": {map[string]string{envKubernetes: "10.0.0.1"}, "", false, false},
		"Knative elsewhere":      {map[string]string{envKubernetes: "10.0.0.1", "K_SERVICE": "web", "K_REVISION": "web-1", "K_CONFIGURATION": "web"}, "m5.large", false, false},
		"insecure":               {map[string]string{"K_SERVICE": "web"}, "Google Cloud Run", true, false},
		"named":                  {map[string]string{envMetadata: "127.0.0.1:1"}, "XPS 13 9310", false, true},
		"Cloud Run":              {map[string]string{"K_SERVICE": "web"}, "", false, true},
		"App Engine":             {map[string]string{"GAE_SERVICE": "web"}, "", false, true},
		"a job":                  {map[string]string{"CLOUD_RUN_JOB": "report"}, "", false, true},
		"GKE":                    {map[string]string{envKubernetes: "10.0.0.1"}, "Google Compute Engine", false, true},
		"Compute Engine":         {nil, "Google Compute Engine", false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			m := newMetadataServer(env(tt.vars), tt.product, tt.never)
			m.dial(func(context.Context, string, string) (net.Conn, error) {
				calls.Add(1)
				return nil, net.UnknownNetworkError("none")
			})
			for range 3 {
				if v := m.get(t.Context(), "project/project-id"); v != "" {
					t.Errorf("%s: %q", name, v)
				}
			}
			if called := calls.Load() > 0; called != tt.want || (m.failure() != nil) != tt.want {
				t.Errorf("%s: %d calls; %v", name, calls.Load(), m.failure())
			}
		})
	}
}

// A server that says nothing is not waited for, but by a pod on a machine of Google's,
// and there not for ever.
func TestMetadataServerMute(t *testing.T) {
	for name, tt := range map[string]struct {
		vars  map[string]string
		calls int64
	}{
		"anywhere": {map[string]string{envMetadata: "127.0.0.1:1"}, 1},
		"GKE":      {map[string]string{envKubernetes: "10.0.0.1"}, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			m := newMetadataServer(env(tt.vars), "Google Compute Engine", false)
			m.dial(func(context.Context, string, string) (net.Conn, error) {
				calls.Add(1)
				time.Sleep(metadataTry + time.Millisecond)
				return nil, os.ErrDeadlineExceeded
			})
			if v := m.get(t.Context(), "project/project-id"); v != "" || m.failure() == nil || !strings.Contains(m.failure().Error(), "does not answer") {
				t.Errorf("%s: %q, %v", name, v, m.failure())
			}
			if m.get(t.Context(), "instance/id"); calls.Load() != tt.calls {
				t.Errorf("%s: %d calls, want %d", name, calls.Load(), tt.calls)
			}
			time.Sleep(2 * metadataTry) // the last one ends
		})
	}
}
