package highlevelsink_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging"

	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
	highlevelsink "github.com/txtrail/txtrail/sink/cloudlogging/highlevel"
)

func TestOptions(t *testing.T) {
	srv := serve(t)
	c := client(t, srv)
	l := c.Logger("theirs", logging.CommonResource(nil))
	for name, tt := range map[string]struct {
		opts highlevelsink.Options
		env  map[string]string
		log  string // by New, "" if it fails
		from string // by FromLogger
		says []string
	}{
		"project given":     {highlevelsink.Options{ProjectID: "shop", LogID: "l"}, nil, "projects/shop/logs/l", "projects/shop/logs/l", nil},
		"by environment":    {highlevelsink.Options{}, map[string]string{"GOOGLE_CLOUD_PROJECT": "shop", "TXTRAIL_CLOUDLOGGING_LOG": "e"}, "projects/shop/logs/e", "projects/shop/logs/e", nil},
		"no log":            {highlevelsink.Options{ProjectID: "shop"}, nil, "projects/shop/logs/txtrail", "", []string{"no LogID"}},
		"no project":        {highlevelsink.Options{LogID: "l"}, nil, "", "", []string{"no project", "GOOGLE_CLOUD_PROJECT"}},
		"a bad log":         {highlevelsink.Options{ProjectID: "shop", LogID: "a b"}, nil, "", "", []string{"LogID"}},
		"a bad project":     {highlevelsink.Options{ProjectID: "a\x1b[2J\n", LogID: "l"}, nil, "", "", []string{`\x1b`}},
		"too many calls":    {highlevelsink.Options{ProjectID: "shop", LogID: "l", Concurrent: 101}, nil, "", "", []string{"Concurrent is 101", "up to 100"}},
		"fewer than none":   {highlevelsink.Options{ProjectID: "shop", LogID: "l", Concurrent: -1}, nil, "", "", []string{"Concurrent is -1"}},
		"a negative time":   {highlevelsink.Options{ProjectID: "shop", LogID: "l", CallTimeout: -time.Second}, nil, "", "", []string{"CallTimeout is -1s"}},
		"a negative age":    {highlevelsink.Options{ProjectID: "shop", LogID: "l", MaxAge: -1}, nil, "", "", []string{"MaxAge"}},
		"a nameless kind":   {highlevelsink.Options{ProjectID: "shop", LogID: "l", Resource: &cloudloggingsink.Resource{}}, nil, "", "", []string{"no Type"}},
		"insecure, by hand": {highlevelsink.Options{ProjectID: "shop", LogID: "l"}, map[string]string{"TXTRAIL_CLOUDLOGGING_INSECURE": "1"}, "projects/shop/logs/l", "projects/shop/logs/l", nil},
	} {
		tt.opts.Metadata = func(context.Context, string) string { return "" }
		tt.opts.LookupEnv = func(k string) (string, bool) {
			v, ok := tt.env[k]
			return v, ok
		}
		check := func(how, want string, s *highlevelsink.Sink, err error) {
			if want == "" {
				if s != nil || !errors.Is(err, highlevelsink.ErrOptions) && !errors.Is(err, cloudloggingsink.ErrOptions) {
					t.Errorf("%s, %s: %v", name, how, err)
					return
				}
				for _, says := range tt.says {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%s, %s: %q does not say %q", name, how, err, says)
					}
				}
				return
			}
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
				return
			}
			if s.Name() != "cloudlogging:"+want {
				t.Errorf("%s, %s: %s", name, how, s.Name())
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		s, err := highlevelsink.New(t.Context(), c, &tt.opts)
		check("New", tt.log, s, err)
		s, err = highlevelsink.FromLogger(t.Context(), l, &tt.opts)
		check("FromLogger", tt.from, s, err)
	}
	if _, err := highlevelsink.New(t.Context(), nil, options()); !errors.Is(err, highlevelsink.ErrOptions) || !strings.Contains(err.Error(), "logging.NewClient") {
		t.Errorf("no client: %v", err)
	}
	if _, err := highlevelsink.FromLogger(t.Context(), nil, options()); !errors.Is(err, highlevelsink.ErrOptions) || !strings.Contains(err.Error(), "Client.Logger") {
		t.Errorf("no Logger: %v", err)
	}
}
