//go:build unix

package workload

import (
	"syscall"
	"time"
)

// cpuTime is the processor time of this process, of all its threads.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it is documented to fail on bad arguments only
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
