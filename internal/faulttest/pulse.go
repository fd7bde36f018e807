package faulttest

import (
	"sync/atomic"
	"time"
)

// A pulse measures how late goroutines wake up on this machine, which has other things to do.
type pulse struct {
	late atomic.Int64
	done chan struct{}
}

// beat is how often, and after beats of them it has certainly told of a pause that is over.
const (
	beat  = 5 * time.Millisecond
	beats = 10
)

func startPulse() *pulse {
	p := &pulse{done: make(chan struct{})}
	go func() {
		for {
			before := time.Now()
			select {
			case <-p.done:
				return
			case <-time.After(beat):
			}
			if late := int64(time.Since(before) - beat); late > p.late.Load() {
				p.late.Store(late)
			}
		}
	}()
	return p
}

func (p *pulse) stop() { close(p.done) }

// worst is how late the latest was.
func (p *pulse) worst() time.Duration { return time.Duration(p.late.Load()) }
