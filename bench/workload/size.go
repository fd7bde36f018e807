package workload

import "runtime"

// Size begins n sessions and returns the average number of heap bytes per session.
func Size(app *App, n int) (float64, error) {
	if err := BeginAll(app, runtime.GOMAXPROCS(0)); err != nil { // the first sessions allocate memory that all share
		return 0, err
	}
	before := heap()
	if err := BeginAll(app, n); err != nil {
		return 0, err
	}
	size := float64(heap()-before) / float64(n)
	runtime.KeepAlive(app)
	return size, nil
}

// heap returns the number of live bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has finalized, and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
