package workload

import (
	"runtime"
	"time"
)

// A Usage is what this process has used since its start.
type Usage struct {
	CPU    time.Duration // user and system, all threads
	Allocs uint64
	Bytes  uint64
}

// Now returns the usage of this process so far.
func Now() Usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m) // package runtime/metrics leaves out what processors have not yet told of
	return Usage{CPU: cpuTime(), Allocs: m.Mallocs, Bytes: m.TotalAlloc}
}

// Since returns the average usage of n requests between before and u.
func (u Usage) Since(before Usage, wall time.Duration, n int64) Result {
	each := func(total float64) float64 { return total / float64(n) }
	return Result{
		Requests: n, CPU: each(float64(u.CPU - before.CPU)), Wall: each(float64(wall)),
		Allocs: each(float64(u.Allocs - before.Allocs)), Bytes: each(float64(u.Bytes - before.Bytes)),
	}
}
