// Package sinktest is the law of [sink.Sink] as tests: one case for each part of
// it, with its reason. A package that implements a Sink runs it:
//
//	func TestConformance(t *testing.T) {
//		sinktest.Run(t, func(t *testing.T) sinktest.Harness {
//			s := open(t)
//			return sinktest.Harness{Sink: s, Stored: s.readBack}
//		})
//	}
//
// [Memory] is a Sink that keeps entries in memory, for the tests of whatever
// writes to one.
package sinktest
