package journalsink_test

import (
	"context"
	"testing"

	"github.com/txtrail/txtrail/entry"
	journalsink "github.com/txtrail/txtrail/sink/journal"
	"github.com/txtrail/txtrail/sink/sinktest"
)

func TestConformance(t *testing.T) {
	for name, size := range map[string]int64{"one file": 0, "many files": 4 << 10} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				dir := t.TempDir()
				j, err := journalsink.Open(dir, &journalsink.Options{MaxFileBytes: size, MinFree: -1, OnError: func(error) {}})
				if err != nil {
					t.Fatal(err)
				}
				return sinktest.Harness{Sink: j, Stored: func() ([]*entry.Entry, error) {
					r, err := journalsink.OpenReader(dir, nil)
					if err != nil {
						return nil, err
					}
					var all []*entry.Entry
					for e, err := range r.Scan(context.Background(), journalsink.ScanOptions{}) {
						if err != nil {
							return nil, err
						}
						all = append(all, e)
					}
					return all, nil
				}}
			})
		})
	}
}
