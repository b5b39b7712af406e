package cloudloggingsink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"cloud.google.com/go/compute/metadata"
)

const (
	metadataAddress = "169.254.169.254" // where it is on every machine of Google's (metadata's documentation)
	envMetadata     = "GCE_METADATA_HOST"
	envKubernetes   = "KUBERNETES_SERVICE_HOST"

	metadataTry      = time.Second            // for one question
	metadataPatience = 2 * time.Second        // for all of them
	clusterPatience  = 10 * time.Second       // for the first, in a pod, whose metadata server may begin after it
	metadataPause    = 100 * time.Millisecond // between two tries
)

// metadataServer asks Google's metadata server, once it is likely that there is one,
// and no further where the first question got no answer.
type metadataServer struct {
	never   bool
	patient bool // the server may come later
	client  *metadata.Client
	host    string

	mu     sync.Mutex
	asked  map[string]string // what was answered
	absent bool
	until  time.Time
	err    error // why it is absent, though it should not be
}

// newMetadataServer finds out whether to ask. product is what the machine calls itself.
func newMetadataServer(env func(string) string, product string, never bool) *metadataServer {
	m := &metadataServer{
		never:   never || !mayBeGoogle(env, product),
		patient: env(envKubernetes) != "",
		host:    env(envMetadata),
	}
	if m.host == "" {
		m.host = metadataAddress
	}
	m.dial((&net.Dialer{Timeout: metadataTry}).DialContext)
	return m
}

// dial says how the server is reached: not by a proxy, which does not know its address.
func (m *metadataServer) dial(by func(ctx context.Context, network, address string) (net.Conn, error)) {
	m.client = metadata.NewClient(&http.Client{Transport: &onlyOnce{
		host: m.host, base: &http.Transport{DisableKeepAlives: true, DialContext: by},
	}})
}

// mayBeGoogle reports whether there may be a metadata server: something names one, the
// machine says that it is Google's, or this is one of the platforms whose sandbox does
// not say. Elsewhere its address is nobody's, and asking it would cost every start the
// time of waiting. A pod knows by its machine: Kubernetes is run anywhere, and Knative,
// which has Cloud Run's variables, too.
func mayBeGoogle(env func(string) string, product string) bool {
	if env(envMetadata) != "" || onGoogle(product) {
		return true
	}
	if env(envKubernetes) != "" {
		return false
	}
	for _, name := range [...]string{"K_SERVICE", "CLOUD_RUN_JOB", "GAE_SERVICE", "FUNCTION_TARGET"} {
		if env(name) != "" {
			return true
		}
	}
	return false
}

func onGoogle(product string) bool { return strings.HasPrefix(product, "Google") }

// product reads what the machine calls itself, "" where that is not told by a file.
func product() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	name, err := os.ReadFile("/sys/class/dmi/id/product_name")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

// get returns what is at a path, "" where there is nothing.
func (m *metadataServer) get(ctx context.Context, path string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.never || m.absent {
		return ""
	}
	if v, ok := m.asked[path]; ok {
		return v
	}
	first := m.asked == nil
	if first {
		m.asked = map[string]string{}
		m.until = time.Now().Add(metadataPatience)
		if m.patient {
			m.until = time.Now().Add(clusterPatience)
		}
	}
	ctx, cancel := context.WithDeadline(ctx, m.until)
	defer cancel()
	for {
		v, err := m.try(ctx, path)
		var undefined metadata.NotDefinedError
		if err == nil || errors.As(err, &undefined) {
			if first {
				m.until = time.Now().Add(metadataPatience)
			}
			m.asked[path] = strings.TrimSpace(v)
			return m.asked[path]
		}
		// A server that is there and not ready is waited for, one that says nothing only
		// where there is one.
		if !m.patient && !errors.Is(err, errNotReady) && !errors.Is(err, syscall.ECONNREFUSED) || !pause(ctx, metadataPause) {
			m.absent, m.err = true, fmt.Errorf("the metadata server at %.80q does not answer: %w", m.host, err)
			return ""
		}
	}
}

func (m *metadataServer) try(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTry)
	defer cancel()
	return m.client.GetWithContext(ctx, path)
}

// failure returns why a server that was asked did not answer.
func (m *metadataServer) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// pause waits and reports whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// onlyOnce asks a host once: the client of package metadata would ask again by itself,
// for longer than its caller knows, and the host of the process's environment.
type onlyOnce struct {
	host string
	base http.RoundTripper
}

var errNotReady = errors.New("it is not ready")

func (o *onlyOnce) RoundTrip(req *http.Request) (*http.Response, error) {
	own := req.Clone(req.Context())
	own.URL.Host, own.Host = o.host, o.host
	res, err := o.base.RoundTrip(own)
	if err != nil {
		return nil, final{err}
	}
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
		return nil, final{errors.Join(fmt.Errorf("%w: %s", errNotReady, res.Status), res.Body.Close())}
	}
	return res, nil
}

// final hides that an error is temporary.
type final struct{ err error }

func (f final) Error() string { return f.err.Error() }

func (f final) Is(target error) bool { return errors.Is(f.err, target) }
