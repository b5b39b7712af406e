package cloudloggingsink

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/txtrail/txtrail/entry"
)

// Resource is a monitored resource (cloud.google.com/logging/docs/api/v2/resource-list).
type Resource struct {
	Type   string            // "cloud_run_revision"
	Labels map[string]string // its labels
}

// What a resource may have at most: more than any that there is. The service counts it
// as part of each entry, for which maxEntry leaves room.
const (
	maxResource     = 8 << 10 // bytes of all labels
	maxResourceText = 1 << 10 // bytes of a type, a label's name or its value
)

// check refuses a resource with which the client, or the service, would refuse every
// request.
func (r *Resource) check() error {
	bad := func(s string) bool { return len(s) > maxResourceText || !utf8.ValidString(s) }
	switch {
	case r.Type == "":
		return fmt.Errorf("%w: Resource has no Type, want one such as k8s_container or global", ErrOptions)
	case bad(r.Type):
		return fmt.Errorf("%w: Resource.Type is %.80q, want one such as k8s_container or global", ErrOptions, r.Type)
	}
	size := 0
	for k, v := range r.Labels {
		if size += len(k) + len(v) + 8; size > maxResource {
			return fmt.Errorf("%w: Resource has %d labels of more than %d bytes together", ErrOptions, len(r.Labels), maxResource)
		}
		if bad(k) || bad(v) {
			return fmt.Errorf("%w: Resource has the label %.80q with the value %.80q, want UTF-8 and at most %d bytes of each", ErrOptions, k, v, maxResourceText)
		}
	}
	return nil
}

// valid returns a copy that check takes, of what the environment and the metadata
// server say.
func (r *Resource) valid() *Resource {
	text := func(s string) string { return entry.Cut(strings.ToValidUTF8(s, "\ufffd"), maxResourceText) }
	c := &Resource{Type: text(r.Type), Labels: make(map[string]string, len(r.Labels))}
	for k, v := range r.Labels {
		c.Labels[text(k)] = text(v)
	}
	return c
}

// detect finds the resource by the same signs as the official client library
// (cloud.google.com/go/logging): without a metadata server that answers it is "global",
// since Knative has the variables of Cloud Run wherever it runs. project_id is the
// machine's project, which need not be the one that gets the entries.
func detect(ctx context.Context, o *Options) *Resource {
	env := o.env
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
	project := meta("project/project-id")
	r := func(kind string, labels ...string) *Resource {
		m := map[string]string{"project_id": project}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = strings.ToValidUTF8(labels[i+1], "\ufffd")
		}
		return &Resource{Type: kind, Labels: m}
	}
	if project == "" {
		project = o.ProjectID
		return r("global")
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
	// A machine of App Engine's flexible environment has a bucket for it.
	if meta("instance/preempted") != "" && meta("instance/cpu-platform") != "" && meta("instance/attributes/gae_app_bucket") == "" {
		return r("gce_instance", "instance_id", meta("instance/id"), "zone", base("instance/zone"))
	}
	return r("global")
}
