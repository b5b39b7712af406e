package highlevelsink_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"cloud.google.com/go/logging"
	"go.uber.org/goleak"

	"github.com/txtrail/txtrail/internal/gcltest"
	cloudloggingsink "github.com/txtrail/txtrail/sink/cloudlogging"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		if err := first(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// first sends the first entry of this process, with which the client sends one of its
// own, of the real time: it would be one more in whichever test comes first.
func first() error {
	srv, err := gcltest.Start(nil)
	if err != nil {
		return err
	}
	defer srv.Close()
	c, err := logging.NewClient(context.Background(), "shop-test", cloudloggingsink.Access{Endpoint: srv.Addr(), Insecure: true}.ClientOptions()...)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.Logger("first", logging.CommonResource(nil)).LogSync(context.Background(), logging.Entry{Payload: "first"})
}
