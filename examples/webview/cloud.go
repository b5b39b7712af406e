package main

import (
	"context"
	"os"

	"github.com/txtrail/txtrail/sink"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

// project is the one that the test service gets the entries for. It needs no account.
const project = "webview-demo"

const envEndpoint = "TXTRAIL_CLOUDLOGGING_ENDPOINT"

// sinks are where entries go beside the journal: Cloud Logging, where the environment
// names an endpoint. For the service itself, with an account, the two lines without
// the condition are all that is needed.
func sinks() ([]sink.Sink, error) {
	if os.Getenv(envEndpoint) == "" {
		return nil, nil
	}
	s, err := cloudloggingsink.FromEnv(context.Background())
	if err != nil {
		return nil, err
	}
	return []sink.Sink{s}, nil
}

// cloud is the environment by which the services send to a test service.
func cloud(endpoint string) []string {
	if endpoint == "" {
		return nil
	}
	return []string{envEndpoint + "=" + endpoint, "TXTRAIL_CLOUDLOGGING_INSECURE=1", "GOOGLE_CLOUD_PROJECT=" + project}
}

// cloudSource is how the txtrail command reads them back.
func cloudSource(endpoint string) string {
	return "gcl:" + project + "?endpoint=" + endpoint + "&insecure"
}
