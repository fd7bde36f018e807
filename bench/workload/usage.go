package workload

import (
	"runtime/metrics"
	"time"
)

// A Usage is what this process has used so far.
type Usage struct {
	CPU    time.Duration // user and system, all threads
	Allocs uint64
	Bytes  uint64
}

// Now returns what this process has used so far.
func Now() Usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	return Usage{
		CPU: cpuTime(), Allocs: samples[0].Value.Uint64() + samples[1].Value.Uint64(), Bytes: samples[2].Value.Uint64(),
	}
}

// Since returns what each of n requests has used between before and u.
func (u Usage) Since(before Usage, wall time.Duration, n int64) Result {
	each := func(total float64) float64 { return total / float64(n) }
	return Result{
		Requests: n, CPU: each(float64(u.CPU - before.CPU)), Wall: each(float64(wall)),
		Allocs: each(float64(u.Allocs - before.Allocs)), Bytes: each(float64(u.Bytes - before.Bytes)),
	}
}
