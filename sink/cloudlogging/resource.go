package cloudloggingsink

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/compute/metadata"
)

// Resource is a monitored resource (cloud.google.com/logging/docs/api/v2/resource-list).
type Resource struct {
	Type   string            // "cloud_run_revision"
	Labels map[string]string // its labels
}

// metadataServer asks Google's metadata server. All questions together take at most
// 2 s, and where the first gets no answer there is no server and no further one is asked.
func metadataServer(never bool) func(context.Context, string) string {
	var mu sync.Mutex
	var asked, absent bool
	end := time.Time{}
	client := metadata.NewClient(&http.Client{Timeout: time.Second})
	return func(ctx context.Context, path string) string {
		mu.Lock()
		defer mu.Unlock()
		if never || absent {
			return ""
		}
		if !asked {
			asked, end = true, time.Now().Add(2*time.Second)
			absent = !onGoogle()
			if absent {
				return ""
			}
		}
		ctx, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		v, err := client.GetWithContext(ctx, path)
		if err != nil {
			if _, undefined := err.(metadata.NotDefinedError); !undefined { //nolint:errorlint // it comes as it is
				absent = true
			}
			return ""
		}
		return strings.TrimSpace(v)
	}
}

// onGoogle reports whether there may be a metadata server: something names one, or
// this is one of Google's platforms. Elsewhere its address is nobody's, and asking it
// would cost every start the time of waiting.
func onGoogle() bool {
	for _, name := range [...]string{"GCE_METADATA_HOST", "K_SERVICE", "CLOUD_RUN_JOB", "GAE_SERVICE", "FUNCTION_TARGET", "KUBERNETES_SERVICE_HOST"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	if runtime.GOOS != "linux" {
		return runtime.GOOS == "windows"
	}
	name, err := os.ReadFile("/sys/class/dmi/id/product_name")
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(name)), "Google")
}

// detect finds the resource by the same signs as the official client library.
func detect(ctx context.Context, o *Options) *Resource {
	env := func(name string) string {
		v, _ := o.LookupEnv(name)
		return v
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if env(n) == "" {
				return false
			}
		}
		return true
	}
	meta := func(path string) string { return o.Metadata(ctx, path) }
	base := func(path string) string {
		v := meta(path)
		return v[strings.LastIndexByte(v, '/')+1:]
	}
	r := func(kind string, labels ...string) *Resource {
		m := map[string]string{"project_id": o.ProjectID}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		return &Resource{Type: kind, Labels: m}
	}
	switch {
	case has("GAE_SERVICE", "GAE_VERSION", "GAE_INSTANCE"):
		return r("gae_app", "module_id", env("GAE_SERVICE"), "version_id", env("GAE_VERSION"), "zone", base("instance/zone"))
	case has("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "K_SERVICE"):
		return r("cloud_function", "region", base("instance/region"), "function_name", env("K_SERVICE"))
	case has("K_CONFIGURATION", "K_SERVICE", "K_REVISION"):
		return r("cloud_run_revision", "location", base("instance/region"), "service_name", env("K_SERVICE"),
			"revision_name", env("K_REVISION"), "configuration_name", env("K_CONFIGURATION"))
	case has("CLOUD_RUN_JOB", "CLOUD_RUN_EXECUTION", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_ATTEMPT"):
		return r("cloud_run_job", "location", base("instance/region"), "job_name", env("CLOUD_RUN_JOB"))
	}
	if cluster := meta("instance/attributes/cluster-name"); cluster != "" {
		namespace := ""
		if b, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace"); err == nil {
			namespace = strings.TrimSpace(string(b))
		}
		if namespace == "" {
			namespace = env("NAMESPACE_NAME")
		}
		return r("k8s_container", "cluster_name", cluster, "location", meta("instance/attributes/cluster-location"),
			"pod_name", env("HOSTNAME"), "namespace_name", namespace, "container_name", env("CONTAINER_NAME"))
	}
	if id := meta("instance/id"); id != "" && meta("instance/cpu-platform") != "" {
		return r("gce_instance", "instance_id", id, "zone", base("instance/zone"))
	}
	return r("global")
}
