package cloudloggingquery_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/txtrail/txtrail/internal/gcltest"
	"github.com/txtrail/txtrail/query"
	cloudloggingquery "github.com/txtrail/txtrail/query/cloudlogging"
)

// Who may not read learns which role it takes: another one for a view than for a
// project.
func TestPermissionRemedies(t *testing.T) {
	w := open(t)
	w.srv.SetFault(func(string, int) gcltest.Fault { return gcltest.Fault{Code: codes.PermissionDenied} })
	for says, views := range map[string][]string{
		"no such project, or grant roles/logging.viewer on it": nil,
		"no such view, or grant roles/logging.viewAccessor":    {"projects/shop-test/locations/global/buckets/txtrail/views/_AllLogs"},
	} {
		src, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: "shop-test", Views: views, Endpoint: w.srv.Addr(), Insecure: true, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = src.Find(t.Context(), query.Filter{}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want it to say %q", err, says)
		}
		_ = src.Close()
	}
}

// The eleventh who follows a project learns that there are ten.
func TestTailQuota(t *testing.T) {
	w := open(t)
	w.srv.SetFault(func(method string, _ int) gcltest.Fault {
		if method == "TailLogEntries" {
			return gcltest.Fault{Code: codes.ResourceExhausted}
		}
		return gcltest.Fault{}
	})
	for _, err := range w.src.Tail(t.Context(), query.Filter{}) {
		if err == nil || !strings.Contains(err.Error(), "10 sessions of tail") {
			t.Errorf("%v", err)
		}
		break
	}
}

// An address that can not be is not taken for missing credentials.
func TestOpenNotCredentials(t *testing.T) {
	_, err := cloudloggingquery.Open(t.Context(), &cloudloggingquery.Options{ProjectID: "shop-test", Endpoint: "a b:%", Insecure: true})
	if !errors.Is(err, cloudloggingquery.ErrOptions) || errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "look at Endpoint") {
		t.Errorf("%v", err)
	}
}
