package sink

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/txtrail/txtrail/entry"
)

func withEnv(vars map[string]string, o ResourceOptions) *ResourceOptions {
	o.LookupEnv = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	if o.Hostname == nil {
		o.Hostname = func() (string, error) { return "host1", nil }
	}
	if o.ServerUser == nil {
		o.ServerUser = func() (string, error) { return "minji", nil }
	}
	if o.BuildInfo == nil {
		o.BuildInfo = func() (*debug.BuildInfo, bool) {
			return &debug.BuildInfo{
				Path: "example.com/shop/cmd/shopd", Main: debug.Module{Version: "(devel)"},
				Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}},
			}, true
		}
	}
	o.PID = 7
	return &o
}

func TestNewResource(t *testing.T) {
	tests := []struct {
		name string
		opts *ResourceOptions
		want entry.Resource
	}{
		{
			"nothing said", withEnv(nil, ResourceOptions{}),
			entry.Resource{Service: "shopd", Version: "0123456789ab-dirty", Environment: "local", Host: "host1", Instance: "host1:7", PID: 7, ServerUser: "minji"},
		},
		{
			"ours", withEnv(map[string]string{
				"TXTRAIL_SERVICE": " shop ", "TXTRAIL_VERSION": "1.2", "TXTRAIL_ENVIRONMENT": "Development",
				"OTEL_SERVICE_NAME": "other", "K_SERVICE": "run", "K_REVISION": "run-1",
			}, ResourceOptions{}),
			entry.Resource{Service: "shop", Version: "1.2", Environment: "Development", Host: "host1", Instance: "host1:7", PID: 7, ServerUser: "minji"},
		},
		{
			"code before all", withEnv(map[string]string{"TXTRAIL_SERVICE": "shop", "TXTRAIL_ENVIRONMENT": "local"}, ResourceOptions{
				Service: "a", Version: "b", Environment: "production", Instance: "c", Attributes: []entry.Label{{Name: "team", Value: "x"}},
			}),
			entry.Resource{Service: "a", Version: "b", Environment: "production", Instance: "c", Host: "host1", PID: 7, Attributes: []entry.Label{{Name: "team", Value: "x"}}},
		},
		{
			"Cloud Run", withEnv(map[string]string{"K_SERVICE": "shop", "K_REVISION": "shop-00042"}, ResourceOptions{}),
			entry.Resource{Service: "shop", Version: "shop-00042", Environment: "production", Host: "host1", Instance: "host1:7", PID: 7},
		},
		{
			"a job of Cloud Run", withEnv(map[string]string{"CLOUD_RUN_JOB": "report", "CLOUD_RUN_EXECUTION": "report-x7d2k", "CLOUD_RUN_TASK_INDEX": "3"}, ResourceOptions{}),
			entry.Resource{Service: "report", Version: "0123456789ab-dirty", Environment: "production", Host: "host1", Instance: "report-x7d2k/3", PID: 7},
		},
		{
			"App Engine", withEnv(map[string]string{"GAE_SERVICE": "shop", "GAE_VERSION": "20261120t1", "GAE_ENV": "standard"}, ResourceOptions{}),
			entry.Resource{Service: "shop", Version: "20261120t1", Environment: "production", Host: "host1", Instance: "host1:7", PID: 7},
		},
		{
			"App Engine on a developer's machine", withEnv(map[string]string{"GAE_SERVICE": "shop", "GAE_VERSION": "1", "GAE_ENV": "localdev"}, ResourceOptions{}),
			entry.Resource{Service: "shop", Version: "1", Environment: "local", Host: "host1", Instance: "host1:7", PID: 7, ServerUser: "minji"},
		},
		{
			"Kubernetes", withEnv(map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ResourceOptions{Service: "shop", Version: "1"}),
			entry.Resource{Service: "shop", Version: "1", Environment: "production", Host: "host1", Instance: "host1:7", PID: 7},
		},
		{
			"OpenTelemetry", withEnv(map[string]string{
				"OTEL_SERVICE_NAME": "otel",
				"OTEL_RESOURCE_ATTRIBUTES": "service.name=less,service.version=2.0, deployment.environment=staging ,service.instance.id=i-1," +
					"host.name=h,k8s.pod.name=shop%2Fpod%2C1,empty=,team=a,team=b,",
			}, ResourceOptions{Attributes: []entry.Label{{Name: "empty", Value: "by code"}}}),
			entry.Resource{
				Service: "otel", Version: "2.0", Environment: "staging", Instance: "i-1", Host: "h", PID: 7,
				Attributes: []entry.Label{{Name: "empty", Value: "by code"}, {Name: "k8s.pod.name", Value: "shop/pod,1"}, {Name: "team", Value: "b"}},
			},
		},
		{
			"named variables only", withEnv(map[string]string{"REGION": "seoul", "DB_PASSWORD": "hunter2"}, ResourceOptions{
				Service: "s", Version: "v", Environment: "qa", Env: []string{"REGION", "NOT_SET"},
			}),
			entry.Resource{Service: "s", Version: "v", Environment: "qa", Host: "host1", Instance: "host1:7", PID: 7, Attributes: []entry.Label{{Name: "REGION", Value: "seoul"}}},
		},
		{
			"the system knows nothing", withEnv(nil, ResourceOptions{
				Hostname:   func() (string, error) { return "", errors.New("no name") },
				ServerUser: func() (string, error) { return "bad\x00user", nil },
				BuildInfo:  func() (*debug.BuildInfo, bool) { return nil, false },
			}),
			entry.Resource{Service: "unknown_service", Environment: "local", Instance: "7", PID: 7},
		},
	}
	for _, tt := range tests {
		got, err := NewResource(tt.opts)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestNewResourceErrors(t *testing.T) {
	long := strings.Repeat("x", 600)
	many := make([]entry.Label, 30)
	for i := range many {
		many[i] = entry.Label{Name: strings.Repeat("n", i+1)}
	}
	tests := []struct {
		env  map[string]string
		opts ResourceOptions
		want string
	}{
		{map[string]string{"TXTRAIL_SERVICE": "secret\xff"}, ResourceOptions{}, "environment variable TXTRAIL_SERVICE: not valid UTF-8"},
		{map[string]string{"TXTRAIL_ENVIRONMENT": "secret\x1b[2J"}, ResourceOptions{}, "environment variable TXTRAIL_ENVIRONMENT: control character U+001B at byte 6"},
		{map[string]string{"K_REVISION": "secret" + long}, ResourceOptions{}, "environment variable K_REVISION: 606 bytes, want at most 512"},
		{map[string]string{"OTEL_SERVICE_NAME": "secret\u2028x"}, ResourceOptions{}, "environment variable OTEL_SERVICE_NAME: control character U+2028"},
		{map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "a=1,secret"}, ResourceOptions{}, "environment variable OTEL_RESOURCE_ATTRIBUTES: pair 2 has no key or no equals sign"},
		{map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "=secret"}, ResourceOptions{}, "pair 1 has no key"},
		{map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "a=secret%zz"}, ResourceOptions{}, "pair 1 has a malformed percent-encoding"},
		{map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "a=secret%00"}, ResourceOptions{}, "pair 1 has a bad value: control character U+0000"},
		{map[string]string{"OTEL_RESOURCE_ATTRIBUTES": long + "=secret"}, ResourceOptions{}, "pair 1 has a bad key: 600 bytes"},
		{map[string]string{"TOKEN": "secret\n"}, ResourceOptions{Env: []string{"TOKEN"}}, "environment variable TOKEN, named in ResourceOptions.Env: control character"},
		{nil, ResourceOptions{Env: []string{"A=B"}}, "is not the name of an environment variable"},
		{nil, ResourceOptions{Service: "a\nb"}, "ResourceOptions.Service: control character U+000A at byte 1"},
		{nil, ResourceOptions{Attributes: []entry.Label{{Value: "secret"}}}, "an attribute has no name"},
		{nil, ResourceOptions{Attributes: []entry.Label{{Name: "a", Value: "secret\xff"}}}, `the value of "a": not valid UTF-8`},
		{nil, ResourceOptions{Attributes: []entry.Label{{Name: "a\x00"}}}, "control character U+0000"},
		{nil, ResourceOptions{Attributes: many, Env: []string{"A", "B", "C"}}, "33 together, want at most 32"},
	}
	for _, tt := range tests {
		r, err := NewResource(withEnv(tt.env, tt.opts))
		if !errors.Is(err, ErrResource) || !strings.HasPrefix(err.Error(), "sink: resource: ") || !strings.Contains(err.Error(), tt.want) || r != nil {
			t.Errorf("%v %+v: %v, want %q", tt.env, tt.opts, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats the value: %v", err)
		}
	}
}

// TestServerUserIsAskedLocallyOnly: elsewhere nobody even looks.
func TestServerUserIsAskedLocallyOnly(t *testing.T) {
	for env, local := range map[string]bool{"local": true, "LOCAL": true, "development": true, "dev": true, "test": true, "production": false, "staging": false, "qa": false} {
		asked := false
		r, err := NewResource(withEnv(nil, ResourceOptions{Environment: env, ServerUser: func() (string, error) { asked = true; return "minji", nil }}))
		if err != nil {
			t.Fatal(err)
		}
		if asked != local || (r.ServerUser != "") != local {
			t.Errorf("%s: asked %v, server user %q", env, asked, r.ServerUser)
		}
	}
}

func TestBuildVersion(t *testing.T) {
	for _, tt := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, ""},
		{&debug.BuildInfo{}, ""},
		{&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3"},
		{&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}}, ""},
		{&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "abc"}}}, "abc-dirty"},
	} {
		if got := buildVersion(tt.info); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.info, got, tt.want)
		}
	}
}

// TestResourceDefaults: with nil options it reads the process as it is.
func TestResourceDefaults(t *testing.T) {
	r, err := NewResource(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.PID != os.Getpid() || r.Service == "" || r.Instance == "" {
		t.Errorf("%+v", r)
	}
}

func FuzzOTelAttributes(f *testing.F) {
	for _, s := range []string{"", "a=b", "a=b,c=d%20e", "a", "=", "a=%", ",,", "a=\xff", "service.name=x,service.name=y", "a=b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := NewResource(withEnv(map[string]string{"OTEL_RESOURCE_ATTRIBUTES": s}, ResourceOptions{}))
		if err != nil {
			if !errors.Is(err, ErrResource) || !strings.Contains(err.Error(), "OTEL_RESOURCE_ATTRIBUTES") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if len(r.Attributes) > entry.MaxLabels {
			t.Fatalf("%q: %d attributes", s, len(r.Attributes))
		}
		seen := map[string]bool{}
		for _, a := range r.Attributes {
			if a.Name == "" || seen[a.Name] || !utf8.ValidString(a.Name+a.Value) || len(a.Name) > entry.MaxLabelName || len(a.Value) > entry.MaxWord {
				t.Fatalf("%q: attribute %+v", s, a)
			}
			seen[a.Name] = true
		}
	})
}
