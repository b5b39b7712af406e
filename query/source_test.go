package query_test

import (
	"testing"

	"github.com/txtrail/txtrail/entry"
	"github.com/txtrail/txtrail/query"
	"github.com/txtrail/txtrail/query/querytest"
)

func TestMemoryKeepsTheLaw(t *testing.T) {
	querytest.Run(t, func(*testing.T) querytest.Harness {
		m := query.Memory(nil)
		return querytest.Harness{Source: m, Write: func(es ...*entry.Entry) error {
			m.Add(es...)
			return nil
		}}
	})
}
