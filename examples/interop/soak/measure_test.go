package soak

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// sample is what the process holds while nothing goes on.
type sample struct {
	goroutines  int
	descriptors int
	heap        int64 // bytes that are in use
	spans       int64 // bytes of the pages that hold them
	stacks      int64
	resident    int64
}

func (s sample) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, heap %d KB in %d KB, stacks %d KB, resident %d KB",
		s.goroutines, s.descriptors, s.heap>>10, s.spans>>10, s.stacks>>10, s.resident>>10)
}

// take measures. What waits to be collected does not count, and free pages are
// given back first.
func take() sample {
	var m runtime.MemStats
	for range 3 { // what pools hold goes with the second
		debug.FreeOSMemory()
	}
	runtime.ReadMemStats(&m)
	return sample{
		goroutines: runtime.NumGoroutine(), descriptors: descriptors(),
		heap: int64(m.HeapAlloc), spans: int64(m.HeapInuse), stacks: int64(m.StackInuse), resident: resident(),
	}
}

// settle waits until what is counted is as much as it was, for at most 10 s, and
// measures. Connections that were closed take a moment to be noticed by both sides.
func settle(rest func(), goroutines, descriptor int) sample {
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		rest()
		if runtime.NumGoroutine() <= goroutines && descriptors() <= descriptor {
			break
		}
	}
	return take()
}

// stable waits until what is counted stays as it is, for at most 10 s, and measures.
func stable(rest func()) sample {
	var last [2]int
	for begin, same := time.Now(), 0; same < 10 && time.Since(begin) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		rest()
		now := [2]int{runtime.NumGoroutine(), descriptors()}
		if now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	return take()
}

// climb returns by how much values rise from the first to the last, taking the median
// of the slopes between any two of them: a few that are off do not count.
func climb(values []int64) int64 {
	var slopes []float64
	for i := range values {
		for j := i + 1; j < len(values); j++ {
			slopes = append(slopes, float64(values[j]-values[i])/float64(j-i))
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	slices.Sort(slopes)
	return int64(slopes[len(slopes)/2] * float64(len(values)-1))
}
